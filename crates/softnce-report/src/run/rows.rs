//! The metrics as rows of a table, for the page and for Markdown.

use softnce_metrics::EvaluationResult;
use softnce_metrics::{CalibrationError, Selective};

use crate::figures::reliability::wilson;
use crate::format;
use crate::results::RunReport;

/// One metric.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// The value, and that after temperature scaling.
    pub(super) values: Vec<String>,
    /// What chance, a model without opinion, or a perfect one would show.
    pub(super) reference: String,
    pub(super) higher_is_better: bool,
}

/// All metrics of the report.
pub(super) fn rows(report: &RunReport) -> Vec<Row> {
    let classes = report.result.classes.len() as f64;
    let chance = |k: f64| format!("chance {}", share((k / classes).min(1.0)));
    let mut rows = vec![
        row(report, "Top-1 accuracy, %", true, |result| share(result.overall.top1), chance(1.0)),
        row(report, "Top-5 accuracy, %", true, |result| share(result.overall.top5), chance(5.0)),
        row(report, "Class-balanced accuracy, %", true, |result| share(result.class_balanced_accuracy), chance(1.0)),
        row(report, "NLL, nats", false, |result| score(result.overall.nll), format!("uniform {}", score(classes.ln()))),
        row(
            report,
            "Brier score, 0 to 2",
            false,
            |result| score(result.overall.brier),
            format!("uniform {}", score(1.0 - 1.0 / classes)),
        ),
        calibration(report, "ECE, equal width, %", |result| &result.overall.ece_equal_width),
        calibration(report, "ECE, equal mass, %", |result| &result.overall.ece_equal_mass),
        calibration(report, "ECE, class-wise, %", |result| &result.ece_class_wise),
    ];
    if let Some(found) = &report.result.selective {
        let of = |value: fn(&Selective) -> f64| {
            move |result: &EvaluationResult| {
                result.selective.as_ref().map_or(format::MISSING.into(), |of| share(value(of)))
            }
        };
        let perfect = format!("all errors last {}", share(found.aurc_perfect));
        rows.push(row(report, "Risk-coverage area, %", false, of(|found| found.aurc), perfect));
        let all = format!("of all {}", share(report.result.overall.top1));
        rows.push(row(
            report,
            "Accuracy on the most confident 90 %, %",
            true,
            of(|found| found.accuracy_of_surest),
            all,
        ));
    }
    if let Some(scores) = report.result.soft_labels {
        let value = |of: fn(&softnce_metrics::SoftLabelScores) -> f64| {
            move |result: &EvaluationResult| result.soft_labels.map_or(format::MISSING.into(), |soft| score(of(&soft)))
        };
        let entropy = format!("entropy of the labels {}", score(scores.entropy));
        rows.push(row(report, "Cross-entropy to soft labels, nats", false, value(|soft| soft.cross_entropy), entropy));
        let perfect = "perfect 0.0000".to_owned();
        rows.push(row(report, "KL divergence to soft labels, nats", false, value(|soft| soft.kl_divergence), perfect));
    }
    rows
}

/// The results side by side: as trained, then scaled.
pub(super) fn results(report: &RunReport) -> impl Iterator<Item = &EvaluationResult> {
    std::iter::once(&report.result).chain(report.scaled.as_ref().map(|scaled| &scaled.result))
}

/// The 95 % Wilson interval of the accuracy, in words.
pub(super) fn accuracy_interval(result: &EvaluationResult) -> String {
    let (low, high) = wilson(result.overall.top1, result.overall.examples as f64);
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

fn row(
    report: &RunReport,
    name: &'static str,
    higher_is_better: bool,
    value: impl Fn(&EvaluationResult) -> String,
    reference: String,
) -> Row {
    Row { name, values: results(report).map(value).collect(), reference, higher_is_better }
}

/// Class-wise errors are a mean over classes most of which are nearly impossible: they need more decimals.
fn calibration(report: &RunReport, name: &'static str, of: fn(&EvaluationResult) -> &CalibrationError) -> Row {
    let references: Vec<f64> = results(report).map(|result| of(result).calibrated_reference).collect();
    let smallest = references.iter().copied().fold(f64::INFINITY, f64::min);
    let decimals = if smallest < 0.001 { 4 } else { 2 };
    let shown = |value: f64| format::fixed(100.0 * value, decimals);
    let reference = references.into_iter().map(shown).collect::<Vec<_>>().join(" and ");
    row(report, name, false, |result| shown(of(result).error), format!("calibrated {reference}"))
}
