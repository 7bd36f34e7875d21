//! The one error type: what was wrong, with the value that came and what was expected.

use crate::{Form, Instructions, LossKind};

/// Why a loss, a target set or a noise distribution was refused.
///
/// Every variant names the argument, the value or shape that came, and what was expected.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An array has the wrong shape.
    #[error("{argument} has shape {found:?}, expected {expected}")]
    Shape {
        /// Name of the argument.
        argument: &'static str,
        /// Shape that came.
        found: Vec<usize>,
        /// Shape that was expected, in words.
        expected: String,
    },
    /// An array has no rows or no columns.
    #[error("{argument} is empty (shape {found:?}), expected at least one row and one class")]
    Empty {
        /// Name of the argument.
        argument: &'static str,
        /// Shape that came.
        found: Vec<usize>,
    },
    /// There are fewer candidates than rows.
    #[error("{candidates} candidates for {rows} rows of logits, expected at least one candidate per row")]
    TooFewCandidates {
        /// Number of candidates M.
        candidates: usize,
        /// Number of rows N.
        rows: usize,
    },
    /// An entry is NaN or infinite.
    #[error("{argument}{index:?} is {value}, expected a finite number{hint}", hint = finite_hint(argument))]
    NonFinite {
        /// Name of the argument.
        argument: &'static str,
        /// Position of the first such entry.
        index: Vec<usize>,
        /// Value that came.
        value: f64,
    },
    /// A logit less the row's largest, divided by the temperature, leaves the range in which sums over the classes fit
    /// the accumulating type.
    #[error(
        "logits[{row}, {class}] is {logit}: less the row's largest and divided by the temperature {temperature} it \
         leaves the range of {accumulator}"
    )]
    ScoreOverflow {
        /// Row of the logit.
        row: usize,
        /// Class of the logit.
        class: usize,
        /// Value of the logit.
        logit: f64,
        /// Temperature in use.
        temperature: f64,
        /// Type the scores are computed in.
        accumulator: &'static str,
    },
    /// The temperature or its reciprocal is not a finite number above 0, in the type the scores are computed in too.
    #[error(
        "temperature is {value}, expected a finite number above 0 with a finite reciprocal (also in the type of the \
         sums)"
    )]
    Temperature {
        /// Value that came.
        value: f64,
    },
    /// A noise probability (or count with its smoothing) is not a finite number above 0.
    #[error("{argument}[{class}] is {value}, expected a finite number above 0 (smooth the counts of unseen classes)")]
    NoiseProbability {
        /// Name of the argument.
        argument: &'static str,
        /// Class of the entry.
        class: usize,
        /// Value that came.
        value: f64,
    },
    /// The noise probabilities do not sum to 1.
    #[error("noise probabilities sum to {sum}, expected 1 within {tolerance}")]
    NoiseSum {
        /// Sum that came.
        sum: f64,
        /// Tolerance on the sum.
        tolerance: f64,
    },
    /// A target entry is negative.
    #[error("targets[{row}] puts {value} on class {class}, expected a number not below 0")]
    NegativeTarget {
        /// Row of the target.
        row: usize,
        /// Class of the entry.
        class: usize,
        /// Value that came.
        value: f64,
    },
    /// A target row does not sum to 1.
    #[error("targets[{row}] sums to {sum}, expected 1 within {tolerance}")]
    OffSimplex {
        /// Row of the target.
        row: usize,
        /// Sum that came.
        sum: f64,
        /// Tolerance on the sum.
        tolerance: f64,
    },
    /// A row of votes has none to divide by.
    #[error("votes[{row}] sums to {sum}, expected a finite number above 0")]
    Votes {
        /// Row of the votes.
        row: usize,
        /// Sum that came.
        sum: f64,
    },
    /// A class label is not one of the classes.
    #[error("{argument}[{row}] is {label}, expected a class from 0 to {last}", last = *.classes as i128 - 1)]
    Label {
        /// Name of the argument.
        argument: &'static str,
        /// Row of the label.
        row: usize,
        /// Label that came.
        label: i128,
        /// Number of classes.
        classes: usize,
    },
    /// A class stands twice where distinct ones are needed.
    #[error("classes[{row}] lists class {class} twice, expected distinct classes")]
    RepeatedClass {
        /// Row of the label.
        row: usize,
        /// Class that stands twice.
        class: usize,
    },
    /// A row's positive is not one of the candidates.
    #[error("the positive of row {row} is candidate {positive}, expected one from 0 to {last}", last = *.candidates as i128 - 1)]
    Positive {
        /// Row of the logits.
        row: usize,
        /// Candidate it points to.
        positive: usize,
        /// Number of candidates M.
        candidates: usize,
    },
    /// A multiplicity is not a finite number, not below 0, or all of them are 0.
    #[error("multiplicities[{index}] is {value}, expected finite numbers not below 0, one of them above 0")]
    Multiplicity {
        /// Candidate concerned; 0 where all are 0.
        index: usize,
        /// Value that came.
        value: f64,
    },
    /// A row weight is not a finite number, not below 0, or all of them are 0 under the mean.
    #[error("row weights[{row}] is {value}, expected finite numbers not below 0 (under the mean one of them above 0)")]
    RowWeight {
        /// Row concerned; 0 where all are 0.
        row: usize,
        /// Value that came.
        value: f64,
    },
    /// A scalar setting is out of its range.
    #[error("{argument} is {value}, expected {expected}")]
    Setting {
        /// Name of the argument.
        argument: &'static str,
        /// Value that came.
        value: f64,
        /// Range that was expected, in words.
        expected: &'static str,
    },
    /// A size does not fit the type that indexes it.
    #[error("{argument} is {value}, which does not fit the index type (at most {limit})")]
    IndexOverflow {
        /// Name of the argument.
        argument: &'static str,
        /// Value that came.
        value: u128,
        /// Largest value that fits.
        limit: u128,
    },
    /// A hard-target loss was given soft targets.
    #[error("{loss} takes hard labels or one-hot rows, targets came as soft {found} rows; {hint}", hint = hard_hint(*.loss))]
    HardTargetsRequired {
        /// The loss.
        loss: LossKind,
        /// Form that came.
        found: Form,
    },
    /// A loss from a linear head was given dense targets, which weigh every class.
    #[error(
        "the loss of a linear head takes hard or compact targets, targets came as {found} rows; use the loss of the logits"
    )]
    CompactTargetsRequired {
        /// Form that came.
        found: Form,
    },
    /// The candidates of a linear head's loss have uniform shares that differ, so that every class counts.
    #[error(
        "uniform shares of the targets go from {lowest} to {highest}, expected equal ones: the loss of a linear head \
         reads the weighted classes alone"
    )]
    UnequalShares {
        /// The smallest share.
        lowest: f64,
        /// The largest share.
        highest: f64,
    },
    /// A loss that is not contrastive needs the logits of every class.
    #[error("{loss} needs the logits of every class, expected a contrastive loss for a linear head")]
    NoHeadLoss {
        /// The loss.
        loss: LossKind,
    },
    /// This CPU does not have the requested vector instructions.
    #[error("instructions {found} are not available on this CPU, expected one of {list}", list = listed(.available))]
    Instructions {
        /// Set that was asked for.
        found: Instructions,
        /// Sets that the machine has.
        available: Vec<Instructions>,
    },
    /// No loss has this name.
    #[error("unknown loss {name:?}, expected one of {known}", known = known_losses())]
    UnknownLoss {
        /// Name that came.
        name: String,
    },
}

fn finite_hint(argument: &str) -> &'static str {
    // Masking with -inf is the usual way to get here; the loss weighs every class, and 0 times infinity is NaN.
    if argument == "logits" { " (to mask a class use a large negative number such as -1e4)" } else { "" }
}

fn hard_hint(loss: LossKind) -> &'static str {
    if loss.draws_classes() { "draw classes from them first (ClassDraws)" } else { "use its soft-target form" }
}

fn listed(sets: &[Instructions]) -> String {
    sets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn known_losses() -> String {
    LossKind::ALL.map(LossKind::name).join(", ")
}
