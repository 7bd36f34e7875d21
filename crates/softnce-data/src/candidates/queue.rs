//! Targets of past batches.

use serde::{Deserialize, Serialize};
use softnce::Targets;

use super::{CandidateError, MOST_CANDIDATES, QueueRows};

/// The last targets seen, up to a fixed number, in the cheapest form that holds them.
///
/// ```
/// use softnce::Targets;
/// use softnce_data::candidates::TargetQueue;
///
/// let mut queue = TargetQueue::new(3, 10)?;
/// assert!(queue.as_targets()?.is_none());
/// queue.push(&Targets::hard(&[1, 2], 10)?)?;
/// queue.push(&Targets::hard(&[3, 4], 10)?)?;
/// // The oldest is gone.
/// assert_eq!(queue.as_targets()?.unwrap().labels().unwrap().to_vec(), [2, 3, 4]);
/// # Ok::<(), softnce_data::candidates::CandidateError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TargetQueue {
    size: usize,
    classes: usize,
    rows: QueueRows,
}

/// All that a queue holds, to be kept in a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueState {
    /// Rows kept at most.
    pub size: usize,
    /// Number of classes.
    pub classes: usize,
    /// The rows, the oldest first.
    pub rows: QueueRows,
}

impl TargetQueue {
    /// An empty queue for so many rows.
    ///
    /// # Errors
    /// A size of 0 or above [`MOST_CANDIDATES`]; no classes.
    pub fn new(size: usize, classes: usize) -> Result<Self, CandidateError> {
        if !(1..=MOST_CANDIDATES).contains(&size) {
            return Err(CandidateError::Size { argument: "queue size", value: size, most: MOST_CANDIDATES });
        }
        if classes == 0 {
            return Err(CandidateError::Classes { found: 0, expected: 1 });
        }
        Ok(TargetQueue { size, classes, rows: QueueRows::Hard { labels: Vec::new() } })
    }

    /// Number of rows in it.
    pub fn len(&self) -> usize {
        self.rows.len(self.classes)
    }

    /// Whether there are none yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the targets of a batch; the oldest rows beyond the size are dropped.
    ///
    /// # Errors
    /// Another number of classes.
    pub fn push(&mut self, targets: &Targets<'_>) -> Result<(), CandidateError> {
        if targets.classes() != self.classes {
            return Err(CandidateError::Classes { found: targets.classes(), expected: self.classes });
        }
        self.rows.append(targets)?;
        self.rows.drop_oldest(self.len().saturating_sub(self.size), self.classes);
        Ok(())
    }

    /// The rows, the oldest first; `None` while there are none.
    ///
    /// # Errors
    /// Rows that are no distributions: never, after a push or a state that was accepted.
    pub fn as_targets(&self) -> Result<Option<Targets<'_>>, CandidateError> {
        if self.is_empty() { Ok(None) } else { self.rows.targets(self.classes).map(Some) }
    }

    /// What a checkpoint keeps: a queue [made from it](TargetQueue::from_state) goes on as this one would.
    pub fn state(&self) -> QueueState {
        QueueState { size: self.size, classes: self.classes, rows: self.rows.clone() }
    }

    /// A queue as it was.
    ///
    /// # Errors
    /// As [`TargetQueue::new`]; parts that do not go together; more rows than the size; rows that are no distributions.
    pub fn from_state(state: QueueState) -> Result<Self, CandidateError> {
        let empty = TargetQueue::new(state.size, state.classes)?;
        let queue = TargetQueue { rows: state.rows, ..empty };
        let rows = queue.len();
        if let QueueRows::Dense { values } = &queue.rows
            && values.len() != rows * queue.classes
        {
            let expected = format!("a multiple of {}", queue.classes);
            return Err(CandidateError::State { argument: "values", found: values.len(), expected });
        }
        if rows > queue.size {
            let expected = format!("at most {}", queue.size);
            return Err(CandidateError::State { argument: "rows", found: rows, expected });
        }
        queue.as_targets()?;
        Ok(queue)
    }
}
