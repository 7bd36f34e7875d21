//! Targets from dense rows: one probability per class, in any float type.

use ndarray::{Array1, Array2, ArrayView2, CowArray, Ix2};
use num_traits::ToPrimitive;

use super::check::{ROUNDING, check_classes, negative, sums_to_one};
use super::compact_rows::Compact;
use super::dense_rows::DenseRows;
use super::rows::{Rows, Targets};
use super::scan::{RowScan, scan};
use crate::{Element, Error};

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
    /// # Shapes
    /// `probabilities`: `[M, d]`.
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
        let exact = scans.iter().all(|scan| sums_to_one(scan.sum, ROUNDING));
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
    if scans.iter().all(|scan| scan.floor == 0.0 && scan.entries == 1) {
        return Rows::Hard(scans.iter().map(|scan| scan.listed[0].0).collect::<Array1<u32>>().into());
    }
    let entries = scans.iter().map(|scan| scan.entries).max().unwrap_or(0);
    let mut uniform = Array1::zeros(scans.len());
    let mut listed = Array2::zeros((scans.len(), entries));
    let mut weights = Array2::zeros((scans.len(), entries));
    for (row, scan) in scans.iter().enumerate() {
        // As dense rows count: divided by their sum where that is off by more than rounding.
        let share = if sums_to_one(scan.sum, ROUNDING) { 1.0 } else { scan.sum.recip() };
        uniform[row] = scan.floor * share * classes as f64;
        for (entry, &(class, value)) in scan.listed[..scan.entries].iter().enumerate() {
            listed[[row, entry]] = class;
            weights[[row, entry]] = (value - scan.floor) * share;
        }
    }
    Rows::Compact(Compact { uniform: uniform.into(), classes: listed.into(), weights: weights.into() })
}
