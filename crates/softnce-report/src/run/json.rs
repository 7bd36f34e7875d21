//! `metrics.json`.

use std::collections::BTreeMap;

use serde::Serialize;
use softnce_metrics::{EvaluationResult, METRICS, Metric, Reading};

use crate::error::ReportError;
use crate::results::RunReport;

/// The report, and every metric by its name.
#[derive(Serialize)]
struct Content<'r> {
    #[serde(flatten)]
    report: &'r RunReport,
    metrics: BTreeMap<Metric, Reading>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scaled_metrics: Option<BTreeMap<Metric, Reading>>,
}

/// The content of `metrics.json`: the report without its pictures, and each metric under its name. It reads back as a
/// [`RunReport`].
///
/// # Errors
/// The figures cannot be written as JSON.
pub fn json(report: &RunReport) -> Result<String, ReportError> {
    let scaled_metrics = report.scaled.as_ref().map(|scaled| by_name(&scaled.result));
    let content = Content { report, metrics: by_name(&report.result), scaled_metrics };
    let mut text = serde_json::to_string(&content)?;
    text.push('\n');
    Ok(text)
}

fn by_name(result: &EvaluationResult) -> BTreeMap<Metric, Reading> {
    METRICS.into_iter().filter_map(|metric| Some((metric, (metric.of)(result)?))).collect()
}
