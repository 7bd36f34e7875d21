//! How the losses of the rows become one value.

use ndarray::{Array1, ArrayView1};

use crate::{Accum, Batch, Error, ErrorKind};

/// How the losses of the rows are put together.
///
/// Its names are `none`, `mean` and `sum`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, strum::Display, strum::EnumString)]
#[strum(serialize_all = "lowercase", parse_err_ty = Error, parse_err_fn = unknown_name)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Reduction {
    /// One loss a row: `w_i L_i`.
    None,
    /// The weighted mean over rows: `sum w_i L_i / sum w_i`.
    #[default]
    Mean,
    /// The weighted sum over rows: `sum w_i L_i`.
    Sum,
}

fn unknown_name(name: &str) -> Error {
    Error::new(ErrorKind::Name, "reduction", format!("{name:?}"), "one of none, mean, sum")
}

/// A loss after its reduction.
#[derive(Debug, Clone, PartialEq)]
pub enum LossValue<A> {
    /// Reduction mean or sum.
    Scalar(A),
    /// Reduction none: one loss a row, shape `[N]`.
    Rows(Array1<A>),
}

impl<A: Copy> LossValue<A> {
    /// The scalar, under reduction mean or sum.
    pub fn scalar(&self) -> Option<A> {
        match self {
            LossValue::Scalar(value) => Some(*value),
            LossValue::Rows(_) => None,
        }
    }

    /// The losses of the rows, under reduction none. Shape `[N]`.
    pub fn rows(&self) -> Option<&Array1<A>> {
        match self {
            LossValue::Scalar(_) => None,
            LossValue::Rows(rows) => Some(rows),
        }
    }
}

impl Reduction {
    /// The factor of each row's loss in the reduced value: `w_i`, or `w_i / sum w` under the mean. Shape `[N]`.
    ///
    /// # Errors
    /// Weights of another length, negative or not finite; weights that are all 0 under the mean.
    pub fn factors(self, rows: usize, weights: Option<ArrayView1<'_, f64>>) -> Result<Vec<f64>, Error> {
        let Some(weights) = weights else {
            let factor = if self == Reduction::Mean { 1.0 / rows as f64 } else { 1.0 };
            return Ok(vec![factor; rows]);
        };
        if weights.len() != rows {
            return Err(Error::shape("row weights", &[weights.len()], format!("[{rows}]")));
        }
        Batch::check_row_weights(weights)?;
        if self != Reduction::Mean {
            return Ok(weights.to_vec());
        }
        // Divided by the largest first, so that neither tiny nor huge weights leave the range of the sum.
        let largest = weights.iter().copied().fold(0.0, f64::max);
        if largest == 0.0 {
            return Err(Error::range("row weights", 0.0, "at least one above 0, for the mean"));
        }
        let total: f64 = weights.iter().map(|w| w / largest).sum();
        Ok(weights.iter().map(|w| w / largest / total).collect())
    }
}

/// Applies the factors; sums in `f64` whatever the type.
pub(crate) fn reduce<A: Accum>(reduction: Reduction, mut losses: Array1<A>, factors: &[f64]) -> LossValue<A> {
    if reduction == Reduction::None {
        losses.iter_mut().zip(factors).for_each(|(loss, &factor)| *loss = A::of(loss.as_f64() * factor));
        LossValue::Rows(losses)
    } else {
        LossValue::Scalar(A::of(losses.iter().zip(factors).map(|(loss, factor)| loss.as_f64() * factor).sum()))
    }
}
