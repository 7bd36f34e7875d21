//! The losses after temperature scaling: what is left of their differences once each is calibrated as well as one
//! temperature can.

use maud::{Markup, html};
use softnce_metrics::TOP5;

use super::{claims, differences, metrics, words};
use crate::results::{Comparison, LossSummary, REFERENCE_LOSS, ScaledSummary};
use crate::{format, loss, page};

/// Whether any loss has metrics after scaling.
pub(crate) fn is_there(results: &Comparison) -> bool {
    scaled(results).next().is_some()
}

/// The metrics, then the paired differences if there are any.
pub(crate) fn tables(results: &Comparison) -> Markup {
    html! {
        (values(results))
        @if claims::has_differences(results) { (paired(results)) }
    }
}

fn values(results: &Comparison) -> Markup {
    let metrics = results.scaled_metrics();
    page::table(
        "Metrics after temperature scaling.",
        &format!(
            "The logits of each run are divided by the temperature that minimises the negative log likelihood of its \
             validation pictures (Guo et al. 2017). This does not change the predictions, and so {}.{}",
            if results.metrics().contains(&TOP5) {
                "neither top-1 nor top-5 accuracy"
            } else {
                "not the top-1 accuracy"
            },
            if words::seeds(results) > 1 { " Mean over the seeds ± half width of its 95 % interval." } else { "" },
        ),
        html! {
            (page::head(&["Loss"], ["Temperature"].into_iter().chain(metrics.iter().map(|metric| metric.head))))
            tbody {
                @for (summary, scaled) in scaled(results) {
                    tr {
                        (loss::row_head(summary.loss))
                        td.number { (format::with_interval(scaled.temperature, 3, format::fixed)) }
                        @for &metric in &metrics { (metrics::cell(scaled.metric(metric), metric)) }
                    }
                }
            }
        },
    )
}

fn paired(results: &Comparison) -> Markup {
    let compared = scaled(results).filter(|(summary, _)| summary.loss != REFERENCE_LOSS);
    differences::rows_of(
        "Paired differences after temperature scaling.",
        "Each loss minus soft target cross-entropy, both scaled, as in the table of differences above.",
        &results.scaled_metrics(),
        compared.map(|(summary, scaled)| (summary.loss, scaled.metrics.as_slice())),
    )
}

fn scaled(results: &Comparison) -> impl Iterator<Item = (&LossSummary, &ScaledSummary)> {
    results.summaries.iter().filter_map(|summary| Some((summary, summary.scaled.as_ref()?)))
}
