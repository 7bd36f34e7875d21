//! CSV tables.

use std::cell::OnceCell;
use std::fs::File;
use std::io::{BufRead, BufReader};

use csv::{Position, Reader, ReaderBuilder, StringRecord, Trim};
use ndarray::Array2;

use super::LabelError;
use super::columns::{Columns, Header};
use super::matching::RowMatching;
use super::place::Place;
use super::predictions;
use super::rule::LabelRows;
use crate::ContentError;

pub(super) fn read(mut sink: LabelRows<'_>) -> Result<Array2<f32>, LabelError> {
    let mut lines = Lines::open(&sink)?;
    let (mut first, mut second) = (StringRecord::new(), StringRecord::new());
    let Some(line) = lines.next(&sink, &mut first)? else { return sink.finish(None) };
    let after = lines.next(&sink, &mut second)?;
    let pictures = OnceCell::new();
    let new_matching = || RowMatching::new(sink.pictures, sink.root, sink.path);
    let is_path = |cell: &str| pictures.get_or_init(|| new_matching().ok()).as_ref().is_some_and(|all| all.knows(cell));
    let (classes, next) = (sink.pictures.class_names(), after.map(|_| &second));
    let columns = predictions::columns(&first, next, classes, sink.are_logits());
    let columns = columns.and_then(|found| found.map_or_else(|| Columns::new(&first, next, classes, is_path), Ok));
    let columns = columns.map_err(|(found, expected)| match separator(&first) {
        Some(found) => sink.wrong(place(line), format!("{found} between the columns"), COMMAS),
        None => sink.wrong(place(line), found, expected),
    })?;
    let mut matching = match (columns.paths, pictures.into_inner().flatten()) {
        (None, _) => None,
        (Some(_), Some(known)) => Some(known),
        (Some(_), None) => Some(new_matching()?),
    };
    let mut values = vec![0.0; columns.weights.len()];
    let mut rows = columns.header.is_none().then_some((line, first.clone()));
    let mut pending = after.map(|line| (line, second));
    // Other tables may count from 0 or 1, predictions count from 0.
    let are_predictions = columns.header == Some(Header::Predictions);
    let mut counted_from = vec![are_predictions.then_some(0.0); columns.index.len()];
    let mut record = StringRecord::new();
    loop {
        let (line, row) = match rows.take().or_else(|| pending.take()) {
            Some(known) => known,
            None => match lines.next(&sink, &mut record)? {
                Some(line) => (line, std::mem::take(&mut record)),
                None => break,
            },
        };
        read_row(&sink, &columns, &row, line, &mut values)?;
        if columns.paths.is_none() {
            for (from, &column) in counted_from.iter_mut().zip(&columns.index) {
                check_index(&sink, &row[column], line, from)?;
            }
        }
        match &mut matching {
            Some(matching) => matching.push(&row[columns.paths.unwrap_or_default()], Place::Line(line, &[])),
            None if sink.taken() == sink.rows() => {
                return Err(sink.wrong(place(line), "a further row".to_owned(), format!("{} rows", sink.rows())));
            }
            None => {}
        }
        sink.push(&values, Place::Line(line, sink.pictures.class_names()))?;
        record = row;
    }
    if columns.header == Some(Header::Numbers) && matching.is_none() && sink.taken() < sink.rows() {
        let header: Vec<&str> = first.iter().take(3).collect();
        let found = format!("{} rows after the header in line {line} ({}, ..)", sink.taken(), header.join(", "));
        return Err(sink.shape(found));
    }
    sink.finish(matching)
}

const COMMAS: &str = "commas, and decimal points in the numbers";

/// The name of a line in an error.
fn place(line: u64) -> String {
    Place::Line(line, &[]).row()
}

/// What seems to separate the columns instead of commas.
fn separator(record: &StringRecord) -> Option<&'static str> {
    let kinds = [(';', "semicolons"), ('\t', "tabs"), ('|', "vertical bars")];
    kinds.into_iter().find(|&(character, _)| record.iter().any(|cell| cell.contains(character))).map(|(_, name)| name)
}

/// Reads the weights of a row in the order of the classes.
fn read_row(
    sink: &LabelRows<'_>,
    columns: &Columns,
    row: &StringRecord,
    line: u64,
    values: &mut [f64],
) -> Result<(), LabelError> {
    if row.len() != columns.width {
        let expected = format!("{}, as in the first line", columns.width);
        return Err(match separator(row) {
            Some(found) => sink.wrong(place(line), format!("{found} between the columns"), COMMAS),
            None => sink.wrong(place(line), format!("{} columns", row.len()), expected),
        });
    }
    for (class, (value, &column)) in values.iter_mut().zip(&columns.weights).enumerate() {
        let cell = &row[column];
        *value = cell.parse().map_err(|_| match separator(row) {
            _ if columns.header == Some(Header::Predictions) && cell.is_empty() => {
                let found = format!("no prediction of '{}' ({})", &row[0], &row[row.len() - 1]);
                sink.wrong(place(line), found, "predictions for every picture")
            }
            Some(found) if columns.paths.is_none() => {
                sink.wrong(place(line), format!("{found} between the columns"), COMMAS)
            }
            _ => {
                let place = Place::Line(line, sink.pictures.class_names()).value(class);
                sink.wrong(place, format!("'{cell}'"), "a number")
            }
        })?;
    }
    Ok(())
}

/// Checks that a column of row numbers counts from 0 or 1: other numbers would say that the rows are in another order.
fn check_index(sink: &LabelRows<'_>, cell: &str, line: u64, counted_from: &mut Option<f64>) -> Result<(), LabelError> {
    let number: Option<f64> = predictions::counted(cell).parse().ok();
    let from = *counted_from.get_or_insert(if number == Some(1.0) { 1.0 } else { 0.0 });
    let expected = from + sink.taken() as f64;
    if number == Some(expected) {
        return Ok(());
    }
    let expected = format!("{expected}: one row a picture, in the order of the pictures, or a column 'path'");
    Err(sink.wrong(place(line), format!("index '{cell}'"), expected))
}

/// The lines of a table.
struct Lines {
    reader: Reader<BufReader<File>>,
}

impl Lines {
    fn open(sink: &LabelRows<'_>) -> Result<Self, LabelError> {
        let mut file = BufReader::new(File::open(sink.path).map_err(LabelError::io(sink.path))?);
        let start = file.fill_buf().map_err(LabelError::io(sink.path))?;
        if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
            return Err(sink.wrong(String::new(), "text in UTF-16".to_owned(), "a CSV table in UTF-8"));
        }
        // Flexible: the checks of the number of columns name the number that is expected.
        let reader = ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(file);
        Ok(Lines { reader })
    }

    /// Reads the next line that is not blank; its number, or `None` at the end.
    fn next(&mut self, sink: &LabelRows<'_>, record: &mut StringRecord) -> Result<Option<u64>, LabelError> {
        loop {
            let line = self.reader.position().line();
            let more = self.reader.read_record(record).map_err(|error| {
                let text = error.to_string();
                match error.into_kind() {
                    csv::ErrorKind::Io(source) => LabelError::Io { path: sink.path.to_owned(), source },
                    _ => ContentError::line(sink.path, line as usize, text, "a CSV table in UTF-8"),
                }
            })?;
            if !more {
                return Ok(None);
            }
            // Spreadsheets write lines of commas alone.
            if record.iter().any(|cell| !cell.is_empty()) {
                return Ok(Some(record.position().map_or(line, Position::line)));
            }
        }
    }
}
