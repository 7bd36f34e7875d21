//! Sparse rows in text: the format of the Extreme Classification Repository, and that of LIBSVM with several labels.

mod parse;
mod split;

use std::path::Path;

use serde::{Deserialize, Serialize};
pub use split::read_split;

use self::parse::{Format, Sizes, parse_header, parse_row};
use super::lines::{Lines, visit_lines};
use super::{DataError, Example, Inputs, Source};

/// How a file of sparse rows is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SparseTextOptions {
    /// Number of inputs. Needed for a test file without a header, which may lack the last inputs; the header of another
    /// file must agree.
    pub inputs: Option<usize>,
    /// Number of classes, likewise.
    pub classes: Option<usize>,
    /// The number that the file gives to the first input: 1 in most files of LIBSVM.
    pub first_input: u32,
    /// The number that the file gives to the first class.
    pub first_class: u32,
    /// Labels have weights, as in `3:0.5,7:1.5 0:1.2`, and shares in proportion to them; else equal shares.
    pub weighted_labels: bool,
}

/// Sparse rows in a text file, each parsed when it is asked for.
///
/// The [format](http://manikvarma.org/downloads/XC/XMLRepository.html) of the Extreme Classification Repository: a
/// header `rows inputs classes`, then for each row its labels, separated by commas, and its inputs as `index:value`,
/// separated by spaces; all counted from 0. A row without labels begins with a space. Without a header, as in the sets
/// with several labels of LIBSVM, the largest numbers in the file say how many inputs and classes there are, empty
/// lines are left out, and `#` begins a comment.
///
/// The whole file is checked once, when it is opened. Memory then holds twelve bytes a row and none of the values: the
/// largest sets of the repository have files of 10 GB and more, which would take as much again as arrays. A row of
/// fifty inputs is parsed in a few microseconds.
#[derive(Debug)]
pub struct SparseText {
    lines: Lines,
    format: Format,
    sizes: Sizes,
}

impl SparseText {
    /// Checks a file and finds its rows.
    ///
    /// # Errors
    /// A file that cannot be read; the first line that is not in the format, with the column, what was found there and
    /// what was expected; another number of rows than the header says; more classes or inputs than 32 bits count; a
    /// header with other numbers than the options.
    pub fn open(path: &Path, options: &SparseTextOptions) -> Result<Self, DataError> {
        for (argument, size) in [("inputs", options.inputs), ("classes", options.classes)] {
            if let Some(size) = size.filter(|&size| size == 0 || size > u32::MAX as usize) {
                return Err(DataError::argument(argument, size, format!("a number from 1 to {}", u32::MAX)));
            }
        }
        let format = Format {
            has_header: false,
            first_input: options.first_input,
            first_class: options.first_class,
            weighted_labels: options.weighted_labels,
        };
        let limit = u32::MAX as usize;
        let sizes = Sizes { inputs: options.inputs.unwrap_or(limit), classes: options.classes.unwrap_or(limit) };
        let mut text = SparseText { lines: Lines::open(path)?, format, sizes };
        let (mut rows, mut found) = (None, Sizes { inputs: 0, classes: 0 });
        let mut example = Example::default();
        visit_lines(path, |line, start, bytes| {
            if line == 1
                && let Some(header) = parse_header(bytes).map_err(|fault| fault.at(path, line))?
            {
                rows = Some(header.rows);
                text.format.has_header = true;
                return text.take_sizes(path, options, header.sizes);
            }
            if !text.format.has_header && parse::is_blank(bytes) {
                return Ok(());
            }
            if let Some(rows) = rows.filter(|&rows| text.lines.len() == rows) {
                let expected = format!("the end of the file: the header says {rows} rows");
                return Err(DataError::line(path, line, "a further row", expected));
            }
            parse_row(bytes, &text.format, text.sizes, &mut example).map_err(|fault| fault.at(path, line))?;
            found.inputs = example.indices.iter().fold(found.inputs, |most, &index| most.max(index as usize + 1));
            found.classes = example.relevant.iter().fold(found.classes, |most, &class| most.max(class as usize + 1));
            text.lines.push(start, bytes.len());
            Ok(())
        })?;
        match rows {
            Some(rows) if rows != text.lines.len() => {
                let found = format!("{} rows", text.lines.len());
                return Err(DataError::file(path, found, format!("{rows}, as the header says")));
            }
            None if text.lines.len() == 0 => return Err(DataError::file(path, "no rows", "at least one")),
            Some(_) => {}
            None => {
                text.sizes.inputs = options.inputs.unwrap_or(found.inputs);
                text.sizes.classes = options.classes.unwrap_or(found.classes);
                for (size, found) in [(text.sizes.inputs, "no inputs"), (text.sizes.classes, "no labels")] {
                    if size == 0 {
                        return Err(DataError::file(path, found, "at least one"));
                    }
                }
            }
        }
        Ok(text)
    }

    /// Takes the sizes of the header, which those of the options must not contradict.
    fn take_sizes(&mut self, path: &Path, options: &SparseTextOptions, header: Sizes) -> Result<(), DataError> {
        for (what, found, given) in
            [("inputs", header.inputs, options.inputs), ("classes", header.classes, options.classes)]
        {
            if let Some(given) = given.filter(|&given| given != found) {
                return Err(DataError::line(path, 1, format!("{found} {what}"), format!("{given}, as was given")));
            }
        }
        self.sizes = header;
        Ok(())
    }
}

impl Source for SparseText {
    fn len(&self) -> usize {
        self.lines.len()
    }

    fn inputs(&self) -> Inputs {
        Inputs::Sparse { inputs: self.sizes.inputs }
    }

    fn classes(&self) -> usize {
        self.sizes.classes
    }

    fn read(&self, index: usize, example: &mut Example) -> Result<(), DataError> {
        self.lines.read(index, |line| parse_row(line, &self.format, self.sizes, example))
    }
}

#[cfg(test)]
mod tests;
