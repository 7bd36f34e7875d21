//! The learning-rate grid: every trial, with the choice marked.

use maud::{Markup, html};
use softnce::LossKind;
use softnce_metrics::{NLL, TOP1};

use crate::results::{Comparison, LossSummary, TuningRecord};
use crate::{format, loss, page};

/// Rows are losses, columns are learning rates.
pub(crate) fn table(results: &Comparison) -> Markup {
    if results.tuning.is_empty() {
        return html! { p { "No learning rates were tried: each loss was trained at the rate that it was given." } };
    }
    let mut rates: Vec<f64> = results.tuning.iter().map(|trial| trial.learning_rate).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    page::table(
        "Trials on the validation pictures.",
        "Top-1 accuracy in % after the last epoch and, below it, negative log likelihood in nats: means over seeds of \
         their own. The framed rate was chosen, and all seeds of the loss were trained at it. Every loss was given the \
         same rates.",
        html! {
            (page::head(&["Loss"], rates.iter().map(|rate| format::setting(*rate))))
            tbody {
                @for summary in &results.summaries {
                    tr {
                        (loss::row_head(summary.loss))
                        @for rate in &rates { (cell(results, summary, *rate)) }
                    }
                }
            }
        },
    )
}

fn cell(results: &Comparison, summary: &LossSummary, rate: f64) -> Markup {
    let tried = trials(results, summary.loss, rate).next().is_some();
    let chosen = tried && rate == summary.learning_rate;
    html! {
        td.number.chosen[chosen] {
            @if let Some(score) = TuningRecord::mean(trials(results, summary.loss, rate)) {
                (format::value(score.top1, TOP1))
                span.under { (format::value(score.nll, NLL)) }
            } @else if tried {
                "diverged"
            } @else {
                (format::MISSING)
            }
            @if chosen { span.verdict { "chosen" } }
        }
    }
}

fn trials(results: &Comparison, loss: LossKind, rate: f64) -> impl Iterator<Item = &TuningRecord> {
    results.tuning.iter().filter(move |trial| trial.loss == loss && trial.learning_rate == rate)
}
