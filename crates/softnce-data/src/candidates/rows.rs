//! The rows of a queue in the cheapest form that holds them all.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use softnce::{Form, Targets};

use super::CandidateError;

/// Rows of targets as plain vectors, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "kebab-case", deny_unknown_fields)]
pub enum QueueRows {
    /// One class per row.
    Hard {
        /// `[rows]`.
        labels: Vec<u32>,
    },
    /// A uniform share and a few weighted classes per row.
    Compact {
        /// Weighted classes per row.
        terms: usize,
        /// `[rows]`.
        uniform: Vec<f64>,
        /// `[rows, terms]`.
        classes: Vec<u32>,
        /// `[rows, terms]`.
        weights: Vec<f64>,
    },
    /// One weight per row and class.
    Dense {
        /// `[rows, classes]`.
        values: Vec<f32>,
    },
}

impl QueueRows {
    /// Number of rows.
    pub(super) fn len(&self, classes: usize) -> usize {
        match self {
            QueueRows::Hard { labels } => labels.len(),
            QueueRows::Compact { uniform, .. } => uniform.len(),
            QueueRows::Dense { values } => values.len() / classes.max(1),
        }
    }

    /// Appends targets of the same number of classes; the rows take the cheapest form that holds both.
    pub(super) fn append(&mut self, targets: &Targets<'_>) -> Result<(), CandidateError> {
        let classes = targets.classes();
        let new = QueueRows::of(targets)?;
        if self.len(classes) == 0 {
            *self = new;
            return Ok(());
        }
        match (&*self, targets.form()) {
            (QueueRows::Hard { .. }, Form::Compact) => self.make_compact(),
            (QueueRows::Hard { .. } | QueueRows::Compact { .. }, Form::Dense) => self.make_dense(classes)?,
            _ => {}
        }
        match (self, new) {
            (QueueRows::Hard { labels }, QueueRows::Hard { labels: new }) => labels.extend(new),
            (rows @ QueueRows::Compact { .. }, mut new) => {
                new.make_compact();
                let most = rows.terms().max(new.terms());
                rows.widen(most);
                new.widen(most);
                if let (
                    QueueRows::Compact { uniform, classes, weights, .. },
                    QueueRows::Compact { uniform: new_uniform, classes: new_classes, weights: new_weights, .. },
                ) = (rows, new)
                {
                    uniform.extend(new_uniform);
                    classes.extend(new_classes);
                    weights.extend(new_weights);
                }
            }
            (QueueRows::Dense { values }, mut new) => {
                new.make_dense(classes)?;
                if let QueueRows::Dense { values: new } = new {
                    values.extend(new);
                }
            }
            // The match above made these rows compact or dense.
            (QueueRows::Hard { .. }, _) => {}
        }
        Ok(())
    }

    /// Drops the oldest rows.
    pub(super) fn drop_oldest(&mut self, rows: usize, num_classes: usize) {
        match self {
            QueueRows::Hard { labels } => drop(labels.drain(..rows)),
            QueueRows::Compact { terms, uniform, classes, weights } => {
                uniform.drain(..rows);
                classes.drain(..rows * *terms);
                weights.drain(..rows * *terms);
            }
            QueueRows::Dense { values } => drop(values.drain(..rows * num_classes)),
        }
    }

    /// The rows as targets.
    pub(super) fn targets(&self, num_classes: usize) -> Result<Targets<'_>, CandidateError> {
        let rows = self.len(num_classes);
        Ok(match self {
            QueueRows::Hard { labels } => Targets::hard(labels, num_classes)?,
            QueueRows::Compact { terms, uniform, classes, weights } => {
                let shape = (rows, *terms);
                let classes = matrix("classes", classes, shape)?;
                Targets::compact(uniform, classes, matrix("weights", weights, shape)?, num_classes)?
            }
            QueueRows::Dense { values } => Targets::dense_as_is(matrix("values", values, (rows, num_classes))?)?,
        })
    }

    fn of(targets: &Targets<'_>) -> Result<Self, CandidateError> {
        if let Some(labels) = targets.labels() {
            return Ok(QueueRows::Hard { labels: labels.to_vec() });
        }
        if let Some((uniform, classes, weights)) = targets.compact_parts() {
            return Ok(QueueRows::Compact {
                terms: classes.ncols(),
                uniform: uniform.to_vec(),
                classes: classes.iter().copied().collect(),
                weights: weights.iter().copied().collect(),
            });
        }
        Ok(QueueRows::Dense { values: targets.to_dense()?.into_iter().map(|value| value as f32).collect() })
    }

    fn terms(&self) -> usize {
        if let QueueRows::Compact { terms, .. } = self { *terms } else { 1 }
    }

    fn make_compact(&mut self) {
        if let QueueRows::Hard { labels } = self {
            let rows = labels.len();
            let classes = std::mem::take(labels);
            *self = QueueRows::Compact { terms: 1, uniform: vec![0.0; rows], classes, weights: vec![1.0; rows] };
        }
    }

    fn make_dense(&mut self, classes: usize) -> Result<(), CandidateError> {
        if !matches!(self, QueueRows::Dense { .. }) {
            let dense = self.targets(classes)?.to_dense()?;
            *self = QueueRows::Dense { values: dense.into_iter().map(|value| value as f32).collect() };
        }
        Ok(())
    }

    /// Makes room for `most` weighted classes per row; the new ones have weight 0.
    fn widen(&mut self, most: usize) {
        let QueueRows::Compact { terms, uniform, classes, weights } = self else { return };
        if most > *terms {
            *classes = widened(classes, uniform.len(), *terms, most);
            *weights = widened(weights, uniform.len(), *terms, most);
            *terms = most;
        }
    }
}

fn widened<T: Copy + Default>(values: &[T], rows: usize, terms: usize, most: usize) -> Vec<T> {
    let mut wide = vec![T::default(); rows * most];
    for (row, wide) in wide.chunks_exact_mut(most).enumerate() {
        wide[..terms].copy_from_slice(&values[row * terms..(row + 1) * terms]);
    }
    wide
}

fn matrix<'v, T>(
    argument: &'static str,
    values: &'v [T],
    (rows, columns): (usize, usize),
) -> Result<ArrayView2<'v, T>, CandidateError> {
    ArrayView2::from_shape((rows, columns), values).map_err(|_| CandidateError::State {
        argument,
        found: values.len(),
        expected: format!("{rows} x {columns}"),
    })
}
