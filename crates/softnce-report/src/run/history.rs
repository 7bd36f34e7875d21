//! The epochs of a run as a table.

use crate::results::{EpochRecord, ValidationPoint};

/// Name of a column, tag of the curve in TensorBoard (none: no curve), and value; `None` if the epoch has none.
type Column = (&'static str, Option<&'static str>, fn(&EpochRecord) -> Option<f64>);

const COLUMNS: [Column; 10] = [
    ("epoch", None, |epoch| Some(epoch.epoch as f64)),
    ("train_loss", Some("train/loss"), |epoch| Some(epoch.train_loss)),
    ("train_top1", Some("train/top1"), |epoch| Some(epoch.train_top1)),
    ("learning_rate", Some("train/learning_rate"), |epoch| Some(epoch.learning_rate)),
    ("validation_top1", Some("validation/top1"), |epoch| validation(epoch, |found| found.top1)),
    ("validation_top5", Some("validation/top5"), |epoch| validation(epoch, |found| found.top5)),
    ("validation_nll", Some("validation/nll"), |epoch| validation(epoch, |found| found.nll)),
    ("samples_per_second", Some("throughput/samples_per_second"), |epoch| Some(epoch.samples_per_second)),
    ("waited", Some("throughput/waited"), |epoch| Some(epoch.waited)),
    ("seconds", None, |epoch| Some(epoch.seconds)),
];

/// The content of `history.csv`: its head, then a row an epoch. The validation's fields are empty where the epoch was not
/// validated.
pub fn history(epochs: &[EpochRecord]) -> Vec<[String; 10]> {
    let head = COLUMNS.map(|(name, ..)| name.to_owned());
    let text = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    std::iter::once(head).chain(epochs.iter().map(|epoch| COLUMNS.map(|(.., of)| text(of(epoch))))).collect()
}

/// The fields of one epoch: the name as in `history.csv`, the tag of the curve in TensorBoard if there is one, and the
/// value; `None` if the epoch has none.
pub fn history_values(epoch: &EpochRecord) -> [(&'static str, Option<&'static str>, Option<f64>); 10] {
    COLUMNS.map(|(name, tag, of)| (name, tag, of(epoch)))
}

fn validation(epoch: &EpochRecord, value: fn(&ValidationPoint) -> f64) -> Option<f64> {
    epoch.validation.as_ref().map(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_documented() {
        let document = include_str!("../../../../docs/recipes.md");
        for (column, ..) in COLUMNS {
            assert!(document.contains(&format!("`{column}`")), "{column}");
        }
    }
}
