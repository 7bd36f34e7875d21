//! The optimum of soft target InfoNCE on a teacher's targets, each node's logits being free.

use ndarray::{Array2, ArrayView1, ArrayView2};

use crate::newton::{Local, minimise};

/// Twice the weight of the squared deviation of the scores from their mean, in what is minimised: without it a target on
/// the boundary of the candidates' hull has no finite optimum.
const PENALTY: f64 = 1e-4;

/// The logits of each of `nodes` under which the loss of its target is least, all targets being candidates; none where
/// those of a node are not found.
///
/// With scores `s = z - log eta` that loss is `log sum_j exp(s . w_j) - s . w`, least where the candidates, each weighed
/// by `exp(s . w_j)`, have the node's own target for their mean. To it comes the penalty `5e-5 |s - mean(s)|^2`, which
/// brings scores in from the hundreds. Scores are those over the last class, whose score is 0.
///
/// # Shapes
/// `targets`: `[M, d]`. `log_noise`: `[d]`. Returned: `[nodes.len(), d]`.
pub(crate) fn optimum(
    targets: ArrayView2<'_, f64>,
    log_noise: ArrayView1<'_, f64>,
    nodes: &[usize],
) -> Option<Array2<f64>> {
    let classes = targets.ncols();
    let free = classes.saturating_sub(1);
    let mut logits = Array2::zeros((nodes.len(), classes));
    for (mut row, &node) in logits.rows_mut().into_iter().zip(nodes) {
        let own = targets.row(node);
        let mut scores = vec![0.0; free];
        let local = |scores: &[f64]| {
            let Tilted { mean, second } = tilted(targets, scores);
            let middle = scores.iter().sum::<f64>() / classes as f64;
            let gradient = (0..free).map(|class| mean[class] - own[class] + PENALTY * (scores[class] - middle));
            let curvature = (0..free * free).map(|at| {
                let (row, column) = (at / free, at % free);
                let same = if row == column { 1.0 } else { 0.0 };
                second[at] - mean[row] * mean[column] + PENALTY * (same - 1.0 / classes as f64)
            });
            Local { gradient: gradient.collect(), curvature: curvature.collect() }
        };
        if !minimise(&mut scores, local) {
            return None;
        }
        let scores = scores.into_iter().chain([0.0]);
        row.iter_mut().zip(scores.zip(log_noise)).for_each(|(to, (score, noise))| *to = score + noise);
    }
    Some(logits)
}

/// Mean and second moments, of all classes but the last. Shapes `[d - 1]` and `[d - 1, d - 1]`, the latter left of the
/// diagonal and on it.
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
            second[at * free..][..=at].iter_mut().zip(row).for_each(|(to, other)| *to += weighed * other);
        }
    }
    mean.iter_mut().chain(&mut second).for_each(|value| *value /= sum);
    Tilted { mean, second }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ndarray::array;
    use softnce::{GradientRequest, Loss, LossSettings, NoiseDistribution, Reduction, SoftTargetInfoNce, Targets};
    use softnce_metrics::largest_entry;

    use super::*;

    /// Where the loss itself has no slope, to what the penalty explains.
    #[test]
    fn the_loss_is_least_there() {
        let targets = array![
            [0.6, 0.3, 0.1],
            [0.5, 0.3, 0.2],
            [0.2, 0.5, 0.3],
            [0.1, 0.7, 0.2],
            [0.2, 0.2, 0.6],
            [0.0, 0.0, 1.0],
            [0.0, 1.0, 0.0],
            [1.0, 0.0, 0.0],
        ];
        let noise = NoiseDistribution::try_from(&Targets::dense(targets.view()).unwrap()).unwrap();
        let nodes = [1, 4, 2];
        let found = optimum(targets.view(), noise.log_probabilities().unwrap(), &nodes).unwrap();
        let settings = LossSettings::new().with_noise(noise).with_reduction(Reduction::Sum);
        let mut logits = Array2::zeros(targets.dim());
        nodes.iter().zip(found.rows()).for_each(|(&node, row)| logits.row_mut(node).assign(&row));
        let all = Targets::dense(targets.view()).unwrap();
        let found = SoftTargetInfoNce::new(settings).loss_and_gradient(logits.view(), all, &GradientRequest::new());
        let slopes = found.unwrap().logits_gradient;
        for node in 0..8 {
            let none = slopes.row(node).iter().all(|slope| slope.abs() < 1e-3);
            assert_eq!(none, nodes.contains(&node), "node {node}: {}", slopes.row(node));
        }
    }

    /// The largest class at the optimum of a target that is slightly surer of the second class.
    fn largest_of_a_doubt(counts: [usize; 2], confidence: [f64; 2]) -> usize {
        let each = |class: usize| {
            let own = confidence[class];
            std::iter::repeat_n(if class == 0 { [own, 1.0 - own] } else { [1.0 - own, own] }, counts[class])
        };
        let rows: Vec<[f64; 2]> = [[0.45, 0.55]].into_iter().chain(each(0)).chain(each(1)).collect();
        let targets = Array2::from(rows);
        let noise = NoiseDistribution::try_from(&Targets::dense(targets.view()).unwrap()).unwrap();
        let logits = optimum(targets.view(), noise.log_probabilities().unwrap(), &[0]).unwrap();
        largest_entry(logits.row(0))
    }

    /// Class frequencies take out of soft candidates only in part how many they are and how sure: the rarer class is
    /// given where a target is in doubt, and so is the one whose targets are less sure.
    #[test]
    fn its_largest_class_need_not_be_the_targets() {
        assert_eq!(largest_of_a_doubt([50, 50], [0.8, 0.8]), 1);
        assert_eq!(largest_of_a_doubt([17, 83], [0.8, 0.8]), 0);
        assert_eq!(largest_of_a_doubt([50, 50], [0.6, 0.98]), 0);
        // Of one-hot candidates they take all of it out.
        assert_eq!(largest_of_a_doubt([17, 83], [1.0, 1.0]), 1);
    }

    /// One labelled node a class, and many a little less sure than the target: its optimum lies hundreds away.
    #[test]
    fn far_optima_are_found() {
        let rows = std::iter::repeat_n([0.96, 0.04], 20_000).chain([[0.985, 0.015], [1.0, 0.0], [0.0, 1.0]]);
        let targets = Array2::from(rows.collect::<Vec<[f64; 2]>>());
        let logits = optimum(targets.view(), array![0.0, 0.0].view(), &[20_000]).unwrap();
        assert!(logits[[0, 0]] - logits[[0, 1]] > 200.0, "{logits}");
    }
}
