//! The report of one training run: a page, a table in Markdown, and the figures as JSON.
//!
//! Everything is a pure function of a [`RunReport`].

mod caption;
#[cfg(test)]
pub(super) mod fixture;
mod html;
mod rows;
mod table;
mod terminal;

use serde::{Deserialize, Serialize};
use softnce::LossKind;

pub use self::caption::caption;
pub use self::html::page;
pub use self::table::markdown;
pub use self::terminal::terminal;
use super::ReportError;
use crate::compare::{Cost, EpochRecord, RunRecord, ScaledEvaluation};
use crate::evaluation::{EvaluationResult, TemperatureFit};

/// What the report of a run shows. Its JSON, pictures aside, is `metrics.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// Title of the page: what was trained on what.
    pub title: String,
    /// Version of softnce that trained and evaluated.
    pub version: String,
    /// The resolved recipe, every setting as it was used.
    pub recipe_toml: String,
    /// Name of the split that was evaluated, as in "the test pictures".
    pub split: String,
    /// Trainable parameters of the network.
    pub parameters: usize,
    /// Wall time of the training, in seconds; shown only where there are curves.
    pub wall_seconds: f64,
    /// Names of the classes, in their order.
    pub class_names: Vec<String>,
    /// Epoch by epoch; empty where a network was only evaluated.
    pub curves: Vec<EpochPoint>,
    /// The metrics on the split.
    pub result: EvaluationResult,
    /// The same after temperature scaling.
    pub scaled: Option<ScaledResult>,
    /// The pictures with the largest loss, in the order of [`EvaluationResult::hardest`].
    #[serde(skip)]
    pub hardest: Vec<ReportPicture>,
    /// The most confidently wrong pictures, in the order of [`EvaluationResult::confidently_wrong`].
    #[serde(skip)]
    pub confidently_wrong: Vec<ReportPicture>,
}

/// The metrics after temperature scaling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScaledResult {
    /// The fit, on the validation split.
    pub fit: TemperatureFit,
    /// The metrics with its temperature, on the split evaluated.
    pub result: EvaluationResult,
}

/// One epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochPoint {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Mean training loss. Losses of different kinds do not compare.
    pub train_loss: f64,
    /// Accuracy on the training batches, in `[0, 1]`, where it has a meaning.
    pub train_top1: Option<f64>,
    /// The validation split after the epoch, where it was evaluated.
    pub validation: Option<ValidationPoint>,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Pictures trained on per second.
    pub samples_per_second: f64,
}

/// The validation split after an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ValidationPoint {
    /// Accuracy, in `[0, 1]`.
    pub top1: f64,
    /// Share of the pictures whose class is among the five most probable, in `[0, 1]`.
    pub top5: f64,
    /// Negative log likelihood, in nats.
    pub nll: f64,
}

/// A picture for the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportPicture {
    /// The picture as a PNG file.
    pub png: Vec<u8>,
    /// What stands below it; [`caption`] writes the usual line.
    pub caption: String,
}

/// The content of `metrics.json`: the report without its pictures. It reads back as a [`RunReport`].
///
/// # Errors
/// The figures cannot be written as JSON.
pub fn json(report: &RunReport) -> Result<String, ReportError> {
    let mut text = serde_json::to_string(report)?;
    text.push('\n');
    Ok(text)
}

impl RunReport {
    /// The run as one of a comparison: its epochs with a validation, its metrics as trained and as scaled, and what it cost.
    pub fn record(&self, loss: LossKind, seed: u64, learning_rate: f64, cost: Cost) -> RunRecord {
        let epochs = self.curves.iter().filter_map(|point| {
            let validation = point.validation?;
            Some(EpochRecord {
                epoch: point.epoch,
                train_loss: point.train_loss,
                validation_top1: validation.top1,
                validation_nll: validation.nll,
            })
        });
        RunRecord {
            loss,
            seed,
            learning_rate,
            epochs: epochs.collect(),
            test: self.result.overall.clone(),
            scaled: self.scaled.as_ref().map(|scaled| ScaledEvaluation {
                temperature: scaled.fit.temperature,
                test: scaled.result.overall.clone(),
            }),
            cost,
        }
    }
}

/// Rejects a report whose parts do not fit together.
fn check(report: &RunReport) -> Result<(), ReportError> {
    let (found, expected) = (report.class_names.len(), report.result.classes.len());
    if found != expected {
        return Err(ReportError::ClassNames { found, expected });
    }
    for (list, pictures) in [("hardest", &report.hardest), ("confidently_wrong", &report.confidently_wrong)] {
        if let Some(index) = pictures.iter().position(|picture| !picture.png.starts_with(b"\x89PNG\r\n\x1a\n")) {
            return Err(ReportError::Picture { list, index });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
