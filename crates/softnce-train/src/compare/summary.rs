//! The runs of a loss put together: means with intervals, paired differences, costs.

use softnce::LossKind;

use super::{BASELINE, CompareError, Estimate, LossSummary, Metric, MetricSummary, RunRecord};
use crate::metrics::Evaluation;
use crate::stats::{mean_interval, median, paired_difference};

/// Puts the runs of one loss together, paired by seed with those of the baseline.
pub(super) fn summarise(loss: LossKind, learning_rate: f64, runs: &[RunRecord]) -> Result<LossSummary, CompareError> {
    let own: Vec<&RunRecord> = runs.iter().filter(|run| run.loss == loss).collect();
    let baseline: Vec<&RunRecord> = runs.iter().filter(|run| run.loss == BASELINE).collect();
    let metrics = Metric::ALL.into_iter().map(|metric| {
        let values = read(&own, |test| metric.of(test));
        Ok(MetricSummary {
            metric,
            value: mean_interval(&values)?,
            difference: difference(loss, &own, &baseline, metric)?,
            calibrated_reference: reference(&own, metric)?,
        })
    });
    let cost = |of: fn(&RunRecord) -> f64| median(&own.iter().map(|run| of(run)).collect::<Vec<_>>());
    Ok(LossSummary {
        loss,
        learning_rate,
        seeds: own.len(),
        metrics: metrics.collect::<Result<_, CompareError>>()?,
        step_ms: cost(|run| run.cost.step_ms)?,
        loss_ms: cost(|run| run.cost.loss_ms)?,
        peak_bytes: own.iter().filter_map(|run| run.cost.peak_bytes).max(),
    })
}

fn read(runs: &[&RunRecord], of: impl Fn(&Evaluation) -> f64) -> Vec<f64> {
    runs.iter().map(|run| of(&run.test)).collect()
}

fn difference(
    loss: LossKind,
    own: &[&RunRecord],
    baseline: &[&RunRecord],
    metric: Metric,
) -> Result<Option<Estimate>, CompareError> {
    if loss == BASELINE || baseline.is_empty() {
        return Ok(None);
    }
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for run in own {
        if let Some(pair) = baseline.iter().find(|other| other.seed == run.seed) {
            left.push(metric.of(&run.test));
            right.push(metric.of(&pair.test));
        }
    }
    Ok(Some(paired_difference(&left, &right)?))
}

fn reference(runs: &[&RunRecord], metric: Metric) -> Result<Option<f64>, CompareError> {
    let of: fn(&Evaluation) -> f64 = match metric {
        Metric::EceEqualWidth => |test| test.ece_equal_width.calibrated_reference,
        Metric::EceEqualMass => |test| test.ece_equal_mass.calibrated_reference,
        _ => return Ok(None),
    };
    Ok(Some(mean_interval(&read(runs, of))?.mean))
}
