//! The runs of a loss put together: means with intervals, paired differences, costs.

use softnce::LossKind;
use softnce_metrics::{Estimate, Evaluation, StatsError, mean_interval, median, paired_difference};

use super::comparison::{BASELINE, LossSummary, Metric, MetricSummary, RunRecord, ScaledSummary};

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
    let step_ms = median(&own.iter().map(|run| run.cost.step_ms).collect::<Vec<_>>())?;
    let loss_ms: Option<Vec<f64>> = own.iter().map(|run| run.cost.loss_ms).collect();
    let temperatures: Option<Vec<f64>> =
        own.iter().map(|run| run.scaled.as_ref().map(|scaled| scaled.temperature)).collect();
    let scaled = temperatures.map(|temperatures| {
        let metrics = summaries(&Metric::SCALED, &own, &baseline, |run| run.scaled.as_ref().map(|scaled| &scaled.test));
        Ok::<_, StatsError>(ScaledSummary { temperature: mean_interval(&temperatures)?, metrics: metrics? })
    });
    Ok(LossSummary {
        loss,
        learning_rate: own.first().map_or(0.0, |run| run.learning_rate),
        seeds: own.len(),
        metrics: summaries(&Metric::ALL, &own, &baseline, |run| Some(&run.test))?,
        scaled: scaled.transpose()?,
        step_ms,
        loss_ms: loss_ms.map(|times| median(&times)).transpose()?,
        peak_bytes: own.iter().filter_map(|run| run.cost.peak_bytes).max(),
    })
}

/// Which of a run's evaluations to read.
type Reading = fn(&RunRecord) -> Option<&Evaluation>;

fn summaries(
    metrics: &[Metric],
    own: &[&RunRecord],
    baseline: &[&RunRecord],
    reading: Reading,
) -> Result<Vec<MetricSummary>, StatsError> {
    let summary = |&metric: &Metric| {
        Ok(MetricSummary {
            metric,
            value: mean_interval(&read(own, reading, |test| metric.of(test)))?,
            difference: difference(own, baseline, metric, reading)?,
            calibrated_reference: reference(own, metric, reading)?,
        })
    };
    metrics.iter().map(summary).collect()
}

fn read(runs: &[&RunRecord], reading: Reading, of: impl Fn(&Evaluation) -> f64) -> Vec<f64> {
    runs.iter().filter_map(|run| reading(run)).map(of).collect()
}

/// The difference to the baseline; none for the baseline itself, nor where no seed is in both.
fn difference(
    own: &[&RunRecord],
    baseline: &[&RunRecord],
    metric: Metric,
    reading: Reading,
) -> Result<Option<Estimate>, StatsError> {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for run in own.iter().filter(|run| run.loss != BASELINE) {
        let pair = baseline.iter().find(|other| other.seed == run.seed);
        if let (Some(own), Some(other)) = (reading(run), pair.and_then(|pair| reading(pair))) {
            left.push(metric.of(own));
            right.push(metric.of(other));
        }
    }
    (!left.is_empty()).then(|| paired_difference(&left, &right)).transpose()
}

fn reference(runs: &[&RunRecord], metric: Metric, reading: Reading) -> Result<Option<f64>, StatsError> {
    let of: fn(&Evaluation) -> f64 = match metric {
        Metric::EceEqualWidth => |test| test.ece_equal_width.calibrated_reference,
        Metric::EceEqualMass => |test| test.ece_equal_mass.calibrated_reference,
        _ => return Ok(None),
    };
    Ok(Some(mean_interval(&read(runs, reading, of))?.mean))
}
