//! What is measured of a training over many classes.

use serde::{Deserialize, Serialize};
use softnce_classes::results::Evaluation;

/// Something measured at the end of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassesMeasure {
    /// `exp` of the negative log likelihood over all classes.
    Perplexity,
    /// Negative log likelihood over all classes, in nats.
    Nll,
    /// Share of the rows whose most probable class is right, in %.
    Top1,
    /// Divergence from the true posterior, in nats, for generated rows.
    Divergence,
    /// Milliseconds of a step.
    StepTime,
    /// Seconds of training, without evaluations and checkpoints.
    Seconds,
}

impl ClassesMeasure {
    /// All, in the order of the tables.
    pub const ALL: [ClassesMeasure; 6] = [
        ClassesMeasure::Perplexity,
        ClassesMeasure::Nll,
        ClassesMeasure::Top1,
        ClassesMeasure::Divergence,
        ClassesMeasure::StepTime,
        ClassesMeasure::Seconds,
    ];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            ClassesMeasure::Perplexity => "perplexity",
            ClassesMeasure::Nll => "nll",
            ClassesMeasure::Top1 => "top1",
            ClassesMeasure::Divergence => "divergence",
            ClassesMeasure::StepTime => "step_ms",
            ClassesMeasure::Seconds => "seconds",
        }
    }

    /// The head of its column.
    pub fn label(self) -> &'static str {
        match self {
            ClassesMeasure::Perplexity => "perplexity",
            ClassesMeasure::Nll => "NLL, nats",
            ClassesMeasure::Top1 => "top-1, %",
            ClassesMeasure::Divergence => "divergence, nats",
            ClassesMeasure::StepTime => "step, ms",
            ClassesMeasure::Seconds => "seconds",
        }
    }

    /// Decimals shown.
    pub fn decimals(self) -> usize {
        match self {
            ClassesMeasure::Perplexity | ClassesMeasure::StepTime => 1,
            ClassesMeasure::Nll | ClassesMeasure::Divergence => 3,
            ClassesMeasure::Top1 => 2,
            ClassesMeasure::Seconds => 0,
        }
    }

    /// Whether it depends on the machine and on its other work.
    pub(crate) fn is_time(self) -> bool {
        matches!(self, ClassesMeasure::StepTime | ClassesMeasure::Seconds)
    }

    /// Its value; `None` where the rows have none, and for a perplexity that overflows, at an NLL of 710 nats.
    pub(crate) fn of(self, evaluation: &Evaluation) -> Option<f64> {
        let value = match self {
            ClassesMeasure::Perplexity => Some(evaluation.perplexity()),
            ClassesMeasure::Nll => Some(evaluation.nll),
            ClassesMeasure::Top1 => {
                let at = evaluation.ranking.at.iter().find(|at| at.k == 1)?;
                Some(100.0 * at.precision)
            }
            ClassesMeasure::Divergence => evaluation.divergence,
            ClassesMeasure::StepTime => Some(1e3 * evaluation.seconds / evaluation.step.max(1) as f64),
            ClassesMeasure::Seconds => Some(evaluation.seconds),
        };
        value.filter(|value| value.is_finite())
    }
}
