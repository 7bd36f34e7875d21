//! The results of a comparison of losses: plain data, as `results.json` holds it.

use serde::{Deserialize, Serialize};
use softnce::LossKind;
use softnce_metrics::{Estimate, Metric, MetricValues, ValidationScore};

/// The loss that the others are compared with.
pub const REFERENCE_LOSS: LossKind = LossKind::SoftTargetCrossEntropy;

/// One point of a learning curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Mean training loss over the epoch's pictures. Losses of different kinds do not compare.
    pub train_loss: f64,
    /// Share of the validation pictures whose most probable class is right, in `[0, 1]`.
    pub validation_top1: f64,
    /// Negative log likelihood on the validation pictures, in nats.
    pub validation_nll: f64,
}

/// Cost of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Median wall time of a training step once its batch is prepared (forward, loss, backward, optimiser), in
    /// milliseconds.
    pub step_ms: f64,
    /// Median wall time of the loss alone (its forward and backward pass on logits of a batch), in milliseconds;
    /// `None` if it was not measured.
    pub loss_ms: Option<f64>,
    /// Largest number of bytes allocated at once during the run; `None` if no counting allocator is installed.
    pub peak_bytes: Option<u64>,
}

/// One trial of the learning-rate grid, evaluated on the validation split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TuningRecord {
    /// The loss that was trained.
    pub loss: LossKind,
    /// Learning rate tried.
    pub learning_rate: f64,
    /// Seed of the trial; none of those compared.
    pub seed: u64,
    /// Its score in the epoch that the recipe tests; `None` if the weights diverged.
    pub validation: Option<ValidationScore>,
}

impl TuningRecord {
    /// The mean over the trials of one loss at one rate; `None` without a trial or where one diverged.
    pub fn mean<'a>(trials: impl IntoIterator<Item = &'a TuningRecord>) -> Option<ValidationScore> {
        let scores: Vec<ValidationScore> = trials.into_iter().map(|trial| trial.validation).collect::<Option<_>>()?;
        ValidationScore::mean(&scores)
    }
}

/// One finished training run with its evaluation on the test set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The loss that was trained.
    pub loss: LossKind,
    /// Seed of all that is random in the training.
    pub seed: u64,
    /// Learning rate chosen for the loss on the validation split.
    pub learning_rate: f64,
    /// Epoch by epoch.
    pub epochs: Vec<CurvePoint>,
    /// Metrics on the test set, of the epoch that the recipe tests.
    pub test: MetricValues,
    /// The same after temperature scaling, if it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaled: Option<ScaledEvaluation>,
    /// What the run cost.
    pub cost: Cost,
}

/// The metrics of a run after temperature scaling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScaledEvaluation {
    /// The temperature fitted on the validation split.
    pub temperature: f64,
    /// Metrics on the test set with that temperature.
    pub test: MetricValues,
}

/// A run whose weights diverged: it has no figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DivergedRun {
    /// The loss that was trained.
    pub loss: LossKind,
    /// Seed of the run.
    pub seed: u64,
    /// Learning rate chosen for the loss on the validation split.
    pub learning_rate: f64,
    /// What ended the run.
    pub reason: String,
}

/// A metric of one loss over all its seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricSummary {
    /// Which metric.
    pub metric: Metric,
    /// Mean and interval of the metric itself.
    pub value: Estimate,
    /// Mean and interval of the difference from soft target cross-entropy, paired by seed; `None` for that loss itself
    /// or where it was not run.
    pub difference: Option<Estimate>,
    /// Mean over the seeds of the value a perfectly calibrated model of the same confidences would show;
    /// only for the calibration errors.
    pub calibrated_reference: Option<f64>,
}

/// The metrics of one loss after temperature scaling, over all its seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScaledSummary {
    /// The temperature fitted.
    pub temperature: Estimate,
    /// One entry a metric, in the order of [`METRICS`](softnce_metrics::METRICS).
    pub metrics: Vec<MetricSummary>,
}

/// One loss over all its seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LossSummary {
    /// The loss.
    pub loss: LossKind,
    /// Learning rate chosen for it.
    pub learning_rate: f64,
    /// Number of seeds whose run finished.
    pub seeds: usize,
    /// One entry a metric, in the order of [`METRICS`](softnce_metrics::METRICS).
    pub metrics: Vec<MetricSummary>,
    /// The same after temperature scaling, where every seed has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaled: Option<ScaledSummary>,
    /// Median over the seeds of the time of a training step, in milliseconds.
    pub step_ms: f64,
    /// Median over the seeds of the time of the loss alone, in milliseconds; `None` if one has none.
    pub loss_ms: Option<f64>,
    /// Largest peak memory over the seeds, in bytes.
    pub peak_bytes: Option<u64>,
}

/// Sizes that the report names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Name and origin of the data.
    pub data: String,
    /// Pictures trained on.
    pub train: usize,
    /// Pictures of the validation split.
    pub validation: usize,
    /// Pictures tested on.
    pub test: usize,
    /// Number of classes.
    pub classes: usize,
    /// The network in words.
    pub network: String,
    /// Trainable parameters of the network.
    pub parameters: usize,
}

/// Several losses at equal budgets, on any data and network: everything that the page, the tables and the spreadsheet
/// show. [`summarise_runs`](super::summarise_runs) makes the summaries from the
/// runs; [`RunReport::record`](super::RunReport::record) makes a run's record from its report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Title of the page.
    pub title: String,
    /// Version of softnce that ran it.
    pub version: String,
    /// What was trained on what.
    pub setting: Setting,
    /// The budget of each loss.
    pub plan: ComparisonPlan,
    /// The recipe in TOML, every setting as it was used; the losses and the seeds go over those in it.
    pub recipe: String,
    /// The command that runs it again, from the source of that version.
    pub command: String,
    /// Every trial of the learning-rate grid; empty where each loss was given its rate.
    pub tuning: Vec<TuningRecord>,
    /// Every run that finished, loss by loss.
    pub runs: Vec<RunRecord>,
    /// Every run that did not.
    pub diverged: Vec<DivergedRun>,
    /// One entry a loss that has a run, in the order of the plan.
    pub summaries: Vec<LossSummary>,
}

impl Comparison {
    /// The metrics that it holds, in the order of [`METRICS`](softnce_metrics::METRICS): a file of an older version
    /// lacks those that came later.
    pub fn metrics(&self) -> Vec<Metric> {
        let has = |metric: &Metric| self.summaries.iter().any(|summary| summary.metric(*metric).is_some());
        Metric::compared().filter(has).collect()
    }

    /// The same after temperature scaling.
    pub fn scaled_metrics(&self) -> Vec<Metric> {
        let scaled = || self.summaries.iter().filter_map(|summary| summary.scaled.as_ref());
        Metric::compared().filter(|metric| scaled().any(|scaled| scaled.metric(*metric).is_some())).collect()
    }
}

impl LossSummary {
    /// The summary of a metric.
    pub fn metric(&self, metric: Metric) -> Option<&MetricSummary> {
        self.metrics.iter().find(|entry| entry.metric == metric)
    }

    /// The difference from the reference loss in a metric.
    pub fn difference(&self, metric: Metric) -> Option<Estimate> {
        self.metric(metric)?.difference
    }

    /// Whether it has a difference from the reference loss.
    pub fn is_compared(&self) -> bool {
        self.metrics.iter().any(|entry| entry.difference.is_some())
    }
}

impl ScaledSummary {
    /// The summary of a metric.
    pub fn metric(&self, metric: Metric) -> Option<&MetricSummary> {
        self.metrics.iter().find(|entry| entry.metric == metric)
    }
}

/// The budget that every loss was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparisonPlan {
    /// The losses, in report order.
    pub losses: Vec<LossKind>,
    /// Passes over the training split.
    pub epochs: usize,
    /// Learning rates tried on the validation split, the same for every loss.
    pub learning_rates: Vec<f64>,
    /// Seeds that each learning rate was tried with.
    pub tuning_seeds: u64,
}
