//! Dot products of upstream planes and shifted input planes: the gradient with respect to the weight.

use pulp::{Simd, WithSimd};

/// Upstream planes of a tile.
pub(super) const TILE: usize = 4;

/// `sums[result][term] += sum over pictures and places of upstream[picture][result][place] input[picture][offset(term)
/// + place]`.
pub(super) struct Dots<'a> {
    pub(super) upstream: &'a [f32],
    /// Number of values of an upstream plane: whole vectors of any instruction set, 0 beyond its places.
    pub(super) row: usize,
    /// Number of upstream planes of a picture, in whole tiles.
    pub(super) results: usize,
    pub(super) input: &'a [f32],
    pub(super) input_step: usize,
    pub(super) offsets: &'a [usize],
    pub(super) pictures: usize,
    /// One row of `offsets.len()` values for each result.
    pub(super) sums: &'a mut [f32],
}

impl WithSimd for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        if S::REGISTER_COUNT >= 32 { self.run::<S, 6>(simd) } else { self.run::<S, 2>(simd) }
    }
}

impl Dots<'_> {
    #[inline(always)]
    fn run<S: Simd, const TERMS: usize>(&mut self, simd: S) {
        let terms = self.offsets.len();
        for first_result in (0..self.results).step_by(TILE) {
            for first_term in (0..terms).step_by(TERMS) {
                // A term beyond the last repeats the last, and its sum is dropped.
                let offsets: [usize; TERMS] = std::array::from_fn(
                    #[inline(always)]
                    |term| self.offsets[(first_term + term).min(terms - 1)],
                );
                let dots = self.tile::<S, TERMS>(simd, first_result, offsets);
                for (result, dots) in dots.iter().enumerate() {
                    let from = (first_result + result) * terms;
                    let Some(sums) = self.sums.get_mut(from..from + terms) else { continue };
                    for (sum, &dot) in sums[first_term..].iter_mut().zip(dots) {
                        *sum += simd.reduce_sum_f32s(dot);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const TERMS: usize>(
        &self,
        simd: S,
        first_result: usize,
        offsets: [usize; TERMS],
    ) -> [[S::f32s; TERMS]; TILE] {
        let mut dots = [[simd.splat_f32s(0.0); TERMS]; TILE];
        for picture in 0..self.pictures {
            let input = &self.input[picture * self.input_step..][..self.input_step];
            let from = (picture * self.results + first_result) * self.row;
            let upstream: [&[S::f32s]; TILE] = std::array::from_fn(
                #[inline(always)]
                |result| S::as_simd_f32s(&self.upstream[from + result * self.row..][..self.row]).0,
            );
            let terms: [&[S::f32s]; TERMS] = std::array::from_fn(
                #[inline(always)]
                |term| S::as_simd_f32s(&input[offsets[term]..][..self.row]).0,
            );
            let vectors = upstream[0].len();
            // Equal lengths, so that the indices below need no check.
            let upstream = upstream.map(
                #[inline(always)]
                |plane| &plane[..vectors],
            );
            let terms = terms.map(
                #[inline(always)]
                |plane| &plane[..vectors],
            );
            for vector in 0..vectors {
                let values: [S::f32s; TERMS] = std::array::from_fn(
                    #[inline(always)]
                    |term| terms[term][vector],
                );
                for (dots, plane) in dots.iter_mut().zip(&upstream) {
                    let up = plane[vector];
                    for (dot, &value) in dots.iter_mut().zip(&values) {
                        *dot = simd.mul_add_e_f32s(up, value, *dot);
                    }
                }
            }
        }
        dots
    }
}
