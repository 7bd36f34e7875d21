//! Hard labels: all of a row's weight on one class.

use ndarray::{ArrayView1, CowArray};
use num_traits::PrimInt;

use super::check::{check_classes, class_index};
use super::rows::{Rows, Targets};
use crate::Error;

impl<'a> Targets<'a> {
    /// Class labels.
    ///
    /// # Shapes
    /// `labels`: `[M]`, of any integer type.
    ///
    /// # Errors
    /// No labels or no classes; a label that is negative or not below `classes`; more classes than 32 bits index.
    pub fn hard<'l, L: PrimInt + 'l>(
        labels: impl Into<ArrayView1<'l, L>>,
        classes: usize,
    ) -> Result<Targets<'a>, Error> {
        let labels = labels.into();
        check_classes(classes)?;
        if labels.is_empty() {
            return Err(Error::empty("labels", &[0]));
        }
        let labels = labels
            .iter()
            .enumerate()
            .map(|(row, &label)| class_index("labels", row, label, classes))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Targets { classes, rows: Rows::Hard(CowArray::from(ndarray::Array1::from_vec(labels))) })
    }
}
