//! Reliability diagrams, before and after temperature scaling.

use maud::{Markup, html};
use softnce_metrics::{EvaluationResult, ReliabilityBin};

use super::rows::{results, share};
use crate::drawing::{Look, SERIES};
use crate::figures::reliability::{Diagram, most};
use crate::results::RunReport;
use crate::{format, page};

const TITLES: [&str; 2] = ["as trained", "after temperature scaling"];

/// One diagram a result, then the numbers.
pub(super) fn figure(report: &RunReport) -> Markup {
    let most = most(results(report).flat_map(|result| &result.overall.reliability));
    let panels: Vec<Markup> = results(report)
        .zip(SERIES)
        .zip(TITLES)
        .map(|((result, look), title)| panel(result, look, title, most))
        .collect();
    html! {
        (page::panels(
            "Reliability diagrams.",
            "Each point is a bin of the confidence: mean confidence to the right, accuracy upwards. On the diagonal the model \
             is calibrated; above it, the model is underconfident; below it, overconfident. Upright strokes: 95 % Wilson \
             interval of the accuracy. Bars: number of pictures in the bin, on a logarithmic scale. Empty bins have neither \
             point nor bar.",
            &panels,
        ))
        (page::details("The bins as a table", html! {
            @for (result, title) in results(report).zip(TITLES) { (table(&result.overall.reliability, title)) }
        }))
    }
}

fn panel(result: &EvaluationResult, look: Look, title: &str, most: usize) -> Markup {
    let ece = &result.overall.ece_equal_width;
    let note = format!("ECE {} % (calibrated {} %)", share(ece.error), share(ece.calibrated_reference));
    Diagram { look, title, note: &note, bins: &result.overall.reliability, repeats: 1, most }.panel()
}

fn table(bins: &[ReliabilityBin], title: &str) -> Markup {
    page::table(
        &format!("Bins of equal width, {title}."),
        "",
        html! {
            (page::head(&[], ["Confidence, %", "Pictures", "Mean confidence, %", "Accuracy, %"]))
            tbody {
                @for bin in bins.iter().filter(|bin| bin.count > 0) {
                    tr {
                        th.number scope="row" {
                            (format::fixed(100.0 * bin.lower, 1)) " to " (format::fixed(100.0 * bin.upper, 1))
                        }
                        td.number { (format::count(bin.count)) }
                        td.number { (share(bin.mean_confidence)) }
                        td.number { (share(bin.accuracy)) }
                    }
                }
            }
        },
    )
}
