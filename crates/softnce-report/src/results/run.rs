//! The results of one training run: plain data, as `metrics.json` holds it.

use serde::{Deserialize, Serialize};
use softnce::LossKind;
use softnce_metrics::{EvaluationResult, MetricValues, TemperatureFit};

use super::comparison::{Cost, CurvePoint, RunRecord, ScaledEvaluation};
use super::epoch::EpochRecord;

/// The content of the report of a run. Its JSON, without the pixels of pictures, is `metrics.json`.
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
    /// Wall time of the training, in seconds; shown only with curves.
    pub wall_seconds: f64,
    /// Names of the classes, in their order.
    pub class_names: Vec<String>,
    /// Epoch by epoch; empty where a network was only evaluated.
    pub curves: Vec<EpochRecord>,
    /// The metrics on the split.
    pub result: EvaluationResult,
    /// The same after temperature scaling.
    pub scaled: Option<ScaledResult>,
    /// The pictures with the largest loss, in the order of [`EvaluationResult::hardest`].
    #[serde(default)]
    pub hardest: Vec<ReportPicture>,
    /// The most confidently wrong pictures, in the order of [`EvaluationResult::confidently_wrong`].
    #[serde(default)]
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

/// A picture for the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportPicture {
    /// The picture's file, or its set and index.
    pub name: String,
    /// The picture as a PNG file, reduced in size; empty if it cannot be read any more. Not in JSON.
    #[serde(skip)]
    pub png: Vec<u8>,
    /// The text below it; [`caption`](crate::run::caption) writes the usual one.
    pub caption: String,
}

impl RunReport {
    /// The run as one of a comparison: its epochs with a validation, its metrics as trained and as scaled, and what it
    /// cost.
    pub fn record(&self, loss: LossKind, seed: u64, learning_rate: f64, cost: Cost) -> RunRecord {
        let epochs = self.curves.iter().filter_map(|point| {
            let validation = point.validation?;
            Some(CurvePoint {
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
            test: MetricValues::compared(&self.result),
            scaled: self.scaled.as_ref().map(|scaled| ScaledEvaluation {
                temperature: scaled.fit.temperature,
                test: MetricValues::compared(&scaled.result),
            }),
            cost,
        }
    }
}
