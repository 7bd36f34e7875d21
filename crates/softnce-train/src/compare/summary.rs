//! The runs of a loss put together: means with intervals, paired differences, costs.

use softnce::LossKind;

use super::{BASELINE, Estimate, LossSummary, Metric, MetricSummary, RunRecord};
use crate::metrics::Evaluation;
use crate::stats::{StatsError, mean_interval, median, paired_difference};

/// Puts the runs of each loss together, in the order of `losses`, paired by seed with those of [`BASELINE`]; a loss
/// without a run is left out.
///
/// # Errors
/// A metric or a time that is not finite.
pub fn summarise_runs(losses: &[LossKind], runs: &[RunRecord]) -> Result<Vec<LossSummary>, StatsError> {
    let with_runs = losses.iter().filter_map(|&loss| {
        let own: Vec<&RunRecord> = runs.iter().filter(|run| run.loss == loss).collect();
        (!own.is_empty()).then(|| summarise(loss, own, runs))
    });
    with_runs.collect()
}

fn summarise(loss: LossKind, own: Vec<&RunRecord>, runs: &[RunRecord]) -> Result<LossSummary, StatsError> {
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
    let step_ms = median(&own.iter().map(|run| run.cost.step_ms).collect::<Vec<_>>())?;
    let loss_ms: Option<Vec<f64>> = own.iter().map(|run| run.cost.loss_ms).collect();
    Ok(LossSummary {
        loss,
        learning_rate: own.first().map_or(0.0, |run| run.learning_rate),
        seeds: own.len(),
        metrics: metrics.collect::<Result<_, StatsError>>()?,
        step_ms,
        loss_ms: loss_ms.map(|times| median(&times)).transpose()?,
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
) -> Result<Option<Estimate>, StatsError> {
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

fn reference(runs: &[&RunRecord], metric: Metric) -> Result<Option<f64>, StatsError> {
    let of: fn(&Evaluation) -> f64 = match metric {
        Metric::EceEqualWidth => |test| test.ece_equal_width.calibrated_reference,
        Metric::EceEqualMass => |test| test.ece_equal_mass.calibrated_reference,
        _ => return Ok(None),
    };
    Ok(Some(mean_interval(&read(runs, of))?.mean))
}
