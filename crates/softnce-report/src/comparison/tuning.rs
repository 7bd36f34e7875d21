//! The learning-rate grid: every trial, with the choice marked.

use maud::{Markup, html};
use softnce::LossKind;
use softnce_metrics::{NLL, TOP1};

use super::words;
use crate::protocol::TestedEpoch;
use crate::results::{Comparison, TuningRecord};
use crate::{format, loss, page};

/// Rows are losses, columns are learning rates.
pub(crate) fn table(results: &Comparison) -> Markup {
    if results.tuning.is_empty() {
        let rates: Vec<String> = results.plan.learning_rates.iter().map(|&rate| format::setting(rate)).collect();
        return html! { p { "No learning rates were tried: all runs have the learning rate " (format::enumerate(&rates)) "." } };
    }
    let weights = match words::protocol(results).tested_epoch() {
        Some(TestedEpoch::Best) => " of the best epoch",
        Some(TestedEpoch::Last) => " of the last epoch",
        None => "",
    };
    let seeds = match results.plan.tuning_seeds {
        1 => "from one seed that is used for nothing else".to_owned(),
        seeds => format!("means over {seeds} seeds that are used for nothing else"),
    };
    let same = if results.plan.losses.len() > 1 { " All losses have the same rates to choose from." } else { "" };
    let caption = format!(
        "Top-1 accuracy{weights} in % and, below it, its negative log likelihood in nats, {seeds}. Framed: the rate with the \
         best accuracy, which all compared runs of the loss have.{same}"
    );
    let mut rates: Vec<f64> = results.tuning.iter().map(|trial| trial.learning_rate).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    page::table(
        "Trials on the validation pictures.",
        &caption,
        html! {
            (page::head(&["Loss"], rates.iter().map(|rate| format::setting(*rate))))
            tbody {
                @for &loss in &results.plan.losses {
                    tr {
                        (loss::row_head(loss))
                        @for rate in &rates { (cell(results, loss, *rate)) }
                    }
                }
            }
        },
    )
}

fn cell(results: &Comparison, loss: LossKind, rate: f64) -> Markup {
    let tried = trials(results, loss, rate).next().is_some();
    let of_runs = results.summaries.iter().filter(|summary| summary.loss == loss).map(|summary| summary.learning_rate);
    let of_diverged = words::diverged(results, loss).map(|run| run.learning_rate);
    let chosen = tried && of_runs.chain(of_diverged).any(|chosen| chosen == rate);
    html! {
        td.number.chosen[chosen] {
            @if let Some(score) = TuningRecord::mean(trials(results, loss, rate)) {
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
