//! Sentences and numbers that several parts of the page share, from the recipe and the results.

use softnce::LossKind;

use crate::format;
use crate::protocol::Protocol;
use crate::results::{Comparison, DivergedRun, REFERENCE_LOSS};

/// How the runs were trained and evaluated.
pub(super) fn protocol(results: &Comparison) -> Protocol {
    Protocol::read(&results.recipe)
}

/// Runs of a loss that diverged.
pub(super) fn diverged(results: &Comparison, loss: LossKind) -> impl Iterator<Item = &DivergedRun> {
    results.diverged.iter().filter(move |run| run.loss == loss)
}

/// Seeds of a loss that have results.
pub(super) fn finished_seeds(results: &Comparison, loss: LossKind) -> usize {
    results.summaries.iter().find(|summary| summary.loss == loss).map_or(0, |summary| summary.seeds)
}

/// Seeds of each loss, those that diverged included.
pub(super) fn seeds(results: &Comparison) -> usize {
    let losses = results.summaries.iter().map(|summary| summary.loss).chain(results.plan.losses.iter().copied());
    losses.map(|loss| finished_seeds(results, loss) + diverged(results, loss).count()).max().unwrap_or(0)
}

/// Seeds that have results both of this loss and of the reference.
pub(super) fn paired_seeds(results: &Comparison, loss: LossKind) -> usize {
    let of = |wanted: LossKind| results.runs.iter().filter(move |run| run.loss == wanted).map(|run| run.seed);
    of(loss).filter(|seed| of(REFERENCE_LOSS).any(|other| other == *seed)).count()
}

/// The pictures of the learning curves: `validation`, or `test` if none were held out.
pub(super) fn curve_part(results: &Comparison) -> &'static str {
    if results.setting.validation > 0 { "validation" } else { "test" }
}

/// What was trained and tested, in three sentences.
pub(super) fn lead(results: &Comparison) -> String {
    let (setting, protocol) = (&results.setting, protocol(results));
    let number = results.plan.losses.len().max(results.summaries.len());
    let losses = format::plural(number, "loss", "losses");
    let each = if number > 1 { ", each" } else { "," };
    let at_most = if protocol.early_stop().is_some() { "at most " } else { "" };
    let stop = protocol.early_stop().map_or_else(String::new, |stop| format!(", {stop},"));
    let mut text = format!(
        "{losses}{each} trained from {} for {at_most}{}{stop} on {} of {}",
        format::plural(seeds(results), "seed", "seeds"),
        format::plural(results.plan.epochs, "epoch", "epochs"),
        format::plural(setting.train, "picture", "pictures"),
        format::plural(setting.classes, "class", "classes"),
    );
    if number > 1 {
        text.push_str(", with the same network and optimiser");
    }
    if !results.tuning.is_empty() {
        let (whose, chosen) = if number > 1 { ("each loss", " from the same grid") } else { ("the loss", "") };
        let validation = format::plural(setting.validation, "validation picture", "validation pictures");
        text.push_str(&format!(". The learning rate of {whose} was chosen{chosen} on {validation}"));
    }
    let test = format::plural(setting.test, "test picture", "test pictures");
    let weights = protocol.tested_in_words().map_or_else(String::new, |words| format!(", {words}"));
    text.push_str(&match setting.validation {
        0 => format!(
            ". The metrics below were computed on {test}{weights}. No pictures were held out for validation: the \
             learning curves are of the test pictures."
        ),
        _ => format!(". The metrics below were computed once, on {test}{weights}."),
    });
    text
}
