//! One line of sparse rows.

use crate::data::Example;
use crate::data::lines::{Fault, quoted};
use crate::data::memory::repeated;

/// What the numbers of a file mean.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    /// Without a header, `#` begins a comment.
    pub(super) has_header: bool,
    pub(super) first_input: u32,
    pub(super) first_class: u32,
    pub(super) weighted_labels: bool,
}

/// The numbers below which indices must lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) inputs: usize,
    pub(super) classes: usize,
}

pub(super) struct Header {
    pub(super) rows: usize,
    pub(super) sizes: Sizes,
}

/// The parts of a line between white space, each with its column.
fn tokens(line: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    split(line, |byte| byte.is_ascii_whitespace()).filter(|(_, token)| !token.is_empty())
}

/// The parts of bytes between separators, each with its place.
fn split(bytes: &[u8], is_separator: impl Fn(u8) -> bool) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    bytes.split(move |&byte| is_separator(byte)).map(move |part| {
        let place = start;
        start += part.len() + 1;
        (place, part)
    })
}

/// A line without its comment.
fn without_comment(line: &[u8]) -> &[u8] {
    line.split(|&byte| byte == b'#').next().unwrap_or_default()
}

/// Whether a line has nothing but white space and a comment.
pub(super) fn is_blank(line: &[u8]) -> bool {
    without_comment(line).iter().all(u8::is_ascii_whitespace)
}

/// A header, if the line is one: no row consists of several numbers alone.
pub(super) fn parse_header(line: &[u8]) -> Result<Option<Header>, Fault> {
    let mut numbers = [(0, 0); 3];
    let mut count = 0;
    for (column, token) in tokens(line) {
        if !token.iter().all(u8::is_ascii_digit) {
            return Ok(None);
        }
        if let Some(place) = numbers.get_mut(count) {
            *place = (column, number(token).ok_or_else(|| too_large(column, token))?);
        }
        count += 1;
    }
    match count {
        0 | 1 => Ok(None),
        3 => {
            let [(_, rows), inputs, classes] = numbers;
            if inputs.1 == 0 || classes.1 == 0 {
                let (column, what) = if inputs.1 == 0 { (inputs.0, "inputs") } else { (classes.0, "classes") };
                return Err(Fault::new(column, format!("0 {what}"), "at least one"));
            }
            let sizes = Sizes { inputs: inputs.1 as usize, classes: classes.1 as usize };
            Ok(Some(Header { rows: rows as usize, sizes }))
        }
        _ => Err(Fault::new(0, format!("{count} numbers"), "the header 'rows inputs classes', or a row")),
    }
}

/// A number of 32 bits without a sign.
fn number(token: &[u8]) -> Option<u32> {
    if token.is_empty() {
        return None;
    }
    token.iter().try_fold(0_u32, |number, byte| match byte {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u32::from(byte - b'0')),
        _ => None,
    })
}

fn too_large(column: usize, token: &[u8]) -> Fault {
    Fault::new(column, quoted(token), format!("a number up to {}", u32::MAX))
}

/// An index from `first` on, of one of `size` things.
fn index(column: usize, token: &[u8], what: &str, first: u32, size: usize) -> Result<u32, Fault> {
    let found = number(token).and_then(|number| number.checked_sub(first)).filter(|&index| (index as usize) < size);
    found.ok_or_else(|| {
        let last = u64::from(first) + size as u64 - 1;
        Fault::new(column, quoted(token), format!("{what} from {first} to {last}"))
    })
}

fn value(column: usize, token: &[u8], what: &str) -> Result<f32, Fault> {
    let parsed = std::str::from_utf8(token).ok().and_then(|text| text.parse::<f32>().ok());
    let finite = parsed.filter(|value| value.is_finite());
    finite.ok_or_else(|| Fault::new(column, quoted(token), format!("{what}: a finite number of f32")))
}

/// Parses a row into `example`; without labels, it has no classes.
pub(super) fn parse_row(line: &[u8], format: &Format, sizes: Sizes, example: &mut Example) -> Result<(), Fault> {
    example.clear();
    let line = if format.has_header { line } else { without_comment(line) };
    let mut tokens = tokens(line).peekable();
    // Without weights, an entry with a colon can only be an input: so a row without labels needs no space before it.
    let is_labels = |(column, token): &(usize, &[u8])| {
        let first = token.split(|&byte| byte == b',').next().unwrap_or_default();
        *column == 0 && (format.weighted_labels || !first.contains(&b':'))
    };
    if let Some((_, labels)) = tokens.next_if(is_labels) {
        parse_labels(labels, format, sizes.classes, example)?;
    }
    for (column, token) in tokens {
        let Some(colon) = token.iter().position(|&byte| byte == b':') else {
            return Err(Fault::new(column, quoted(token), "an input as index:value"));
        };
        let (before, after) = (&token[..colon], &token[colon + 1..]);
        example.indices.push(index(column, before, "an input", format.first_input, sizes.inputs)?);
        example.values.push(value(column + colon + 1, after, "the value of an input")?);
    }
    Ok(())
}

/// Parses the labels, which are at the start of a line.
fn parse_labels(labels: &[u8], format: &Format, classes: usize, example: &mut Example) -> Result<(), Fault> {
    let what = "a class";
    for (column, token) in split(labels, |byte| byte == b',') {
        let (class, weight) = match token.iter().position(|&byte| byte == b':') {
            Some(colon) if format.weighted_labels => {
                let (place, token_of_weight) = (column + colon + 1, &token[colon + 1..]);
                let weight = value(place, token_of_weight, "the weight of a label")?;
                if weight <= 0.0 {
                    return Err(Fault::new(place, quoted(token_of_weight), "a weight above 0"));
                }
                (&token[..colon], weight)
            }
            None if format.weighted_labels => {
                let expected = "a label as class:weight (a row without labels begins with a space)";
                return Err(Fault::new(column, quoted(token), expected));
            }
            _ => (token, 1.0),
        };
        example.relevant.push(index(column, class, what, format.first_class, classes)?);
        example.weights.push(f64::from(weight));
    }
    if let Some(class) = repeated(&example.relevant) {
        let found = format!("class {} twice", u64::from(class) + u64::from(format.first_class));
        return Err(Fault::new(0, found, "each class once"));
    }
    example.classes.clone_from(&example.relevant);
    let sum: f64 = example.weights.iter().sum();
    example.weights.iter_mut().for_each(|weight| *weight /= sum);
    Ok(())
}
