//! Targets from compact rows: a uniform share plus a few weighted classes.

use std::collections::HashMap;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use num_traits::PrimInt;

use super::check::{
    CLASS_INDICES, ROUNDING, SIMPLEX_TOLERANCE, check_classes, check_sum, class_index, negative, sums_to_one,
};
use super::compact_rows::Compact;
use super::rows::{Rows, Targets};
use crate::Error;

/// Gives the weights of a class that stands several times in a row to its first place, and 0 to the others.
fn merge_repeated(classes: &[u32], weights: &mut [f64], seen: &mut HashMap<u32, usize>) {
    /// Up to so many classes are compared one by one, which takes less than hashing them.
    const FEW: usize = 16;
    if classes.len() > FEW {
        seen.clear();
    }
    for (k, class) in classes.iter().enumerate() {
        let first = if classes.len() > FEW {
            *seen.entry(*class).or_insert(k)
        } else {
            classes[..k].iter().position(|earlier| earlier == class).unwrap_or(k)
        };
        if first != k {
            weights[first] += std::mem::take(&mut weights[k]);
        }
    }
}

/// Checks a row, then merges a class that stands twice into one entry and divides the row by its sum.
fn accept_row(
    row: usize,
    uniform: &mut f64,
    classes: &[u32],
    weights: &mut [f64],
    num_classes: usize,
    seen: &mut HashMap<u32, usize>,
) -> Result<(), Error> {
    if !uniform.is_finite() {
        return Err(Error::non_finite("uniform", [row], *uniform));
    }
    // Above 1 where listed classes lie below it; no class has more than all of the weight.
    if !(0.0..=num_classes as f64 * (1.0 + SIMPLEX_TOLERANCE)).contains(uniform) {
        let expected = "a share not below 0, and at most 1 for each class";
        return Err(Error::range("uniform", *uniform, expected).at([row]));
    }
    if let Some(k) = weights.iter().position(|weight| !weight.is_finite()) {
        return Err(Error::non_finite("weights", [row, k], weights[k]));
    }
    merge_repeated(classes, weights, seen);
    let floor = *uniform / num_classes as f64;
    for (weight, &class) in weights.iter_mut().zip(classes) {
        let value = floor + *weight;
        if value < 0.0 && value < -SIMPLEX_TOLERANCE / num_classes as f64 {
            return Err(negative(row, class as usize, value));
        }
        // A class as low as the rounding of its floor allows is at 0.
        *weight = weight.max(-floor);
    }
    let sum = *uniform + weights.iter().sum::<f64>();
    check_sum(row, sum, SIMPLEX_TOLERANCE)?;
    // Only where it is more than rounding: shares that are equal in all rows must stay equal, for then they cancel.
    if !sums_to_one(sum, ROUNDING) {
        *uniform /= sum;
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
    Ok(())
}

impl<'a> Targets<'a> {
    /// Rows of the form `uniform_j / d + sum_k weights_jk e_(class_indices_jk)`.
    ///
    /// A weight may be negative as long as its class's total is not: that is how a class below the uniform share is
    /// written. A class may stand twice in a row. Rows with fewer classes than K are filled with weight 0.
    ///
    /// # Shapes
    /// `uniform`: `[M]`, the share spread over all classes; `class_indices`, `weights`: `[M, K]`.
    ///
    /// # Errors
    /// Shapes that do not agree; no rows; a class out of range; an entry that is not finite; a uniform share outside
    /// `[0, d]`; a class with a total below 0; a row that does not sum to 1 within [`SIMPLEX_TOLERANCE`].
    pub fn compact<'l, L: PrimInt + 'l>(
        uniform: impl Into<ArrayView1<'l, f64>>,
        class_indices: impl Into<ArrayView2<'l, L>>,
        weights: impl Into<ArrayView2<'l, f64>>,
        classes: usize,
    ) -> Result<Targets<'a>, Error> {
        let (uniform, listed, weights) = (uniform.into(), class_indices.into(), weights.into());
        check_classes(classes)?;
        let rows = uniform.len();
        if rows == 0 {
            return Err(Error::empty("uniform", &[0]));
        }
        if listed.nrows() != rows {
            return Err(Error::shape(CLASS_INDICES, listed.shape(), format!("[{rows}, K]")));
        }
        if weights.dim() != listed.dim() {
            let expected = format!("{:?}, as the class indices", listed.shape());
            return Err(Error::shape("weights", weights.shape(), expected));
        }
        let entries = listed.ncols().max(1);
        let mut indices = Array2::zeros(listed.dim());
        for (place, (index, &label)) in indices.iter_mut().zip(listed).enumerate() {
            *index = match label.to_usize() {
                Some(class) if class < classes => class as u32,
                _ => class_index(CLASS_INDICES, place / entries, label, classes)?,
            };
        }
        Targets::from_compact(classes, uniform.to_owned(), indices, weights.to_owned())
    }

    /// The same for arrays that are owned and whose indices are in range.
    pub(super) fn from_compact(
        num_classes: usize,
        mut uniform: Array1<f64>,
        classes: Array2<u32>,
        weights: Array2<f64>,
    ) -> Result<Targets<'a>, Error> {
        let (classes, mut weights) = (in_row_order(classes), in_row_order(weights));
        let entries = classes.ncols();
        let (listed, mut weighed) =
            (classes.as_slice().unwrap_or_default(), weights.as_slice_mut().unwrap_or_default());
        let mut seen = HashMap::new();
        for (row, uniform) in uniform.iter_mut().enumerate() {
            let (weights, further) = weighed.split_at_mut(entries);
            weighed = further;
            accept_row(row, uniform, &listed[row * entries..(row + 1) * entries], weights, num_classes, &mut seen)?;
        }
        let rows = Compact { uniform: uniform.into(), classes: classes.into(), weights: weights.into() };
        Ok(Targets { classes: num_classes, rows: Rows::Compact(rows) })
    }
}

/// The rows one after the other, whatever the order of the array they were made from.
fn in_row_order<T: Clone>(rows: Array2<T>) -> Array2<T> {
    if rows.is_standard_layout() { rows } else { rows.as_standard_layout().into_owned() }
}
