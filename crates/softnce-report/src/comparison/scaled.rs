//! The losses after temperature scaling: what is left of their differences once each is calibrated as well as one
//! temperature can.

use maud::{Markup, html};

use super::{claims, differences, metrics};
use crate::results::{Comparison, LossSummary, ScaledSummary};
use crate::{format, loss, page};

/// Whether any loss has metrics after scaling.
pub(crate) fn is_there(results: &Comparison) -> bool {
    scaled(results).next().is_some()
}

/// The metrics, then the paired differences where there are any.
pub(crate) fn tables(results: &Comparison) -> Markup {
    html! {
        (values(results))
        @if claims::has_differences(results) { (paired(results)) }
    }
}

fn values(results: &Comparison) -> Markup {
    page::table(
        "Metrics after temperature scaling.",
        "Each run's logits divided by the one temperature that makes its validation pictures most likely (Guo et al. \
         2017); the predictions, and so top-1 and top-5, stay. Means over the seeds as above.",
        html! {
            thead {
                tr {
                    th scope="col" { "Loss" }
                    th.number scope="col" { "Temperature" }
                    @for metric in results.scaled_metrics() { th.number scope="col" { (metric.head) } }
                }
            }
            tbody {
                @for (summary, scaled) in scaled(results) {
                    tr {
                        (loss::row_head(summary.loss))
                        td.number { (format::temperature(scaled.temperature)) }
                        @for metric in results.scaled_metrics() { (metrics::cell(scaled.metric(metric), metric)) }
                    }
                }
            }
        },
    )
}

fn paired(results: &Comparison) -> Markup {
    page::table(
        "Paired differences after temperature scaling.",
        "Each loss less soft target cross-entropy, both scaled, as in the table of differences above.",
        html! {
            thead {
                tr {
                    th scope="col" { "Loss" }
                    @for metric in results.scaled_metrics() { th.number scope="col" { (metric.head) } }
                }
            }
            tbody {
                @for (summary, scaled) in scaled(results).filter(|(summary, _)| summary.loss != claims::REFERENCE) {
                    tr {
                        (loss::row_head(summary.loss))
                        @for metric in results.scaled_metrics() {
                            (differences::cell(scaled.metric(metric).and_then(|entry| entry.difference), metric))
                        }
                    }
                }
            }
        },
    )
}

fn scaled(results: &Comparison) -> impl Iterator<Item = (&LossSummary, &ScaledSummary)> {
    results.summaries.iter().filter_map(|summary| Some((summary, summary.scaled.as_ref()?)))
}
