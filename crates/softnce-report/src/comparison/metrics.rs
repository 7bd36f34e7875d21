//! The main table: every metric of every loss.

use maud::{Markup, html};
use softnce::LossKind;
use softnce_metrics::Metric;

use super::{claims, words};
use crate::results::{Comparison, LossSummary, MetricSummary};
use crate::{format, loss, page};

/// The metrics of the losses. No value is set in bold: a best mean says nothing about chance.
pub(crate) fn values(results: &Comparison) -> Markup {
    let interval = if words::seeds(results) > 1 {
        "Mean over the seeds ± half width of its 95 % interval."
    } else {
        "One seed, so no intervals."
    };
    let namesake = if results.summaries.iter().any(|summary| summary.loss == LossKind::Nll) {
        " NLL is a metric here; the loss of that name is cross-entropy on hard labels."
    } else {
        ""
    };
    let best = if claims::has_differences(results) {
        " No best value is marked: the paired differences below show whether two losses differ."
    } else {
        ""
    };
    let metrics = results.metrics();
    let reference = |summary: &LossSummary| summary.metrics.iter().any(|found| found.calibrated_reference.is_some());
    let calibrated = if results.summaries.iter().any(reference) {
        " Below a calibration error: what a perfectly calibrated model with the same confidences would show by chance."
    } else {
        ""
    };
    let caption = format!(
        "{interval} {}{namesake}{calibrated} {}{best}",
        format::meanings(&metrics),
        format::directions(&metrics),
    );
    page::table(
        "Metrics on the test pictures.",
        &caption,
        html! {
            (page::head(&["Loss"], metrics.iter().map(|metric| metric.head).chain(["Seeds"])))
            tbody {
                @for summary in &results.summaries {
                    tr {
                        (loss::row_head(summary.loss))
                        @for &metric in &metrics { (cell(summary.metric(metric), metric)) }
                        td.number { (seeds(results, summary.loss)) }
                    }
                }
                @for loss in without_results(results) {
                    tr {
                        (loss::row_head(loss))
                        @for _ in &metrics { td.number { "diverged" } }
                        td.number { (seeds(results, loss)) }
                    }
                }
            }
        },
    )
}

/// Losses of the plan none of whose runs has results.
fn without_results(results: &Comparison) -> impl Iterator<Item = LossKind> {
    results.plan.losses.iter().copied().filter(|&loss| words::finished_seeds(results, loss) == 0)
}

/// The number of seeds that have results, and how many there were where some diverged.
fn seeds(results: &Comparison, loss: LossKind) -> String {
    let finished = words::finished_seeds(results, loss);
    match words::diverged(results, loss).count() {
        0 => format::count(finished),
        diverged => format!("{} of {}", format::count(finished), format::count(finished + diverged)),
    }
}

/// A metric over the seeds, with what a calibrated model would show.
pub(crate) fn cell(entry: Option<&MetricSummary>, metric: Metric) -> Markup {
    let Some(entry) = entry else {
        return html! { td.number { (format::MISSING) } };
    };
    html! {
        td.number {
            (format::estimate(entry.value, metric))
            @if let Some(reference) = entry.calibrated_reference {
                span.under { "calibrated " (format::value(reference, metric)) }
            }
        }
    }
}
