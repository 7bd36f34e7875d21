//! The scores `S = Z / tau - log eta`, and the checks on the logits.

use std::f64::consts::LOG2_E;
use std::ops::Range;

use bytemuck::Zeroable;
use ndarray::ArrayView2;
use num_traits::Float;
use pulp::{Simd, WithSimd};
use softnce_kernels::simd::Instructions;

use crate::{Accum, Element, Error, NoiseDistribution};

/// The scores of all rows, each relative to the largest it could be: `(z - max z) / tau + shift`, at most 0.
///
/// A constant off a row changes no loss, and the digits that large logits would take from noise and multiplicities
/// stay.
pub(crate) struct Scores<'a, E: Element> {
    logits: ArrayView2<'a, E>,
    pub(crate) temperature: f64,
    /// `1 / tau`.
    pub(crate) rate: E::Accum,
    /// `-log eta` less its largest; `None` where eta is uniform, which changes nothing. Shape `[d]`.
    pub(crate) shift: Option<Vec<E::Accum>>,
    /// `rate` and `shift` times log2 e, for exponentials to base 2.
    pub(crate) rate2: E::Accum,
    pub(crate) shift2: Option<Vec<E::Accum>>,
    /// The largest shift less the smallest, to base 2.
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

    /// Mean of the shift to base 2 over the classes.
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

    /// All logits as they lie in memory, row by row, where they are of the accumulating type.
    pub(crate) fn in_place(&self) -> Option<&[E::Accum]> {
        self.logits.as_slice().and_then(E::as_accum)
    }

    /// One row of them likewise.
    pub(crate) fn row_in_place(&self, row: usize) -> Option<&[E::Accum]> {
        self.logits.row(row).to_slice().and_then(E::as_accum)
    }

    /// One logit.
    pub(crate) fn logit(&self, row: usize, class: usize) -> E::Accum {
        self.logits[[row, class]].to_accum()
    }

    /// Some columns of a row of logits, as they lie in memory where that can be; else in `scratch`, which is as long.
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

    /// A row's largest logit; see [`Scores::extent`].
    pub(crate) fn origin(&self, row: usize, scratch: &mut [E::Accum]) -> Result<E::Accum, Error> {
        self.extent(row, scratch).map(|extent| extent.highest)
    }

    /// Mean over the classes of `(z - origin) log2 e / tau` of a row. `scratch` is as long as a chunk of the row may be.
    pub(crate) fn mean2(&self, row: usize, origin: E::Accum, scratch: &mut [E::Accum]) -> f64 {
        let chunk = scratch.len().min(self.classes()).max(1);
        let sums = (0..self.classes()).step_by(chunk).map(|first| {
            let columns = first..(first + chunk).min(self.classes());
            let length = columns.len();
            super::row::sum_of_scores(self.logits(row, columns, &mut scratch[..length]), origin, self.rate2)
        });
        sums.sum::<f64>() / self.classes() as f64
    }

    /// A row's smallest and largest logit. Refuses logits that are not finite, and scores so large that a sum over the classes
    /// could overflow. `scratch` is as long as a chunk of the row may be.
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

    /// Writes a row of scores, after [`Scores::origin`]'s checks. Shape of `scratch` and `out`: `[d]`.
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
            return Error::NonFinite { argument: "logits", index: vec![row, class], value: logits[class].as_f64() };
        }
        let largest = logits.iter().map(|logit| logit.to_accum()).fold(E::Accum::neg_infinity(), Float::max);
        let fits = |logit: &E| (logit.to_accum() - largest) * self.rate >= -self.limit();
        let class = logits.iter().position(|logit| !fits(logit)).unwrap_or(0);
        let (logit, accumulator) = (logits[class].as_f64(), E::Accum::NAME);
        Error::ScoreOverflow { row, class, logit, temperature: self.temperature, accumulator }
    }
}

/// What there is among the values of a row.
#[derive(Clone, Copy)]
pub(crate) struct Extent<A> {
    pub(crate) lowest: A,
    pub(crate) highest: A,
    finite: bool,
}

struct Extents<'r, A>(&'r [A]);

impl<A: Accum> WithSimd for Extents<'_, A> {
    type Output = Extent<A>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Extent<A> {
        let (vectors, tail) = A::vectors::<S>(self.0);
        let splat = |value| A::splat(simd, value);
        let zero = splat(A::zero());
        let mut low = [splat(A::infinity()); 4];
        let mut high = [splat(A::neg_infinity()); 4];
        // 0 as long as all values are finite: 0 times anything else is NaN.
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
struct ToScores<'r, A> {
    logits: &'r [A],
    origin: A,
    rate: A,
    shift: Option<&'r [A]>,
    out: &'r mut [A],
}

impl<A: Accum> WithSimd for ToScores<'_, A> {
    type Output = ();

    // A plain loop: compiled for the instruction set, it becomes vector code of itself.
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

/// Room for a row or a chunk of one in the accumulating type.
pub(super) fn zeroed<A: Zeroable + Clone>(len: usize) -> Vec<A> {
    vec![A::zeroed(); len]
}
