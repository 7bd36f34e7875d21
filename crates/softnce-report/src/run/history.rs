//! `history.csv`.

use crate::results::{EpochRecord, ValidationPoint};

/// Name and content of a column.
type Column = (&'static str, fn(&EpochRecord) -> String);

/// The content of `history.csv`: its head, then a row an epoch. The validation's fields are empty where the epoch was not
/// validated.
pub fn history(epochs: &[EpochRecord]) -> Vec<[String; 10]> {
    let columns: [Column; 10] = [
        ("epoch", |epoch| epoch.epoch.to_string()),
        ("train_loss", |epoch| epoch.train_loss.to_string()),
        ("train_top1", |epoch| epoch.train_top1.to_string()),
        ("learning_rate", |epoch| epoch.learning_rate.to_string()),
        ("validation_top1", |epoch| validation(epoch, |found| found.top1)),
        ("validation_top5", |epoch| validation(epoch, |found| found.top5)),
        ("validation_nll", |epoch| validation(epoch, |found| found.nll)),
        ("samples_per_second", |epoch| epoch.samples_per_second.to_string()),
        ("waited", |epoch| epoch.waited.to_string()),
        ("seconds", |epoch| epoch.seconds.to_string()),
    ];
    let head = columns.map(|(name, _)| name.to_owned());
    std::iter::once(head).chain(epochs.iter().map(|epoch| columns.map(|(_, of)| of(epoch)))).collect()
}

fn validation(epoch: &EpochRecord, value: fn(&ValidationPoint) -> f64) -> String {
    epoch.validation.as_ref().map_or(String::new(), |found| value(found).to_string())
}
