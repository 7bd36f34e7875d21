//! The learning-rate grid: every trial, with the choice marked.

use maud::{Markup, html};
use softnce::LossKind;

use super::parts;
use crate::compare::{LossSummary, Metric, Results, TuningRecord};
use crate::report::format;

/// Rows are losses, columns are learning rates.
pub(crate) fn table(results: &Results) -> Markup {
    if results.tuning.is_empty() {
        return html! { p { "No learning rates were tried: each loss was trained at the rate that it was given." } };
    }
    let mut rates: Vec<f64> = results.tuning.iter().map(|trial| trial.learning_rate).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    parts::table(
        "Trials on the validation pictures.",
        "Top-1 accuracy in % after the last epoch and, below it, negative log likelihood in nats. The framed trial was \
         chosen, and all seeds of the loss were trained at its rate. Every loss was given the same rates.",
        html! {
            thead {
                tr {
                    th scope="col" { "Loss" }
                    @for rate in &rates { th.number scope="col" { (format::setting(*rate)) } }
                }
            }
            tbody {
                @for summary in &results.summaries {
                    tr {
                        (parts::loss_head(summary.loss))
                        @for rate in &rates { (cell(results, summary, *rate)) }
                    }
                }
            }
        },
    )
}

fn cell(results: &Results, summary: &LossSummary, rate: f64) -> Markup {
    let trials: Vec<&TuningRecord> = trials(results, summary.loss, rate).collect();
    let chosen = !trials.is_empty() && rate == summary.learning_rate;
    html! {
        td.number.chosen[chosen] {
            @if trials.is_empty() { (format::MISSING) }
            @for trial in &trials {
                @if let Some(score) = trial.validation {
                    (format::value(score.top1, Metric::Top1))
                    span.under { (format::value(score.nll, Metric::Nll)) }
                } @else {
                    "diverged"
                }
            }
            @if chosen { span.verdict { "chosen" } }
        }
    }
}

fn trials(results: &Results, loss: LossKind, rate: f64) -> impl Iterator<Item = &TuningRecord> {
    results.tuning.iter().filter(move |trial| trial.loss == loss && trial.learning_rate == rate)
}
