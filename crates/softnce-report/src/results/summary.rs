//! The runs of a loss put together: means with intervals, paired differences, costs.

use softnce::LossKind;
use softnce_metrics::{Estimate, Metric, MetricValues, StatsError, mean_interval, median, paired_difference};

use super::comparison::{LossSummary, MetricSummary, REFERENCE_LOSS, RunRecord, ScaledSummary};

/// Puts the runs of each loss together, in the order of `losses`, paired by seed with those of [`REFERENCE_LOSS`]; a
/// loss without a run is left out.
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
    let reference: Vec<&RunRecord> = runs.iter().filter(|run| run.loss == REFERENCE_LOSS).collect();
    let step_ms = median(&own.iter().map(|run| run.cost.step_ms).collect::<Vec<_>>())?;
    let loss_ms: Option<Vec<f64>> = own.iter().map(|run| run.cost.loss_ms).collect();
    let temperatures: Option<Vec<f64>> =
        own.iter().map(|run| run.scaled.as_ref().map(|scaled| scaled.temperature)).collect();
    let scaled = temperatures.map(|temperatures| {
        let metrics = summaries(Metric::compared_after_scaling(), &own, &reference, |run| {
            run.scaled.as_ref().map(|scaled| &scaled.test)
        });
        Ok::<_, StatsError>(ScaledSummary { temperature: mean_interval(&temperatures)?, metrics: metrics? })
    });
    Ok(LossSummary {
        loss,
        learning_rate: own.first().map_or(0.0, |run| run.learning_rate),
        seeds: own.len(),
        metrics: summaries(Metric::compared(), &own, &reference, |run| Some(&run.test))?,
        scaled: scaled.transpose()?,
        step_ms,
        loss_ms: loss_ms.map(|times| median(&times)).transpose()?,
        peak_bytes: own.iter().filter_map(|run| run.cost.peak_bytes).max(),
    })
}

/// The metrics that every run of the loss has: a file of an older version lacks those that came later.
fn summaries(
    metrics: impl Iterator<Item = Metric>,
    own: &[&RunRecord],
    reference: &[&RunRecord],
    of: fn(&RunRecord) -> Option<&MetricValues>,
) -> Result<Vec<MetricSummary>, StatsError> {
    let value = |run: &RunRecord, metric| of(run)?.get(metric);
    let summary = |metric: Metric| {
        let values: Vec<f64> = own.iter().map(|run| value(run, metric)).collect::<Option<_>>()?;
        let references: Option<Vec<f64>> = own.iter().map(|run| of(run)?.calibrated_reference(metric)).collect();
        let mean = |values: Vec<f64>| mean_interval(&values).map(|estimate| estimate.mean);
        let summarise = || {
            Ok(MetricSummary {
                metric,
                value: mean_interval(&values)?,
                difference: difference(own, reference, |run| value(run, metric))?,
                calibrated_reference: references.map(mean).transpose()?,
            })
        };
        Some(summarise())
    };
    metrics.filter_map(summary).collect()
}

/// The difference from the reference loss; none for that loss itself, nor where no seed is in both.
fn difference(
    own: &[&RunRecord],
    reference: &[&RunRecord],
    value: impl Fn(&RunRecord) -> Option<f64>,
) -> Result<Option<Estimate>, StatsError> {
    let pairs = own.iter().filter(|run| run.loss != REFERENCE_LOSS).filter_map(|run| {
        let other = reference.iter().find(|other| other.seed == run.seed)?;
        Some((value(run)?, value(other)?))
    });
    let (left, right): (Vec<f64>, Vec<f64>) = pairs.unzip();
    (!left.is_empty()).then(|| paired_difference(&left, &right)).transpose()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use softnce_metrics::{NLL, TOP1};

    use super::*;
    use crate::comparison::fixture;

    #[test]
    fn summaries_are_those_of_the_runs_that_have_the_metric() {
        let mut results = fixture::small();
        results.runs.last_mut().unwrap().test.values.remove(&NLL);
        let losses = results.plan.losses.clone();
        results.summaries = summarise_runs(&losses, &results.runs).unwrap();
        let [first, .., last] = &results.summaries[..] else { panic!("three losses") };
        assert!(last.metric(NLL).is_none() && last.metric(TOP1).is_some());
        let tops: Vec<f64> =
            results.runs.iter().filter(|run| run.loss == first.loss).filter_map(|run| run.test.get(TOP1)).collect();
        assert_eq!(first.metric(TOP1).unwrap().value, mean_interval(&tops).unwrap());
        assert!(first.difference(NLL).is_some());
        // A metric that no run has leaves no column.
        for run in &mut results.runs {
            run.test.values.remove(&NLL);
        }
        results.summaries = summarise_runs(&losses, &results.runs).unwrap();
        assert!(!results.metrics().contains(&NLL) && results.metrics().contains(&TOP1));
    }
}
