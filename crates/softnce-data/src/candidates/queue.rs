//! A queue of the targets of past batches.

use serde::{Deserialize, Serialize};
use softnce::Targets;

use super::{CandidateError, MOST_CANDIDATES, QueueRows};

/// The last targets seen, up to a fixed number, in the cheapest form that holds them all.
///
/// ```
/// use softnce::Targets;
/// use softnce_data::candidates::TargetQueue;
///
/// let mut queue = TargetQueue::new(3, 10)?;
/// assert!(queue.as_targets()?.is_none());
/// queue.push(&Targets::hard(&[1, 2], 10)?)?;
/// queue.push(&Targets::hard(&[3, 4], 10)?)?;
/// // The oldest one is dropped.
/// assert_eq!(queue.as_targets()?.unwrap().labels().unwrap().to_vec(), [2, 3, 4]);
/// # Ok::<(), softnce_data::candidates::CandidateError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TargetQueue {
    size: usize,
    classes: usize,
    rows: QueueRows,
}

/// Everything in a queue, for a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueState {
    /// Largest number of rows.
    pub size: usize,
    /// Number of classes.
    pub classes: usize,
    /// The rows, oldest first.
    pub rows: QueueRows,
}

impl TargetQueue {
    /// An empty queue for at most `size` rows.
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

    /// Number of rows in the queue.
    pub fn len(&self) -> usize {
        self.rows.len(self.classes)
    }

    /// Whether the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the targets of a batch; the oldest rows beyond the size are dropped.
    ///
    /// # Errors
    /// [`CandidateError::Classes`] for another number of classes.
    pub fn push(&mut self, targets: &Targets<'_>) -> Result<(), CandidateError> {
        if targets.classes() != self.classes {
            return Err(CandidateError::Classes { found: targets.classes(), expected: self.classes });
        }
        self.rows.append(targets)?;
        self.rows.drop_oldest(self.len().saturating_sub(self.size), self.classes);
        Ok(())
    }

    /// The rows, oldest first; `None` if the queue is empty.
    ///
    /// # Errors
    /// Rows that are not distributions. After an accepted push or state there are none.
    pub fn as_targets(&self) -> Result<Option<Targets<'_>>, CandidateError> {
        if self.is_empty() { Ok(None) } else { self.rows.targets(self.classes).map(Some) }
    }

    /// Largest number of rows.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The rows as they are stored, for a checkpoint. A queue [made from them](TargetQueue::from_state) behaves as this
    /// one.
    pub fn rows(&self) -> &QueueRows {
        &self.rows
    }

    /// A queue from its state.
    ///
    /// # Errors
    /// As [`TargetQueue::new`]; parts that contradict each other; more rows than the size; rows that are not
    /// distributions.
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
