//! Compact rows: a uniform share plus a few weighted classes.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, CowArray, Ix1, Ix2};
use num_traits::PrimInt;

use super::{Rows, SIMPLEX_TOLERANCE, Targets, check_classes, class_index};
use crate::Error;
use crate::shared::Shared;

/// `W_j = uniform_j / d + sum_k weights_jk e_(classes_jk)`; a class may stand twice in a row.
#[derive(Debug, Clone)]
pub(crate) struct Compact<'a> {
    pub(crate) uniform: Shared<'a, f64, Ix1>,
    pub(crate) classes: Shared<'a, u32, Ix2>,
    pub(crate) weights: Shared<'a, f64, Ix2>,
}

impl Compact<'_> {
    pub(crate) fn len(&self) -> usize {
        self.uniform.len()
    }

    /// The weighted classes of a row.
    pub(crate) fn terms(&self, row: usize) -> impl Iterator<Item = (usize, f64)> {
        let terms = 0..self.classes.ncols();
        terms.map(move |k| (self.classes[[row, k]] as usize, self.weights[[row, k]]))
    }

    pub(crate) fn view(&self) -> Compact<'_> {
        Compact {
            uniform: CowArray::from(self.uniform.view()),
            classes: CowArray::from(self.classes.view()),
            weights: CowArray::from(self.weights.view()),
        }
    }

    /// Every row on the simplex: its total 1, none of its classes below 0.
    fn check(&self, classes: usize) -> Result<(), Error> {
        for row in 0..self.len() {
            let uniform = self.uniform[row];
            if !uniform.is_finite() {
                return Err(Error::NonFinite { argument: "uniform", index: vec![row], value: uniform });
            }
            let floor = uniform / classes as f64;
            let mut sum = uniform;
            for (k, (class, weight)) in self.terms(row).enumerate() {
                if !weight.is_finite() {
                    return Err(Error::NonFinite { argument: "weights", index: vec![row, k], value: weight });
                }
                sum += weight;
                // A class listed twice counts with all its weights.
                let total: f64 = self.terms(row).filter(|&(c, _)| c == class).map(|(_, w)| w).sum();
                if floor + total < -SIMPLEX_TOLERANCE / classes as f64 {
                    return Err(Error::NegativeTarget { row, class, value: floor + total });
                }
            }
            if uniform < 0.0 {
                return Err(Error::Setting { argument: "uniform", value: uniform, expected: "a share from 0 to 1" });
            }
            if (sum - 1.0).abs() > SIMPLEX_TOLERANCE {
                return Err(Error::OffSimplex { row, sum, tolerance: SIMPLEX_TOLERANCE });
            }
        }
        Ok(())
    }
}

impl<'a> Targets<'a> {
    /// Rows of the form `uniform_j / d + sum_k weights_jk e_(classes_jk)`.
    ///
    /// A weight may be negative as long as its class's total is not: that is how a class below the uniform share is
    /// written. A class may stand twice in a row. Rows with fewer terms than K are filled with weight 0.
    ///
    /// # Shapes
    /// `uniform`: `[M]`, the share spread over all classes; `classes`, `weights`: `[M, K]`; `num_classes`: d.
    ///
    /// # Errors
    /// Shapes that do not agree; no rows; a class out of range; an entry that is not finite; a class with a total
    /// below 0; a row that does not sum to 1 within [`SIMPLEX_TOLERANCE`].
    pub fn compact<'l, L: PrimInt + 'l>(
        uniform: impl Into<ArrayView1<'l, f64>>,
        classes: impl Into<ArrayView2<'l, L>>,
        weights: impl Into<ArrayView2<'l, f64>>,
        num_classes: usize,
    ) -> Result<Targets<'a>, Error> {
        let (uniform, classes, weights) = (uniform.into(), classes.into(), weights.into());
        check_classes(num_classes)?;
        let rows = uniform.len();
        if rows == 0 {
            return Err(Error::Empty { argument: "uniform", found: vec![0] });
        }
        if classes.nrows() != rows {
            let found = classes.shape().to_vec();
            return Err(Error::Shape { argument: "classes", found, expected: format!("[{rows}, K]") });
        }
        if weights.dim() != classes.dim() {
            let (found, expected) = (weights.shape().to_vec(), format!("{:?}, as classes", classes.shape()));
            return Err(Error::Shape { argument: "weights", found, expected });
        }
        let mut indices = Array2::zeros(classes.dim());
        for ((row, k), &label) in classes.indexed_iter() {
            indices[[row, k]] = class_index("classes", row, label, num_classes)?;
        }
        Targets::from_compact(num_classes, uniform.to_owned(), indices, weights.to_owned())
    }

    /// The same for arrays that are owned and whose indices are in range.
    pub(super) fn from_compact(
        num_classes: usize,
        uniform: Array1<f64>,
        classes: Array2<u32>,
        weights: Array2<f64>,
    ) -> Result<Targets<'a>, Error> {
        let rows = Compact { uniform: uniform.into(), classes: classes.into(), weights: weights.into() };
        rows.check(num_classes)?;
        Ok(Targets { classes: num_classes, rows: Rows::Compact(rows) })
    }
}
