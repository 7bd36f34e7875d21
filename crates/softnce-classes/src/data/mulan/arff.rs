//! Lines of Weka's [attribute-relation file
//! format](https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/).

use std::borrow::Cow;

use crate::data::lines::{Fault, quoted};

/// An attribute: a column of the table.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// The values of an attribute.
#[derive(Debug)]
pub(super) enum Kind {
    Numeric,
    /// One of these, at least one.
    Nominal(Vec<String>),
}

/// A value of a row.
#[derive(Debug, Clone)]
pub(super) struct Cell<'l> {
    column: usize,
    text: Cow<'l, str>,
}

impl Cell<'_> {
    fn fault(&self, attribute: &str, expected: &str) -> Fault {
        let what = if self.text == "?" { "a missing value".to_owned() } else { quoted(self.text.as_bytes()) };
        Fault::new(self.column, format!("{what} for attribute '{attribute}'"), expected)
    }

    /// The value as a finite number.
    pub(super) fn number(&self, attribute: &str) -> Result<f32, Fault> {
        let finite = self.text.parse::<f32>().ok().filter(|value| value.is_finite());
        finite.ok_or_else(|| self.fault(attribute, "a finite number of f32"))
    }

    /// The place of the value among those of the attribute.
    pub(super) fn place_in(&self, values: &[String], attribute: &str) -> Result<usize, Fault> {
        let place = values.iter().position(|value| *value == self.text);
        place.ok_or_else(|| self.fault(attribute, "one of the values that its declaration lists"))
    }
}

/// Whether a line is empty or a comment.
pub(super) fn is_blank(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start().first(), None | Some(b'%'))
}

/// The first word of a line if it begins with `@`, in lower case.
pub(super) fn keyword(line: &[u8]) -> Option<String> {
    let word = line.trim_ascii_start().split(u8::is_ascii_whitespace).next().unwrap_or_default();
    word.starts_with(b"@").then(|| String::from_utf8_lossy(word).to_ascii_lowercase())
}

/// Reads a line from left to right.
struct Reader<'l> {
    text: &'l str,
    column: usize,
}

impl<'l> Reader<'l> {
    fn new(line: &'l [u8]) -> Result<Self, Fault> {
        match std::str::from_utf8(line) {
            Ok(text) => Ok(Reader { text, column: 0 }),
            Err(error) => Err(Fault::new(error.valid_up_to(), "bytes that are not UTF-8", "UTF-8")),
        }
    }

    fn rest(&self) -> &'l str {
        &self.text[self.column..]
    }

    fn skip_space(&mut self) {
        self.column += self.rest().len() - self.rest().trim_start().len();
    }

    /// Skips a character if it comes next, after white space.
    fn skip(&mut self, character: char) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(character);
        self.column += if found { character.len_utf8() } else { 0 };
        found
    }

    fn expect(&mut self, character: char) -> Result<(), Fault> {
        if self.skip(character) { Ok(()) } else { Err(self.fault(&format!("'{character}'"))) }
    }

    fn expect_end(&mut self) -> Result<(), Fault> {
        self.skip_space();
        match self.rest().chars().next() {
            None | Some('%') => Ok(()),
            Some(_) => Err(self.fault("the end of the line")),
        }
    }

    fn fault(&self, expected: &str) -> Fault {
        Fault::new(self.column, quoted(self.rest().as_bytes()), expected)
    }

    /// A word: in quotes, where a backslash stands before a quote that belongs to it; else up to white space or a
    /// character with a meaning.
    fn word(&mut self, expected: &str) -> Result<Cell<'l>, Fault> {
        self.skip_space();
        let column = self.column;
        let Some(quote) = self.rest().chars().next().filter(|first| matches!(first, '\'' | '"')) else {
            let is_end = |character: char| character.is_whitespace() || matches!(character, ',' | '{' | '}');
            let end = self.rest().find(is_end).unwrap_or(self.rest().len());
            if end == 0 {
                return Err(self.fault(expected));
            }
            let text = Cow::Borrowed(&self.rest()[..end]);
            self.column += end;
            return Ok(Cell { column, text });
        };
        let (mut text, mut escaped) = (String::new(), false);
        for (place, character) in self.rest().char_indices().skip(1) {
            match character {
                '\\' if !escaped => escaped = true,
                _ if character == quote && !escaped => {
                    self.column += place + 1;
                    return Ok(Cell { column, text: text.into() });
                }
                _ => {
                    text.push(character);
                    escaped = false;
                }
            }
        }
        Err(self.fault("a closing quote"))
    }
}

/// A line `@attribute name type`.
pub(super) fn parse_attribute(line: &[u8]) -> Result<Attribute, Fault> {
    let mut reader = Reader::new(line)?;
    reader.word("@attribute")?;
    let name = reader.word("the name of the attribute")?.text.into_owned();
    if !reader.skip('{') {
        let kind = reader.word("the type of the attribute")?;
        if !["numeric", "real", "integer"].iter().any(|known| kind.text.eq_ignore_ascii_case(known)) {
            let expected = "numeric, real, integer or {values}";
            return Err(Fault::new(kind.column, quoted(kind.text.as_bytes()), expected));
        }
        reader.expect_end()?;
        return Ok(Attribute { name, kind: Kind::Numeric });
    }
    let mut values = vec![reader.word("a value")?.text.into_owned()];
    while reader.skip(',') {
        values.push(reader.word("a value")?.text.into_owned());
    }
    reader.expect('}')?;
    reader.expect_end()?;
    Ok(Attribute { name, kind: Kind::Nominal(values) })
}

/// Calls `take` with the attributes and values of a row: all of them, or those that a sparse row lists, in ascending
/// order.
pub(super) fn parse_row<'l>(
    line: &'l [u8],
    attributes: &[Attribute],
    mut take: impl FnMut(usize, Cell<'l>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut reader = Reader::new(line)?;
    if !reader.skip('{') {
        for index in 0..attributes.len() {
            if index > 0 {
                reader.expect(',')?;
            }
            take(index, reader.word("a value")?)?;
        }
        return reader.expect_end();
    }
    let mut next = 0;
    while !reader.skip('}') {
        if next > 0 {
            reader.expect(',')?;
        }
        let number = reader.word("the number of an attribute")?;
        let index = number.text.parse::<usize>().ok().filter(|index| (next..attributes.len()).contains(index));
        let Some(index) = index else {
            let expected =
                format!("the number of an attribute from {next} to {}, in ascending order", attributes.len() - 1);
            return Err(Fault::new(number.column, quoted(number.text.as_bytes()), expected));
        };
        take(index, reader.word("a value")?)?;
        next = index + 1;
    }
    reader.expect_end()
}
