//! Settings of the candidates beyond the batch, or in its place.

use serde::{Deserialize, Serialize};

use super::CandidateError;

/// Largest number of candidates beyond the batch.
pub const MOST_CANDIDATES: usize = 65_536;

/// Source of the candidates besides the batch's own targets, or in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", from = "Read")]
pub enum CandidateConfig {
    /// No further candidates.
    #[default]
    Batch,
    /// A queue of the targets of past batches.
    Queue {
        /// Number of targets kept, 1 to 65,536.
        size: usize,
    },
    /// Draws from the distribution of the training set's (mixed, smoothed) targets.
    Draws {
        /// Number of targets drawn for each batch, 1 to 65,536.
        count: usize,
    },
    /// The classes in place of the batch's targets: cross-entropy in the limit, for targets that are distributions to be
    /// matched.
    Classes {
        /// Number of classes drawn for each batch from the noise distribution, 1 to 65,536; `None`: all classes, each
        /// weighted by its noise probability.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<usize>,
    },
}

/// The same for reading: serde would accept unknown fields in a variant without braces.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum Read {
    Batch {},
    Queue { size: usize },
    Draws { count: usize },
    Classes { count: Option<usize> },
}

impl From<Read> for CandidateConfig {
    fn from(read: Read) -> Self {
        match read {
            Read::Batch {} => CandidateConfig::Batch,
            Read::Queue { size } => CandidateConfig::Queue { size },
            Read::Draws { count } => CandidateConfig::Draws { count },
            Read::Classes { count } => CandidateConfig::Classes { count },
        }
    }
}

impl CandidateConfig {
    /// Checks the number of candidates.
    ///
    /// # Errors
    /// [`CandidateError::Size`] for 0 or more than [`MOST_CANDIDATES`].
    pub fn check(&self) -> Result<(), CandidateError> {
        let (argument, value) = match *self {
            CandidateConfig::Batch | CandidateConfig::Classes { count: None } => return Ok(()),
            CandidateConfig::Queue { size } => ("candidates.size", size),
            CandidateConfig::Draws { count } | CandidateConfig::Classes { count: Some(count) } => {
                ("candidates.count", count)
            }
        };
        if !(1..=MOST_CANDIDATES).contains(&value) {
            return Err(CandidateError::Size { argument, value, most: MOST_CANDIDATES });
        }
        Ok(())
    }

    /// Whether there are other candidates than the batch's own targets.
    pub fn beyond_batch(&self) -> bool {
        !matches!(self, CandidateConfig::Batch)
    }
}
