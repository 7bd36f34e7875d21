//! The main table: every metric of every loss.

use maud::{Markup, html};
use softnce::LossKind;

use super::claims;
use crate::format;
use crate::loss;
use crate::page;
use crate::results::Comparison;
use crate::results::{Metric, MetricSummary};

/// The metrics of the losses. No value is set in bold: a best mean says nothing about chance.
pub(crate) fn values(results: &Comparison) -> Markup {
    let seeds = results.summaries.iter().map(|summary| summary.seeds).max().unwrap_or(0);
    let interval = if seeds > 1 {
        "Mean over the seeds ± half width of its 95 % interval."
    } else {
        "One seed, so no intervals."
    };
    let namesake = if results.summaries.iter().any(|summary| summary.loss == LossKind::Nll) {
        " (the metric; the loss of that name is cross-entropy on hard labels)"
    } else {
        ""
    };
    let best = if claims::has_differences(results) {
        " No best value is marked: whether two losses differ is a matter of the paired differences below."
    } else {
        ""
    };
    let caption = format!(
        "{interval} Top-1 and top-5: share of pictures whose class is the most probable, or among the five most \
         probable. NLL: negative log likelihood in nats{namesake}. Brier: Brier score. ECE: expected calibration error \
         over bins of equal width or equal mass; the second line is what a perfectly calibrated model of the same \
         confidences would show, which is not zero. Higher is better for top-1 and top-5, lower for the others.{best}",
    );
    page::table(
        "Metrics on the test pictures.",
        &caption,
        html! {
            thead {
                tr {
                    th scope="col" { "Loss" }
                    @for metric in Metric::ALL { th.number scope="col" { (metric.label()) } }
                    th.number scope="col" { "Seeds" }
                }
            }
            tbody {
                @for summary in &results.summaries {
                    tr {
                        (loss::row_head(summary.loss))
                        @for metric in Metric::ALL { (cell(claims::metric_of(summary, metric), metric)) }
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
