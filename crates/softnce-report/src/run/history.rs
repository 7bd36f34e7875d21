//! `history.csv`.

use std::io;

use crate::error::ReportError;
use crate::results::{EpochRecord, ValidationPoint};

/// The content of `history.csv`: a row an epoch. The validation's fields are empty where the epoch was not validated.
///
/// # Errors
/// A row that cannot be written.
pub fn history(epochs: &[EpochRecord]) -> Result<String, ReportError> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let head = [
        "epoch",
        "train_loss",
        "train_top1",
        "learning_rate",
        "validation_top1",
        "validation_top5",
        "validation_nll",
        "samples_per_second",
        "waited",
        "seconds",
    ];
    table.write_record(head)?;
    for epoch in epochs {
        let validation = |value: fn(&ValidationPoint) -> f64| {
            epoch.validation.as_ref().map_or(String::new(), |found| value(found).to_string())
        };
        let row = [
            epoch.epoch.to_string(),
            epoch.train_loss.to_string(),
            epoch.train_top1.to_string(),
            epoch.learning_rate.to_string(),
            validation(|found| found.top1),
            validation(|found| found.top5),
            validation(|found| found.nll),
            epoch.samples_per_second.to_string(),
            epoch.waited.to_string(),
            epoch.seconds.to_string(),
        ];
        table.write_record(row)?;
    }
    let bytes = table.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8(bytes).map_err(|error| csv::Error::from(io::Error::other(error)))?)
}
