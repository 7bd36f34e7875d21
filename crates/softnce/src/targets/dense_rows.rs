//! Dense rows: one probability per class, in any float type.

use ndarray::{Array1, Axis, Ix1};

use crate::Accum;
use crate::element::Dense;
use crate::shared::Shared;

/// Dense rows with what normalises them.
#[derive(Debug, Clone)]
pub(crate) struct DenseRows<'a> {
    pub(crate) values: Dense<'a>,
    /// What each row is divided by; `None` where every row sums to 1 as it is.
    pub(crate) sums: Option<Shared<'a, f64, Ix1>>,
}

impl DenseRows<'_> {
    pub(crate) fn dim(&self) -> (usize, usize) {
        self.values.dim()
    }

    /// Writes a row, divided by its sum, in the type that sums are kept in. Shape of `out`: `[d]`.
    pub(crate) fn write_row<A: Accum>(&self, row: usize, out: &mut [A]) {
        self.values.write_row(row, out);
        if let Some(sums) = &self.sums {
            let share = A::of(1.0 / sums[row]);
            out.iter_mut().for_each(|value| *value *= share);
        }
    }

    /// A row as it was given, and the reciprocal of its sum. The row is borrowed if it is contiguous and of type A, else
    /// copied to `scratch`, of shape `[d]`.
    pub(crate) fn row<'r, A: Accum>(&'r self, row: usize, scratch: &'r mut [A]) -> (&'r [A], A) {
        let share = self.sums.as_ref().map_or(A::one(), |sums| A::of(1.0 / sums[row]));
        if let Some(values) = A::dense_view(&self.values)
            && let Some(values) = values.index_axis_move(Axis(0), row).to_slice()
        {
            return (values, share);
        }
        self.values.write_row(row, scratch);
        (scratch, share)
    }

    pub(crate) fn get(&self, row: usize, class: usize) -> f64 {
        self.values.get(row, class) / self.sum(row)
    }

    pub(crate) fn sum(&self, row: usize) -> f64 {
        self.sums.as_ref().map_or(1.0, |sums| sums[row])
    }

    pub(crate) fn view(&self) -> DenseRows<'_> {
        DenseRows { values: self.values.view(), sums: self.sums.as_ref().map(|sums| sums.view().into()) }
    }

    pub(crate) fn into_owned<'t>(self) -> DenseRows<'t> {
        DenseRows { values: self.values.into_owned(), sums: self.sums.map(|sums| sums.into_owned().into()) }
    }

    pub(super) fn add_class_mass(&self, mass: &mut Array1<f64>, factor: f64) {
        for row in 0..self.dim().0 {
            let scale = factor / self.sum(row);
            self.values.add_row(row, scale, mass);
        }
    }
}
