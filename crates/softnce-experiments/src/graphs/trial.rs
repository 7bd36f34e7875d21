//! One training of the network on a graph, and how it does.

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};
use softnce::{AnyLoss, ClassDraws, GradientRequest, Loss, LossKind, LossSettings, NoiseDistribution, Targets};
use softnce_metrics::{TemperatureFit, evaluate};
use softnce_train::randomness::{Stream, generator};

use super::adam::Adam;
use super::gcn::Weights;
use super::graph::Graph;
use super::node::NodeSplit;
use super::plan::GraphsConfig;
use super::teacher::{self, Distilled};
use super::unit::{Candidates, Source, Unit};
use crate::StudyError;

/// How one training did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The seed of weights and dropout.
    pub seed: u64,
    /// Accuracy on the validation nodes.
    pub validation_top1: f64,
    /// Negative log likelihood there, in nats.
    pub validation_nll: f64,
    /// How it does on the test nodes; none while learning rates are tried.
    pub test: Option<Tested>,
    /// Whether logits became NaN or infinite; the validation accuracy is then 0.
    pub diverged: bool,
    /// The step and the learning rate at which they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How a training does on the test nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// Accuracy.
    pub top1: f64,
    /// Negative log likelihood, in nats.
    pub nll: f64,
    /// Calibration error over bins of equal width.
    pub ece: f64,
    /// Negative log likelihood after temperature scaling on the validation nodes.
    pub scaled_nll: f64,
    /// Calibration error after it.
    pub scaled_ece: f64,
    /// Compared with the teacher, if there is one.
    pub distilled: Option<Distilled>,
}

/// The learning rate of the teacher, that of the network's authors.
const TEACHER_RATE: f64 = 0.01;

/// Trains from one seed. A training that diverges does not end the study: it is recorded as diverged.
pub(crate) fn train(graph: &Graph, unit: &Unit, config: &GraphsConfig, seed: u64) -> Result<Found, StudyError> {
    match trained(graph, unit, config, seed) {
        Err(error @ StudyError::Diverged { .. }) => {
            let (validation_top1, validation_nll, reason) = (0.0, f64::MAX, Some(error.to_string()));
            Ok(Found { seed, validation_top1, validation_nll, test: None, diverged: true, reason })
        }
        other => other,
    }
}

fn trained(graph: &Graph, unit: &Unit, config: &GraphsConfig, seed: u64) -> Result<Found, StudyError> {
    let teacher = match unit.source {
        Source::Labels => None,
        Source::Teacher => {
            let (nodes, targets) = labels(graph, LossKind::Nll, 0.0)?;
            let nll = (LossKind::Nll, Candidates::Targets);
            let teacher = fit(graph, nll, (&nodes, &targets), TEACHER_RATE, config, (seed, 1))?;
            Some(teacher::probabilities(graph, &teacher))
        }
    };
    let (nodes, targets) = match &teacher {
        None => labels(graph, unit.loss, config.smoothing)?,
        Some(probabilities) => ((0..graph.nodes()).collect(), teacher::targets(probabilities, unit.loss)?),
    };
    let logits = fit(graph, (unit.loss, unit.candidates), (&nodes, &targets), unit.rate, config, (seed, 0))?;
    let part = |part| {
        let (nodes, labels) = graph.of(part);
        (logits.select(Axis(0), &nodes), labels)
    };
    let (validation, labels) = part(NodeSplit::Validation);
    let before = evaluate(validation.view(), 1.0, &labels)?;
    let test = match unit.tuning {
        true => None,
        false => {
            let temperature = TemperatureFit::fit(validation.view(), &labels, 1.0)?.temperature;
            let (test, labels) = part(NodeSplit::Test);
            let (plain, scaled) = (evaluate(test.view(), 1.0, &labels)?, evaluate(test.view(), temperature, &labels)?);
            Some(Tested {
                top1: plain.top1,
                nll: plain.nll,
                ece: plain.ece_equal_width.error,
                scaled_nll: scaled.nll,
                scaled_ece: scaled.ece_equal_width.error,
                distilled: teacher
                    .map(|teacher| teacher::compare_classes(graph, unit, &teacher, &logits))
                    .transpose()?,
            })
        }
    };
    let (validation_top1, validation_nll) = (before.top1, before.nll);
    Ok(Found { seed, validation_top1, validation_nll, test, diverged: false, reason: None })
}

/// The labelled nodes with their targets in the form that a loss takes.
fn labels(graph: &Graph, loss: LossKind, smoothing: f64) -> Result<(Vec<usize>, Targets<'static>), StudyError> {
    let (nodes, labels) = graph.of(NodeSplit::Train);
    let smoothing = if loss.takes_soft_targets() { smoothing } else { 0.0 };
    let targets = match smoothing > 0.0 {
        true => Targets::smoothed(&labels, graph.classes, smoothing)?,
        false => Targets::hard(&labels, graph.classes)?,
    };
    Ok((nodes, targets))
}

/// The logits of all nodes after training under a loss on the targets of some; a seed, and which network of that seed.
/// Shape `[nodes, classes]`.
fn fit(
    graph: &Graph,
    (loss, candidates): (LossKind, Candidates),
    (nodes, targets): (&[usize], &Targets<'static>),
    rate: f64,
    config: &GraphsConfig,
    (seed, network): (u64, u64),
) -> Result<Array2<f32>, StudyError> {
    let mut draws = generator(seed, Stream::Weights, network, 0);
    let mut weights = Weights::new(graph.width(), config.hidden, graph.classes, &mut draws);
    let noise = NoiseDistribution::try_from(targets)?;
    let loss = AnyLoss::new(loss, LossSettings::new().with_noise(noise.clone()));
    let mut class_draws = ClassDraws::new(seed);
    let mut candidate_draws = generator(seed, Stream::Candidates, network, 0);
    let (mut first, mut second) = (Adam::new(config.weight_decay), Adam::new(0.0));
    let mut draws = generator(seed, Stream::Network, network, 0);
    let diverged = |bad: f32, step: usize| {
        let training = format!("seed {seed}");
        StudyError::Diverged { training, step, rate, value: f64::from(bad) }
    };
    for epoch in 0..config.epochs {
        let pass = weights.training_pass(graph, config.dropout as f32, &mut draws);
        let logits = pass.logits.select(Axis(0), nodes);
        if let Some(&bad) = logits.iter().find(|value| !value.is_finite()) {
            return Err(diverged(bad, epoch + 1));
        }
        let given = candidates.of(targets, &noise, &mut candidate_draws)?;
        let batch = if loss.kind().draws_classes() { class_draws.draw(&given) } else { given };
        let found = loss.loss_and_gradient(logits.view(), batch, &GradientRequest::new()).map_err(|error| {
            let error = StudyError::from(error);
            let largest =
                || logits.iter().fold(0.0_f32, |one, &other| if other.abs() > one.abs() { other } else { one });
            if error.is_divergence() { diverged(largest(), epoch + 1) } else { error }
        })?;
        let mut upstream = Array2::zeros(pass.logits.dim());
        for (&node, row) in nodes.iter().zip(found.logits_gradient.rows()) {
            upstream.row_mut(node).assign(&row);
        }
        let [by_first, by_second] = weights.backward(graph, &pass, upstream.view());
        weights.first = first.step(weights.first, by_first, rate)?;
        weights.second = second.step(weights.second, by_second, rate)?;
    }
    // The last step may have been too large as well.
    let logits = weights.logits(graph);
    match logits.iter().find(|value| !value.is_finite()) {
        Some(&bad) => Err(diverged(bad, config.epochs)),
        None => Ok(logits),
    }
}
