//! The scores `S = Z / tau - log eta`, and the checks of the logits.

use std::f64::consts::LOG2_E;
use std::ops::Range;

use bytemuck::Zeroable;
use ndarray::ArrayView2;
use num_traits::Float;
use pulp::{Simd, WithSimd};
use softnce_kernels::simd::Instructions;

use crate::{Accum, Element, Error, NoiseDistribution};

/// The scores of all rows, computed as `(z - max z) / tau + shift`. Every score is at most 0.
///
/// Subtracting a constant from a row of logits changes no loss. It keeps the digits of the noise and the
/// multiplicities, which large logits would otherwise round away.
pub struct Scores<'a, E: Element> {
    logits: ArrayView2<'a, E>,
    pub(crate) temperature: f64,
    /// `1 / tau`.
    pub(crate) rate: E::Accum,
    /// `min log eta - log eta`, at most 0; `None` if eta is uniform, because then it changes nothing. Shape `[d]`.
    pub(crate) shift: Option<Vec<E::Accum>>,
    /// `rate` and `shift` times log2 e, for exponentials of base 2.
    pub(crate) rate2: E::Accum,
    pub(crate) shift2: Option<Vec<E::Accum>>,
    /// The largest `shift2` minus the smallest.
    pub(crate) shift_extent2: f64,
    pub(crate) instructions: Instructions,
}

impl<'a, E: Element> Scores<'a, E> {
    pub(crate) fn new(
        logits: ArrayView2<'a, E>,
        temperature: f64,
        noise: &NoiseDistribution,
        instructions: Instructions,
    ) -> Self {
        let shift = |base: f64| {
            noise.log_probabilities().map(|log_eta| {
                let least = log_eta.iter().copied().fold(f64::INFINITY, f64::min);
                log_eta.iter().map(|&log_p| E::Accum::of((least - log_p) * base)).collect()
            })
        };
        let shift2: Option<Vec<E::Accum>> = shift(LOG2_E);
        let lowest = |shift2: &Vec<E::Accum>| shift2.iter().copied().fold(E::Accum::zeroed(), Float::min);
        Scores {
            logits,
            temperature,
            rate: E::Accum::of(1.0 / temperature),
            shift: shift(1.0),
            rate2: E::Accum::of(LOG2_E / temperature),
            shift_extent2: shift2.as_ref().map_or(0.0, |shift2| -lowest(shift2).as_f64()),
            shift2,
            instructions,
        }
    }

    /// Mean of `shift2` over the classes.
    pub(crate) fn mean_shift2(&self) -> f64 {
        let sum = |shift2: &Vec<E::Accum>| shift2.iter().map(|shift| shift.as_f64()).sum::<f64>();
        self.shift2.as_ref().map_or(0.0, |shift2| sum(shift2) / self.classes() as f64)
    }

    pub(crate) fn rows(&self) -> usize {
        self.logits.nrows()
    }

    pub(crate) fn classes(&self) -> usize {
        self.logits.ncols()
    }

    /// The memory of all logits, row by row, if it is contiguous and of the accumulating type.
    pub(crate) fn in_place(&self) -> Option<&[E::Accum]> {
        self.logits.as_slice().and_then(E::as_accum)
    }

    /// The memory of one row of logits, if it is contiguous and of the accumulating type.
    pub(crate) fn row_in_place(&self, row: usize) -> Option<&[E::Accum]> {
        self.logits.row(row).to_slice().and_then(E::as_accum)
    }

    /// One logit.
    pub(crate) fn logit(&self, row: usize, class: usize) -> E::Accum {
        self.logits[[row, class]].to_accum()
    }

    /// Some columns of a row of logits: their own memory if it is contiguous and of the accumulating type, else a
    /// copy in `scratch`, which has as many entries as `columns`.
    pub(crate) fn logits<'r>(
        &'r self,
        row: usize,
        columns: Range<usize>,
        scratch: &'r mut [E::Accum],
    ) -> &'r [E::Accum] {
        let row = self.logits.row(row);
        match row.to_slice() {
            Some(values) => {
                let values = &values[columns];
                if let Some(values) = E::as_accum(values) {
                    return values;
                }
                E::widen(values, scratch);
            }
            None => {
                let values = row.slice_move(ndarray::s![columns]);
                scratch.iter_mut().zip(values).for_each(|(out, value)| *out = value.to_accum());
            }
        }
        scratch
    }

    /// A row's largest logit, after the checks of [`Scores::extent`].
    pub(crate) fn origin(&self, row: usize, scratch: &mut [E::Accum]) -> Result<E::Accum, Error> {
        self.extent(row, scratch).map(|extent| extent.highest)
    }

    /// Mean over the classes of `(z - origin) log2 e / tau` of a row. `scratch` holds one chunk of the row at a time.
    pub(crate) fn mean2(&self, row: usize, origin: E::Accum, scratch: &mut [E::Accum]) -> f64 {
        let chunk = scratch.len().min(self.classes()).max(1);
        let sums = (0..self.classes()).step_by(chunk).map(|first| {
            let columns = first..(first + chunk).min(self.classes());
            let length = columns.len();
            super::row::sum_of_scores(self.logits(row, columns, &mut scratch[..length]), origin, self.rate2)
        });
        sums.sum::<f64>() / self.classes() as f64
    }

    /// A row's smallest and largest logit. `scratch` holds one chunk of the row at a time.
    ///
    /// # Errors
    /// Logits that are not finite; scores so large that their sum over the classes could overflow.
    pub(crate) fn extent(&self, row: usize, scratch: &mut [E::Accum]) -> Result<Extent<E::Accum>, Error> {
        let chunk = if self.row_in_place(row).is_some() { self.classes() } else { scratch.len().min(self.classes()) };
        let mut extent = Extent { lowest: E::Accum::infinity(), highest: E::Accum::neg_infinity(), finite: true };
        for first in (0..self.classes()).step_by(chunk.max(1)) {
            let columns = first..(first + chunk).min(self.classes());
            let length = columns.len().min(scratch.len());
            let values = self.logits(row, columns, &mut scratch[..length]);
            let part = self.instructions.run(Extents(values));
            extent.lowest = Float::min(extent.lowest, part.lowest);
            extent.highest = Float::max(extent.highest, part.highest);
            extent.finite &= part.finite;
        }
        let lowest = (extent.lowest - extent.highest) * self.rate;
        if extent.finite && lowest >= -self.limit() { Ok(extent) } else { Err(self.out_of_range(row)) }
    }

    /// Writes a row of scores, after the checks of [`Scores::extent`]. Shape of `scratch` and `out`: `[d]`.
    pub(crate) fn write_row(&self, row: usize, scratch: &mut [E::Accum], out: &mut [E::Accum]) -> Result<(), Error> {
        let origin = self.origin(row, scratch)?;
        let logits = self.logits(row, 0..self.classes(), scratch);
        self.instructions.run(ToScores { logits, origin, rate: self.rate, shift: self.shift.as_deref(), out });
        Ok(())
    }

    fn limit(&self) -> E::Accum {
        E::Accum::max_value() / E::Accum::of(8.0 * self.classes().max(1) as f64)
    }

    #[cold]
    fn out_of_range(&self, row: usize) -> Error {
        let logits = self.logits.row(row);
        if let Some(class) = logits.iter().position(|logit| !logit.as_f64().is_finite()) {
            return Error::non_finite("logits", [row, class], logits[class].as_f64());
        }
        let largest = logits.iter().map(|logit| logit.to_accum()).fold(E::Accum::neg_infinity(), Float::max);
        let fits = |logit: &E| (logit.to_accum() - largest) * self.rate >= -self.limit();
        let class = logits.iter().position(|logit| !fits(logit)).unwrap_or(0);
        Error::overflow([row, class], logits[class].as_f64(), self.temperature, E::Accum::NAME)
    }
}

/// The smallest and the largest value of a row.
#[derive(Clone, Copy)]
pub(crate) struct Extent<A> {
    pub(crate) lowest: A,
    pub(crate) highest: A,
    finite: bool,
}

/// Finds the [`Extent`] of a row.
pub(super) struct Extents<'r, A>(pub(super) &'r [A]);

impl<A: Accum> WithSimd for Extents<'_, A> {
    type Output = Extent<A>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Extent<A> {
        let (vectors, tail) = A::vectors::<S>(self.0);
        let splat = |value| A::splat(simd, value);
        let zero = splat(A::zero());
        let mut low = [splat(A::infinity()); 4];
        let mut high = [splat(A::neg_infinity()); 4];
        // Sums of 0 times each value: 0 if all values are finite, else NaN.
        let mut check = [zero; 4];
        let mut quads = vectors.chunks_exact(4);
        for quad in &mut quads {
            for lane in 0..4 {
                low[lane] = A::v_min(simd, low[lane], quad[lane]);
                high[lane] = A::v_max(simd, high[lane], quad[lane]);
                check[lane] = A::v_mul_add(simd, quad[lane], zero, check[lane]);
            }
        }
        for &vector in quads.remainder() {
            low[0] = A::v_min(simd, low[0], vector);
            high[0] = A::v_max(simd, high[0], vector);
            check[0] = A::v_mul_add(simd, vector, zero, check[0]);
        }
        let mut extent = Extent { lowest: A::infinity(), highest: A::neg_infinity(), finite: true };
        for lane in 0..4 {
            extent.lowest = Float::min(extent.lowest, A::min_lane(simd, low[lane]));
            extent.highest = Float::max(extent.highest, A::max_lane(simd, high[lane]));
            extent.finite &= A::sum_lanes(simd, check[lane]) == A::zero();
        }
        for &value in tail {
            extent.lowest = Float::min(extent.lowest, value);
            extent.highest = Float::max(extent.highest, value);
            extent.finite &= value.is_finite();
        }
        extent
    }
}

/// `(z - origin) rate + shift` of a row.
pub(super) struct ToScores<'r, A> {
    pub(super) logits: &'r [A],
    pub(super) origin: A,
    pub(super) rate: A,
    pub(super) shift: Option<&'r [A]>,
    pub(super) out: &'r mut [A],
}

impl<A: Accum> WithSimd for ToScores<'_, A> {
    type Output = ();

    // A plain loop, which the compiler vectorises for the instruction set.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (origin, rate) = (self.origin, self.rate);
        let scores = self.out.iter_mut().zip(self.logits);
        match self.shift {
            Some(shift) => scores.zip(shift).for_each(|((score, &z), &shift)| *score = (z - origin) * rate + shift),
            None => scores.for_each(|(score, &z)| *score = (z - origin) * rate),
        }
    }
}

/// A buffer of zeros.
pub(super) fn zeroed<A: Zeroable + Clone>(len: usize) -> Vec<A> {
    vec![A::zeroed(); len]
}
