//! What soft target InfoNCE is after on a teacher's targets: its optimum where the logits of a node can be anything.

use ndarray::{Array2, ArrayView1, ArrayView2};

use crate::StudyError;
use crate::newton::{Local, minimise};

/// Twice the weight of the squared scores in what is minimised: a target at a corner of all others has no finite optimum,
/// and a network's logits do not come near one that is hundreds away.
const PENALTY: f64 = 1e-4;

/// The logits of each of `nodes` under which the loss of its target is least, all targets being candidates.
///
/// With scores `s = z - log eta` that loss is `log sum_j exp(s . w_j) - s . w`, least where the candidates, tilted by
/// `exp(s . w_j)`, have the node's own target for their mean. The last class has the score 0.
///
/// # Shapes
/// `targets`: `[M, d]`. `log_noise`: `[d]`. Returned: `[nodes.len(), d]`.
pub(crate) fn optimum(
    targets: ArrayView2<'_, f64>,
    log_noise: ArrayView1<'_, f64>,
    nodes: &[usize],
) -> Result<Array2<f64>, StudyError> {
    let free = targets.ncols() - 1;
    let mut logits = Array2::zeros((nodes.len(), free + 1));
    for (mut row, &node) in logits.rows_mut().into_iter().zip(nodes) {
        let own = targets.row(node);
        let mut scores = vec![0.0; free];
        let local = |scores: &[f64]| {
            let Tilted { mean, second } = tilted(targets, scores);
            let gradient = (0..free).map(|class| mean[class] - own[class] + PENALTY * scores[class]);
            let curvature = (0..free * free).map(|at| {
                let (row, column) = (at / free, at % free);
                let penalty = if row == column { PENALTY } else { 0.0 };
                second[at] - mean[row] * mean[column] + penalty
            });
            Local { gradient: gradient.collect(), curvature: curvature.collect() }
        };
        if !minimise(&mut scores, local) {
            let (training, value) = (format!("optimum of node {node}"), scores[0]);
            return Err(StudyError::Diverged { training, step: 1, value });
        }
        let scores = scores.into_iter().chain([0.0]);
        row.iter_mut().zip(scores.zip(log_noise)).for_each(|(to, (score, noise))| *to = score + noise);
    }
    Ok(logits)
}

/// Mean and second moments, of all classes but the last. Shapes `[d - 1]` and `[d - 1, d - 1]`.
struct Tilted {
    mean: Vec<f64>,
    second: Vec<f64>,
}

/// The candidates, each weighed by `exp(scores . w)`.
fn tilted(targets: ArrayView2<'_, f64>, scores: &[f64]) -> Tilted {
    let free = scores.len();
    let score = |row: ArrayView1<'_, f64>| -> f64 { row.iter().zip(scores).map(|(share, score)| share * score).sum() };
    let scored: Vec<f64> = targets.rows().into_iter().map(score).collect();
    let most = scored.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut sum, mut mean, mut second) = (0.0, vec![0.0; free], vec![0.0; free * free]);
    for (row, scored) in targets.rows().into_iter().zip(scored) {
        let weight = (scored - most).exp();
        sum += weight;
        for (at, share) in row.iter().take(free).enumerate() {
            let weighed = weight * share;
            mean[at] += weighed;
            second[at * free..][..free].iter_mut().zip(row).for_each(|(to, other)| *to += weighed * other);
        }
    }
    mean.iter_mut().chain(&mut second).for_each(|value| *value /= sum);
    Tilted { mean, second }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ndarray::{Array1, array};
    use softnce::{GradientRequest, Loss, LossSettings, NoiseDistribution, SoftTargetInfoNce, Targets};

    use super::*;
    use crate::largest::largest;

    /// Targets that are surer of the second class than of the first.
    fn targets() -> Array2<f64> {
        array![[0.6, 0.4], [0.58, 0.42], [0.62, 0.38], [0.53, 0.47], [0.02, 0.98], [0.0, 1.0], [0.05, 0.95], [1.0, 0.0]]
    }

    /// The gradient of the loss itself is 0 at the optimum.
    #[test]
    fn the_loss_is_least_there() {
        let targets = targets();
        let mass: Array1<f64> = targets.sum_axis(ndarray::Axis(0));
        let noise = NoiseDistribution::from_counts(mass.view(), 0.0).unwrap();
        let nodes: Vec<usize> = (0..4).collect();
        let logits = optimum(targets.view(), noise.log_probabilities().unwrap(), &nodes).unwrap();
        let loss = SoftTargetInfoNce::new(LossSettings::new().with_noise(noise));
        let all = Targets::dense(targets.clone()).unwrap();
        let mut every = Array2::zeros(targets.dim());
        every.slice_mut(ndarray::s![..4, ..]).assign(&logits);
        let found = loss.loss_and_gradient(every.view(), all.view(), &GradientRequest::new()).unwrap();
        let slopes = found.logits_gradient.slice(ndarray::s![..4, ..]).to_owned();
        assert!(slopes.iter().all(|slope| slope.abs() < 1e-3), "{slopes}");
    }

    /// Among targets less sure of the first class than others are of the second, a target with a slight lead of the
    /// second class is best told from the others by more of the first.
    #[test]
    fn its_largest_class_need_not_be_the_targets() {
        let mut targets = targets();
        targets.row_mut(3).assign(&array![0.45, 0.55]);
        targets.row_mut(7).assign(&array![0.6, 0.4]);
        let mass = targets.sum_axis(ndarray::Axis(0));
        let noise = NoiseDistribution::from_counts(mass.view(), 0.0).unwrap();
        let logits = optimum(targets.view(), noise.log_probabilities().unwrap(), &[0, 3, 4]).unwrap();
        let found: Vec<usize> = logits.rows().into_iter().map(largest).collect();
        assert_eq!(found, [0, 0, 1]);
    }
}
