//! Dense rows: one weight a class, in any float type.

use half::{bf16, f16};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, CowArray, Ix1, Ix2};
use num_traits::ToPrimitive;

use super::scan::{RowScan, scan};
use super::{Compact, ROUNDING, Rows, Targets, check_classes, negative};
use crate::shared::Shared;
use crate::{Element, Error};

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
    pub(crate) fn write_row<A: crate::Accum>(&self, row: usize, out: &mut [A]) {
        self.values.write_row(row, out);
        if let Some(sums) = &self.sums {
            let share = A::of(1.0 / sums[row]);
            out.iter_mut().for_each(|value| *value *= share);
        }
    }

    /// A row as it came, and the reciprocal of its sum: in its place where that can be; else in `scratch`, of shape `[d]`.
    pub(crate) fn row<'r, A: crate::Accum>(&'r self, row: usize, scratch: &'r mut [A]) -> (&'r [A], A) {
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

    pub(super) fn add_class_mass(&self, mass: &mut Array1<f64>) {
        for row in 0..self.dim().0 {
            let scale = self.sum(row).recip();
            self.values.add_row(row, scale, mass);
        }
    }
}

/// Dense rows with their float type erased, so that targets of any type go with logits of any type.
#[doc(hidden)]
#[derive(Debug, Clone)]
pub enum Dense<'a> {
    /// Double precision.
    F64(Shared<'a, f64, Ix2>),
    /// Single precision.
    F32(Shared<'a, f32, Ix2>),
    /// IEEE half precision.
    F16(Shared<'a, f16, Ix2>),
    /// Brain floating point.
    Bf16(Shared<'a, bf16, Ix2>),
}

macro_rules! each {
    ($self:expr, $rows:ident => $body:expr) => {
        match $self {
            Dense::F64($rows) => $body,
            Dense::F32($rows) => $body,
            Dense::F16($rows) => $body,
            Dense::Bf16($rows) => $body,
        }
    };
}

impl Dense<'_> {
    pub(crate) fn dim(&self) -> (usize, usize) {
        each!(self, rows => rows.dim())
    }

    pub(crate) fn get(&self, row: usize, class: usize) -> f64 {
        each!(self, rows => rows[[row, class]].as_f64())
    }

    pub(crate) fn view(&self) -> Dense<'_> {
        match self {
            Dense::F64(rows) => Dense::F64(rows.view().into()),
            Dense::F32(rows) => Dense::F32(rows.view().into()),
            Dense::F16(rows) => Dense::F16(rows.view().into()),
            Dense::Bf16(rows) => Dense::Bf16(rows.view().into()),
        }
    }

    /// Writes a row, in the type that sums are kept in. Shape of `out`: `[d]`.
    fn write_row<A: crate::Accum>(&self, row: usize, out: &mut [A]) {
        fn write<E: Element, A: crate::Accum>(values: ArrayView1<'_, E>, out: &mut [A]) {
            out.iter_mut().zip(values).for_each(|(out, value)| *out = A::of(value.as_f64()));
        }
        each!(self, rows => write(rows.row(row), out));
    }

    fn into_owned<'t>(self) -> Dense<'t> {
        match self {
            Dense::F64(rows) => Dense::F64(rows.into_owned().into()),
            Dense::F32(rows) => Dense::F32(rows.into_owned().into()),
            Dense::F16(rows) => Dense::F16(rows.into_owned().into()),
            Dense::Bf16(rows) => Dense::Bf16(rows.into_owned().into()),
        }
    }

    fn add_row(&self, row: usize, scale: f64, mass: &mut Array1<f64>) {
        each!(self, rows => mass.zip_mut_with(&rows.row(row), |mass, weight| *mass += scale * weight.as_f64()));
    }
}

impl<'a> Targets<'a> {
    /// Rows of probabilities, borrowed (from a view, strided ones too) or owned (from an array).
    ///
    /// Rows that hold no more than a floor and a few classes off it, as every MixUp pipeline writes them out, are
    /// recognised in the pass that checks them: they are kept as compact or hard rows, exactly, and run on their much
    /// shorter paths. [`Targets::dense_as_is`] leaves that out.
    ///
    /// # Shapes
    /// `probabilities`: `[M, d]`, of type f16, bf16, f32 or f64, whatever the type of the logits.
    ///
    /// # Errors
    /// No rows or no classes; an entry that is negative or not finite; a row that does not sum to 1 within
    /// [`Element::SIMPLEX_TOLERANCE`].
    pub fn dense<E: Element>(probabilities: impl Into<CowArray<'a, E, Ix2>>) -> Result<Targets<'a>, Error> {
        Targets::scanned(probabilities.into(), true)
    }

    /// The same, kept dense whatever they hold.
    ///
    /// # Errors
    /// As [`Targets::dense`].
    pub fn dense_as_is<E: Element>(probabilities: impl Into<CowArray<'a, E, Ix2>>) -> Result<Targets<'a>, Error> {
        Targets::scanned(probabilities.into(), false)
    }

    fn scanned<E: Element>(rows: CowArray<'a, E, Ix2>, recognise: bool) -> Result<Targets<'a>, Error> {
        let (len, classes) = rows.dim();
        if len == 0 || classes == 0 {
            return Err(Error::empty("targets", &[len, classes]));
        }
        check_classes(classes)?;
        let (scans, compact) = scan(rows.view(), recognise)?;
        if compact {
            return Ok(Targets { classes, rows: recognised(&scans, classes) });
        }
        let exact = scans.iter().all(|scan| (scan.sum - 1.0).abs() <= ROUNDING);
        let sums = (!exact).then(|| scans.iter().map(|scan| scan.sum).collect::<Array1<f64>>().into());
        Ok(Targets { classes, rows: Rows::Dense(DenseRows { values: E::erase(rows), sums }) })
    }

    /// Shares of votes: each row divided by its sum, as for the annotators of CIFAR-10H.
    ///
    /// # Shapes
    /// `counts`: `[M, d]`, integers or floats.
    ///
    /// # Errors
    /// No rows or no classes; a count that is negative or not finite; a row without votes.
    pub fn votes<'l, C: ToPrimitive + 'l>(counts: impl Into<ArrayView2<'l, C>>) -> Result<Targets<'a>, Error> {
        let counts = counts.into();
        let mut shares = Array2::zeros(counts.dim());
        for ((row, class), count) in counts.indexed_iter() {
            let value = count.to_f64().unwrap_or(f64::NAN);
            if !value.is_finite() {
                return Err(Error::non_finite("votes", [row, class], value));
            }
            if value < 0.0 {
                return Err(negative(row, class, value).of_argument("votes"));
            }
            shares[[row, class]] = value;
        }
        for (row, mut values) in shares.outer_iter_mut().enumerate() {
            let sum = values.sum();
            if !(sum > 0.0 && sum.is_finite()) {
                return Err(Error::sum("votes", sum, "a finite number above 0").at([row]));
            }
            values /= sum;
        }
        Targets::dense(shares)
    }
}

/// Rows that all have the compact form: hard where each is one class with all the weight.
fn recognised<'t>(scans: &[RowScan], classes: usize) -> Rows<'t> {
    if scans.iter().all(|scan| scan.floor == 0.0 && scan.terms == 1) {
        return Rows::Hard(scans.iter().map(|scan| scan.listed[0].0).collect::<Array1<u32>>().into());
    }
    let terms = scans.iter().map(|scan| scan.terms).max().unwrap_or(0);
    let mut uniform = Array1::zeros(scans.len());
    let mut listed = Array2::zeros((scans.len(), terms));
    let mut weights = Array2::zeros((scans.len(), terms));
    for (row, scan) in scans.iter().enumerate() {
        // As dense rows count: divided by their sum where that is off by more than rounding.
        let share = if (scan.sum - 1.0).abs() > ROUNDING { scan.sum.recip() } else { 1.0 };
        uniform[row] = scan.floor * share * classes as f64;
        for (term, &(class, value)) in scan.listed[..scan.terms].iter().enumerate() {
            listed[[row, term]] = class;
            weights[[row, term]] = (value - scan.floor) * share;
        }
    }
    Rows::Compact(Compact { uniform: uniform.into(), classes: listed.into(), weights: weights.into() })
}
