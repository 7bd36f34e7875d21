//! What the report of a comparison is made from, whichever program ran it.

use serde::{Deserialize, Serialize};
use softnce::LossKind;

use crate::compare::{DivergedRun, LossSummary, RunRecord, Setting, TuningRecord};

/// Several losses at equal budgets, on any data and network: everything that the page, the tables and the spreadsheet
/// show. [`crate::compare::summarise_runs`] makes the summaries from the runs; those of recipes come from
/// [`RunReport::record`](super::run::RunReport::record).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Title of the page.
    pub title: String,
    /// Version of softnce that ran it.
    pub version: String,
    /// What was trained on what.
    pub setting: Setting,
    /// What was asked for.
    pub plan: Plan,
    /// The recipe in TOML, every setting as it was used; the losses and the seeds go over those in it.
    pub recipe: String,
    /// The command that runs it again, from the source of that version.
    pub command: String,
    /// Every trial of the learning-rate grid; empty where each loss was given its rate.
    pub tuning: Vec<TuningRecord>,
    /// Every run that came to its end, loss by loss.
    pub runs: Vec<RunRecord>,
    /// Every run that did not.
    pub diverged: Vec<DivergedRun>,
    /// One entry a loss that has a run, in the order of the plan.
    pub summaries: Vec<LossSummary>,
}

/// The budget that every loss was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The losses, in report order.
    pub losses: Vec<LossKind>,
    /// Passes over the training split.
    pub epochs: usize,
    /// Learning rates tried on the validation split, the same for every loss.
    pub learning_rates: Vec<f64>,
    /// Seeds that each learning rate was tried with.
    pub tuning_seeds: u64,
}
