//! The main table: every metric of every loss.

use maud::{Markup, html};
use softnce::LossKind;
use softnce_metrics::Metric;

use super::claims;
use crate::results::{Comparison, MetricSummary};
use crate::{format, loss, page};

/// The metrics of the losses. No value is set in bold: a best mean says nothing about chance.
pub(crate) fn values(results: &Comparison) -> Markup {
    let seeds = results.summaries.iter().map(|summary| summary.seeds).max().unwrap_or(0);
    let interval = if seeds > 1 {
        "Mean over the seeds ± half width of its 95 % interval."
    } else {
        "One seed, so no intervals."
    };
    let namesake = if results.summaries.iter().any(|summary| summary.loss == LossKind::Nll) {
        " NLL is the metric here; the loss of that name is cross-entropy on hard labels."
    } else {
        ""
    };
    let best = if claims::has_differences(results) {
        " No best value is marked: the paired differences below say whether two losses differ."
    } else {
        ""
    };
    let metrics = results.metrics();
    let caption = format!(
        "{interval} {}{namesake} Below a calibration error: what a perfectly calibrated model of the same confidences would \
         show, which is not zero. {}{best}",
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
                        td.number { (summary.seeds) }
                    }
                }
            }
        },
    )
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
