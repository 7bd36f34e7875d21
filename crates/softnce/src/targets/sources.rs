//! Constructors of compact targets: label smoothing, MixUp and CutMix, the k largest probabilities of a teacher.

use std::collections::HashSet;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use num_traits::PrimInt;

use super::check::{CLASS_INDICES, SIMPLEX_TOLERANCE, check_classes, check_sum, class_index, negative};
use super::rows::Targets;
use crate::{Error, ErrorKind};

impl<'a> Targets<'a> {
    /// Label smoothing: `(1 - smoothing) e_label + smoothing / d` (Szegedy et al., arXiv 1512.00567).
    ///
    /// With the same smoothing in every row, soft target InfoNCE sees a temperature, not a regulariser: its scores
    /// are scaled by `1 - smoothing`.
    ///
    /// # Shapes
    /// `labels`: `[M]`.
    ///
    /// # Errors
    /// As [`Targets::hard`]; a smoothing outside `[0, 1]`.
    pub fn smoothed<'l, L: PrimInt + 'l>(
        labels: impl Into<ArrayView1<'l, L>>,
        classes: usize,
        smoothing: f64,
    ) -> Result<Targets<'a>, Error> {
        check_classes(classes)?;
        check_share("smoothing", smoothing)?;
        let indices = column("labels", labels.into(), classes)?;
        let weights = Array2::from_elem(indices.dim(), 1.0 - smoothing);
        Targets::from_compact(classes, Array1::from_elem(indices.nrows(), smoothing), indices, weights)
    }

    /// Two classes mixed: `(1 - smoothing) (lambda_j e_first_j + (1 - lambda_j) e_second_j) + smoothing / d`.
    ///
    /// MixUp (Zhang et al., arXiv 1710.09412) and CutMix (Yun et al., arXiv 1905.04899), where lambda is the share of
    /// the first picture: for CutMix the area that really remains of it. Give every row a lambda of its own: with one
    /// for the whole batch and only that batch as candidates the loss may have no finite optimum
    /// ([`Warning::SharedMixingWeight`](crate::Warning::SharedMixingWeight)).
    ///
    /// # Shapes
    /// `first`, `second`, `lambda`: `[M]`.
    ///
    /// # Errors
    /// Lengths that differ; no rows; a label out of range; a lambda or a smoothing outside `[0, 1]`.
    #[doc(alias = "mixup")]
    #[doc(alias = "cutmix")]
    pub fn mixed<'l, L: PrimInt + 'l>(
        first: impl Into<ArrayView1<'l, L>>,
        second: impl Into<ArrayView1<'l, L>>,
        lambda: impl Into<ArrayView1<'l, f64>>,
        classes: usize,
        smoothing: f64,
    ) -> Result<Targets<'a>, Error> {
        let lambda = lambda.into();
        check_classes(classes)?;
        check_share("smoothing", smoothing)?;
        let (first, second) = (column("first", first.into(), classes)?, column("second", second.into(), classes)?);
        let rows = first.nrows();
        for (argument, len) in [("second", second.nrows()), ("lambda", lambda.len())] {
            if len != rows {
                return Err(Error::shape(argument, &[len], format!("[{rows}], as first")));
            }
        }
        let mut indices = Array2::zeros((rows, 2));
        let mut weights = Array2::zeros((rows, 2));
        for (row, &lambda) in lambda.iter().enumerate() {
            check_share("lambda", lambda)?;
            indices[[row, 0]] = first[[row, 0]];
            indices[[row, 1]] = second[[row, 0]];
            weights[[row, 0]] = (1.0 - smoothing) * lambda;
            weights[[row, 1]] = (1.0 - smoothing) * (1.0 - lambda);
        }
        Targets::from_compact(classes, Array1::from_elem(rows, smoothing), indices, weights)
    }

    /// A teacher's k most probable classes, the rest of its probability spread evenly over the other classes.
    ///
    /// # Shapes
    /// `class_indices`, `probabilities`: `[M, K]`, K at most `classes`, the indices of a row distinct.
    ///
    /// # Errors
    /// Shapes that do not agree; no rows; a class out of range or twice in a row; a probability that is negative or
    /// not finite; a row that sums to more than 1, or, where it lists every class, to less.
    pub fn top_k<'l, L: PrimInt + 'l>(
        class_indices: impl Into<ArrayView2<'l, L>>,
        probabilities: impl Into<ArrayView2<'l, f64>>,
        classes: usize,
    ) -> Result<Targets<'a>, Error> {
        let (listed, probabilities) = (class_indices.into(), probabilities.into());
        check_classes(classes)?;
        if probabilities.dim() != listed.dim() {
            let expected = format!("{:?}, as the class indices", listed.shape());
            return Err(Error::shape("probabilities", probabilities.shape(), expected));
        }
        let (rows, k) = listed.dim();
        if rows == 0 {
            return Err(Error::empty(CLASS_INDICES, &[rows, k]));
        }
        if k > classes {
            let expected = format!("[{rows}, K] with K at most {classes} distinct classes");
            return Err(Error::shape(CLASS_INDICES, &[rows, k], expected));
        }
        let mut uniform = Array1::zeros(rows);
        let mut weights = probabilities.to_owned();
        let mut seen = HashSet::with_capacity(k);
        for (row, mut values) in weights.outer_iter_mut().enumerate() {
            seen.clear();
            for (rank, (&value, &label)) in values.iter().zip(listed.row(row)).enumerate() {
                let class = class_index(CLASS_INDICES, row, label, classes)? as usize;
                if !value.is_finite() {
                    return Err(Error::non_finite("probabilities", [row, rank], value));
                }
                if value < 0.0 {
                    return Err(negative(row, class, value).of_argument("probabilities").at([row, rank]));
                }
                if !seen.insert(class) {
                    let found = format!("class {class} twice");
                    return Err(Error::new(ErrorKind::Index, CLASS_INDICES, found, "distinct classes").at([row, rank]));
                }
            }
            let sum = values.sum();
            // A sum below 1 leaves the rest to the classes that are not listed, if there are any.
            let leaves_a_rest = k < classes && sum <= 1.0;
            if !leaves_a_rest {
                check_sum(row, sum, SIMPLEX_TOLERANCE).map_err(|error| error.of_argument("probabilities"))?;
            }
            if k < classes {
                let rest = (1.0 - sum).max(0.0);
                // The uniform share covers every class, so the listed ones give back what it puts on them.
                let floor = rest / (classes - k) as f64;
                uniform[row] = floor * classes as f64;
                values -= floor;
            }
        }
        Targets::compact(&uniform, listed, &weights, classes)
    }
}

/// Labels as the one column of a compact row's classes.
fn column<L: PrimInt>(argument: &'static str, labels: ArrayView1<'_, L>, classes: usize) -> Result<Array2<u32>, Error> {
    if labels.is_empty() {
        return Err(Error::empty(argument, &[0]));
    }
    let mut indices = Array2::zeros((labels.len(), 1));
    for (row, &label) in labels.iter().enumerate() {
        indices[[row, 0]] = class_index(argument, row, label, classes)?;
    }
    Ok(indices)
}

fn check_share(argument: &'static str, value: f64) -> Result<(), Error> {
    if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(Error::range(argument, value, "a share from 0 to 1")) }
}
