//! What all sources of rows have in common.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use softnce_kernels::parallel::{WAKING, for_each, threads_for};

use super::{DataError, Example};

/// Rows that a thread reads before it looks for others.
const ROWS_OF_A_PART: usize = 64;
/// Rows that are held at a time when all are visited.
const ROWS_AT_ONCE: usize = 2048;
/// Least work to read a row, in vector operations: about a microsecond.
const WORK_OF_A_ROW: usize = 1000;

/// What the inputs of a row are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inputs {
    /// A value for each of these columns.
    Dense {
        /// Number of columns.
        columns: usize,
    },
    /// Some of these inputs, each with a value.
    Sparse {
        /// Number of inputs: their indices lie below it.
        inputs: usize,
    },
}

/// Rows with inputs and weighted labels, each read when it is asked for, from any thread.
pub trait Source: Send + Sync {
    /// Number of rows.
    fn len(&self) -> usize;

    /// Whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the inputs of each row are.
    fn inputs(&self) -> Inputs;

    /// Number of classes d: the classes of each row lie below it.
    fn classes(&self) -> usize;

    /// Replaces `example` with a row, the same one on each call.
    ///
    /// # Errors
    /// A row that does not exist; a file that cannot be read, or whose content has changed.
    fn read(&self, index: usize, example: &mut Example) -> Result<(), DataError>;

    /// The total share of each class over all rows, where the source knows it without reading them. Shape `[d]`.
    fn known_class_mass(&self) -> Option<Vec<f64>> {
        None
    }

    /// The name of a class, where it has one.
    fn class_name(&self, _class: usize) -> Option<&str> {
        None
    }
}

/// What points to a source is one.
macro_rules! forward {
    ($($pointer:ty),+) => {$(
        impl<S: Source + ?Sized> Source for $pointer {
            fn len(&self) -> usize {
                (**self).len()
            }

            fn inputs(&self) -> Inputs {
                (**self).inputs()
            }

            fn classes(&self) -> usize {
                (**self).classes()
            }

            fn read(&self, index: usize, example: &mut Example) -> Result<(), DataError> {
                (**self).read(index, example)
            }

            fn known_class_mass(&self) -> Option<Vec<f64>> {
                (**self).known_class_mass()
            }

            fn class_name(&self, class: usize) -> Option<&str> {
                (**self).class_name(class)
            }
        }
    )+};
}

forward!(&S, Box<S>, Arc<S>);

/// The total share of each class over all rows of a source: the class counts, for hard labels. Shape `[d]`.
///
/// Reads all rows, unless the source knows it.
///
/// # Errors
/// A row that cannot be read, or with a class that the source does not have.
pub fn class_mass(source: &dyn Source) -> Result<Vec<f64>, DataError> {
    if let Some(known) = source.known_class_mass() {
        return Ok(known);
    }
    Ok(class_totals(source)?.0)
}

/// In how many rows of a source each class is relevant, as propensities are estimated from. Shape `[d]`.
///
/// # Errors
/// A row that cannot be read, or with a class that the source does not have.
pub fn relevant_counts(source: &dyn Source) -> Result<Vec<u64>, DataError> {
    Ok(class_totals(source)?.1)
}

/// The total share of each class and in how many rows it is relevant, in one pass over all rows: files of text are parsed
/// once. Rows are added in their order, so that the sums have the same bits on any number of threads. Shapes `[d]`.
///
/// # Errors
/// A row that cannot be read, or with a class that the source does not have.
pub(crate) fn class_totals(source: &dyn Source) -> Result<(Vec<f64>, Vec<u64>), DataError> {
    let (mut mass, mut counts) = (vec![0.0; source.classes()], vec![0; source.classes()]);
    let mut examples = vec![Example::default(); ROWS_AT_ONCE];
    for start in (0..source.len()).step_by(ROWS_AT_ONCE) {
        let examples = &mut examples[..ROWS_AT_ONCE.min(source.len() - start)];
        read_all(examples, |place, example| {
            source.read(start + place, example)?;
            example.check_classes(start + place, source.classes())
        })?;
        for example in examples {
            let shares = example.classes.iter().zip(&example.weights);
            shares.for_each(|(&class, weight)| mass[class as usize] += weight);
            example.relevant.iter().for_each(|&class| counts[class as usize] += 1);
        }
    }
    Ok((mass, counts))
}

/// Reads examples on several threads: `read` takes the place of each.
///
/// # Errors
/// That of the first example that cannot be read.
pub(super) fn read_all(
    examples: &mut [Example],
    read: impl Fn(usize, &mut Example) -> Result<(), DataError> + Sync,
) -> Result<(), DataError> {
    let threads = threads_for(examples.len() * WORK_OF_A_ROW, WAKING, examples.len().div_ceil(ROWS_OF_A_PART));
    let parts = examples.chunks_mut(ROWS_OF_A_PART).enumerate();
    for_each(
        threads,
        parts,
        || (),
        |(), (part, examples)| {
            let mut places = (part * ROWS_OF_A_PART..).zip(examples);
            places.try_for_each(|(place, example)| read(place, example))
        },
    )
}

/// Some rows of a source, in the given order: those of a split, or those that have labels.
#[derive(Debug, Clone)]
pub struct Subset<S> {
    source: S,
    rows: Vec<u32>,
}

impl<S: Source> Subset<S> {
    /// These rows; a row may stand several times.
    ///
    /// # Errors
    /// A row that the source does not have.
    pub fn new(source: S, rows: Vec<u32>) -> Result<Self, DataError> {
        match rows.iter().find(|&&row| row as usize >= source.len()) {
            Some(&row) => Err(DataError::Index { index: row as usize, rows: source.len() }),
            None => Ok(Subset { source, rows }),
        }
    }

    /// The rows that have labels, which alone can be targets of a loss. Reads all rows.
    ///
    /// # Errors
    /// A row that cannot be read; more rows than are counted in 32 bits.
    pub fn labelled(source: S) -> Result<Self, DataError> {
        let count = u32::try_from(source.len())
            .map_err(|_| DataError::argument("number of rows", source.len(), "a number of 32 bits"))?;
        let (mut rows, mut example) = (Vec::new(), Example::default());
        for row in 0..count {
            source.read(row as usize, &mut example)?;
            if !example.classes.is_empty() {
                rows.push(row);
            }
        }
        Ok(Subset { source, rows })
    }

    /// The rows, as indices of the whole source.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }
}

impl<S: Source> Source for Subset<S> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn inputs(&self) -> Inputs {
        self.source.inputs()
    }

    fn classes(&self) -> usize {
        self.source.classes()
    }

    fn read(&self, index: usize, example: &mut Example) -> Result<(), DataError> {
        DataError::check_index(index, self.rows.len())?;
        self.source.read(self.rows[index] as usize, example)
    }

    fn class_name(&self, class: usize) -> Option<&str> {
        self.source.class_name(class)
    }
}
