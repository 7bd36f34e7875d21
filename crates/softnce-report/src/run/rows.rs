//! The metrics as rows of a table, for the page, for Markdown and for a terminal.

use softnce_metrics::{Baseline, EvaluationResult, METRICS, Metric, Reading, wilson_interval};

use crate::format;
use crate::results::RunReport;

/// One metric.
pub(super) struct Row {
    pub(super) metric: Metric,
    /// Its title with the unit.
    pub(super) name: String,
    /// The value, and that after temperature scaling.
    pub(super) values: Vec<String>,
    /// What chance, a model without opinion, or a perfect one would show.
    pub(super) reference: String,
}

/// All metrics that the report has.
pub(super) fn rows(report: &RunReport) -> Vec<Row> {
    METRICS.into_iter().filter_map(|metric| row(report, metric)).collect()
}

fn row(report: &RunReport, metric: Metric) -> Option<Row> {
    let first = (metric.of)(&report.result)?;
    let rest = results(report).skip(1).map(|result| (metric.of)(result));
    let readings: Vec<Option<Reading>> = std::iter::once(Some(first)).chain(rest).collect();
    let references: Vec<f64> = readings.iter().filter_map(|reading| (*reading)?.calibrated_reference()).collect();
    let decimals = decimals(metric, &references);
    let shown = |value: f64| format::fixed(metric.unit.scale() * value, decimals);
    let reference = match metric.baseline {
        Baseline::Calibrated => {
            let references: Vec<String> = references.iter().map(|&reference| shown(reference)).collect();
            format!("calibrated {}", references.join(" and "))
        }
        Baseline::Value { name, of } => {
            let value = of(&report.result).map_or_else(|| format::MISSING.to_owned(), shown);
            format!("{name} {value}")
        }
    };
    let missing = || format::MISSING.to_owned();
    let values = readings.into_iter().map(|reading| reading.map_or_else(missing, |found| shown(found.value())));
    let name = format!("{}{}", metric.title, metric.unit.after_title());
    Some(Row { metric, name, values: values.collect(), reference })
}

/// Class-wise calibration errors are a mean over classes most of which are nearly impossible: they need more decimals.
fn decimals(metric: Metric, references: &[f64]) -> usize {
    let smallest = references.iter().copied().fold(f64::INFINITY, f64::min);
    if smallest < 0.001 { 4 } else { metric.unit.decimals() }
}

/// The results side by side: as trained, then scaled.
pub(super) fn results(report: &RunReport) -> impl Iterator<Item = &EvaluationResult> {
    std::iter::once(&report.result).chain(report.scaled.as_ref().map(|scaled| &scaled.result))
}

/// The 95 % Wilson interval of the accuracy, in words.
pub(super) fn accuracy_interval(result: &EvaluationResult) -> String {
    let [low, high] = wilson_interval(result.overall.top1, result.overall.examples as f64);
    format!("{} to {}", share(low), share(high))
}

/// A share in per cent.
pub(super) fn share(value: f64) -> String {
    format::fixed(100.0 * value, 2)
}

/// A score with four decimals.
pub(super) fn score(value: f64) -> String {
    format::fixed(value, 4)
}
