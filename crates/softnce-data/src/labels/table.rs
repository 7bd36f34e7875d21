//! CSV tables.

use std::fs::File;

use csv::{ReaderBuilder, StringRecord, Trim};
use ndarray::Array2;

use super::LabelError;
use super::rule::LabelRows;
use crate::ContentError;

pub(super) fn read(mut sink: LabelRows<'_>) -> Result<Array2<f32>, LabelError> {
    let path = sink.path;
    let file = File::open(path).map_err(LabelError::io(path))?;
    // Flexible: the check of the number of columns below names the number of classes.
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(file);
    let mut record = StringRecord::new();
    let mut first = true;
    loop {
        let line = reader.position().line();
        let wrong =
            |line: u64, found: String, expected: String| ContentError::line(path, line as usize, found, expected);
        let more = reader.read_record(&mut record).map_err(|error| {
            let text = error.to_string();
            match error.into_kind() {
                csv::ErrorKind::Io(source) => LabelError::Io { path: path.to_owned(), source },
                _ => wrong(line, text, "a CSV table".to_owned()),
            }
        })?;
        if !more {
            return sink.finish();
        }
        // The reader skips blank lines before the record.
        let line = record.position().map_or(line, csv::Position::line);
        if record.len() != sink.classes {
            let found = format!("{} columns", record.len());
            return Err(wrong(line, found, format!("{}, one per class", sink.classes)));
        }
        let header = first && record.iter().all(|field| field.parse::<f64>().is_err());
        first = false;
        if header {
            continue;
        }
        let mut row = Vec::with_capacity(sink.classes);
        for field in &record {
            row.push(field.parse().map_err(|_| wrong(line, format!("'{field}'"), "a number".to_owned()))?);
        }
        if sink.taken() == sink.rows {
            return Err(wrong(line, "a further row".to_owned(), format!("{} rows", sink.rows)));
        }
        sink.push(&row)?;
    }
}
