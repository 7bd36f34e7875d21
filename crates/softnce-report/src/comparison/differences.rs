//! The paired differences from soft target cross-entropy, as a table and as a figure.

use maud::{Markup, html};
use softnce::LossKind;
use softnce_metrics::{Estimate, Metric};

use super::{intervals, words};
use crate::format::{self, Verdict};
use crate::results::{Comparison, LossSummary, MetricSummary, REFERENCE_LOSS, RunRecord};
use crate::{loss, page};

/// Each loss less soft target cross-entropy, with intervals.
pub(crate) fn table(results: &Comparison) -> Markup {
    let rows = compared(results).map(|summary| (summary.loss, summary.metrics.as_slice()));
    rows_of(
        "Paired differences.",
        match words::seeds(results) {
            1 => "Each loss minus soft target cross-entropy, from the only seed.",
            _ => {
                "Each loss minus soft target cross-entropy: mean over the seeds of the difference between runs with the \
                 same seed and, below it, its 95 % interval. \"Better\" and \"worse\": the interval, before rounding, excludes \
                 zero. The intervals are not corrected for their number."
            }
        },
        &results.metrics(),
        rows,
    )
}

/// A row a loss, with its difference in each metric.
pub(crate) fn rows_of<'r>(
    lead: &str,
    caption: &str,
    metrics: &[Metric],
    rows: impl Iterator<Item = (LossKind, &'r [MetricSummary])>,
) -> Markup {
    page::table(
        lead,
        caption,
        html! {
            (page::head(&["Loss"], metrics.iter().map(|metric| metric.head)))
            tbody {
                @for (loss, summaries) in rows {
                    tr {
                        (loss::row_head(loss))
                        @for &metric in metrics {
                            (cell(summaries.iter().find(|found| found.metric == metric).and_then(|found| found.difference), metric))
                        }
                    }
                }
            }
        },
    )
}

/// A difference with its interval and what that says.
fn cell(difference: Option<Estimate>, metric: Metric) -> Markup {
    let Some(difference) = difference else {
        return html! { td.number { (format::MISSING) } };
    };
    let verdict = match format::verdict(difference, metric) {
        Some(Verdict::Better) => Some("better"),
        Some(Verdict::Worse) => Some("worse"),
        _ => None,
    };
    html! {
        td.number.clear[verdict.is_some()] {
            (format::mean_difference(difference, metric))
            span.under {
                (format::interval(difference, metric).unwrap_or_default())
                @if let Some(verdict) = verdict { span.verdict { (verdict) } }
            }
        }
    }
}

/// The same differences drawn, one panel a metric.
pub(crate) fn figure(results: &Comparison) -> Markup {
    let panels: Vec<Markup> = results
        .metrics()
        .into_iter()
        .map(|metric| {
            let rows: Vec<intervals::Row> = compared(results)
                .filter_map(|summary| {
                    let difference = summary.difference(metric)?;
                    Some(intervals::Row {
                        loss: summary.loss,
                        estimate: difference,
                        seeds: by_seed(results, summary, metric),
                        calibrated: None,
                    })
                })
                .collect();
            intervals::panel(metric, &rows, intervals::Kind::Difference)
        })
        .collect();
    let caption = format!(
        "{} The vertical line at zero: no difference from soft target cross-entropy.{}",
        intervals::marks(words::seeds(results)),
        if words::seeds(results) > 1 {
            " An interval across it shows no difference between the two losses."
        } else {
            ""
        },
    );
    page::panels("Differences from soft target cross-entropy.", &caption, &panels)
}

fn compared(results: &Comparison) -> impl Iterator<Item = &LossSummary> {
    results.summaries.iter().filter(|summary| summary.is_compared())
}

fn by_seed(results: &Comparison, summary: &LossSummary, metric: Metric) -> Vec<(u64, f64)> {
    let reference =
        |run: &RunRecord| results.runs.iter().find(|other| other.loss == REFERENCE_LOSS && other.seed == run.seed);
    results
        .runs
        .iter()
        .filter(|run| run.loss == summary.loss)
        .filter_map(|run| Some((run.seed, run.test.get(metric)? - reference(run)?.test.get(metric)?)))
        .collect()
}
