//! Sets with several labels a row, as [Mulan](https://github.com/tsoumakas/mulan) has them: rows in Weka's ARFF, and
//! the names of the attributes that are labels in an XML file beside it.

mod arff;
mod labels;

use std::path::Path;

use self::arff::{Attribute, Cell, Kind, parse_attribute, parse_row};
use self::labels::read_labels;
use super::lines::{Fault, visit_lines};
use super::{DataError, MemoryRows};

/// What an attribute is read as.
#[derive(Debug, Clone, Copy)]
enum Column {
    /// The label of this class.
    Label(u32),
    /// A number, which is this input.
    Number(u32),
    /// One of several values: the first is no input, and each of the others is one with value 1, from this one on.
    Values(u32),
}

/// Reads the rows of an ARFF file, dense or sparse, with the labels that the XML file names. Classes are numbered in
/// the order of the XML file.
///
/// A numeric attribute becomes an input with its value, where that is not 0. A nominal attribute becomes one input for
/// each of its values but the first, which sparse rows leave out; the input of the row's value is 1. So `{0,1}` is one
/// input. Rows are held in memory.
///
/// # Errors
/// A file that cannot be read; a label that is no attribute, or not of the values `{0,1}`; attributes of other types
/// than numeric and nominal; a missing value (`?`); the first line that is not in the format, with the column, what was
/// found there and what was expected.
pub fn read_mulan(arff: &Path, xml: &Path) -> Result<MemoryRows, DataError> {
    let names = read_labels(xml)?;
    let mut attributes = Vec::new();
    let mut table: Option<(Vec<Column>, MemoryRows)> = None;
    let mut row = Row::default();
    visit_lines(arff, |line, _, bytes| {
        let at = |fault: Fault| fault.at(arff, line);
        if arff::is_blank(bytes) {
            return Ok(());
        }
        if let Some((columns, rows)) = &mut table {
            row.clear();
            parse_row(bytes, &attributes, |index, cell| row.take(columns[index], &attributes[index], cell))
                .map_err(at)?;
            return rows.push(&row.indices, &row.values, &row.labels);
        }
        match arff::keyword(bytes).as_deref() {
            Some("@relation") => {}
            Some("@attribute") => attributes.push(parse_attribute(bytes).map_err(at)?),
            Some("@data") => {
                let (columns, inputs) = columns(&attributes, &names).map_err(|Unfit { found, expected }| {
                    DataError::file(arff, found, format!("{expected} ({})", xml.display()))
                })?;
                table = Some((columns, MemoryRows::named(inputs, names.clone())));
            }
            _ => return Err(at(Fault::new(0, super::lines::quoted(bytes), "@relation, @attribute or @data"))),
        }
        Ok(())
    })?;
    match table {
        Some((_, rows)) if !super::Source::is_empty(&rows) => Ok(rows),
        Some(_) => Err(DataError::file(arff, "no rows", "at least one after @data")),
        None => Err(DataError::file(arff, "no @data", "@data and rows after the attributes")),
    }
}

/// Attributes that do not fit the labels.
struct Unfit {
    found: String,
    expected: String,
}

/// What each attribute is read as, and the number of inputs.
fn columns(attributes: &[Attribute], labels: &[String]) -> Result<(Vec<Column>, usize), Unfit> {
    let unfit = |found: String, expected: &str| Unfit { found, expected: expected.to_owned() };
    let classes: std::collections::HashMap<&str, u32> = labels.iter().map(String::as_str).zip(0..).collect();
    let (mut inputs, mut seen) = (0_u32, vec![false; labels.len()]);
    let mut columns = Vec::with_capacity(attributes.len());
    for attribute in attributes {
        let name = &attribute.name;
        let column = match (classes.get(name.as_str()), &attribute.kind) {
            (Some(&class), Kind::Nominal(values)) if values.iter().eq(["0", "1"]) => {
                if std::mem::replace(&mut seen[class as usize], true) {
                    return Err(unfit(format!("two attributes '{name}'"), "each label once"));
                }
                Column::Label(class)
            }
            (Some(_), _) => return Err(unfit(format!("label '{name}' of another type"), "labels of type {0,1}")),
            (None, Kind::Numeric) => {
                inputs += 1;
                Column::Number(inputs - 1)
            }
            (None, Kind::Nominal(values)) => {
                let first = inputs;
                inputs += values.len() as u32 - 1;
                Column::Values(first)
            }
        };
        columns.push(column);
    }
    match seen.iter().position(|seen| !seen) {
        Some(class) => Err(unfit(format!("no attribute '{}'", labels[class]), "an attribute for each label")),
        None if inputs == 0 => Err(unfit("no attribute that is no label".to_owned(), "at least one")),
        None => Ok((columns, inputs as usize)),
    }
}

/// A row in the making.
#[derive(Debug, Default)]
struct Row {
    indices: Vec<u32>,
    values: Vec<f32>,
    labels: Vec<u32>,
}

impl Row {
    fn clear(&mut self) {
        self.indices.clear();
        self.values.clear();
        self.labels.clear();
    }

    fn take(&mut self, column: Column, attribute: &Attribute, cell: Cell<'_>) -> Result<(), Fault> {
        let (input, value) = match (column, &attribute.kind) {
            (Column::Label(class), Kind::Nominal(values)) => {
                if cell.place_in(values, &attribute.name)? == 1 {
                    self.labels.push(class);
                }
                return Ok(());
            }
            (Column::Values(first), Kind::Nominal(values)) => match cell.place_in(values, &attribute.name)? {
                0 => return Ok(()),
                place => (first + place as u32 - 1, 1.0),
            },
            (Column::Number(input) | Column::Label(input) | Column::Values(input), _) => {
                (input, cell.number(&attribute.name)?)
            }
        };
        if value != 0.0 {
            self.indices.push(input);
            self.values.push(value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
