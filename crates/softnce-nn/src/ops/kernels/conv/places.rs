//! Sums over planes and taps for every place: the inner loop of the convolution and of its gradient with respect to the
//! input.

use pulp::{Simd, WithSimd};

/// Results of a tile: each vector that is read serves all of them.
pub(super) const TILE: usize = 8;

/// Weights in the order in which the loop reads them: by tile, then by term (plane and tap), then by result in the tile.
pub(super) struct Weights {
    pub(super) packed: Vec<f32>,
    pub(super) terms: usize,
}

impl Weights {
    /// `weight(result, term)` for all results and terms; the last tile is filled up with 0.
    pub(super) fn new(results: usize, terms: usize, weight: impl Fn(usize, usize) -> f32) -> Self {
        let tiles = results.div_ceil(TILE);
        let mut packed = vec![0.0; tiles * terms * TILE];
        for result in 0..results {
            for term in 0..terms {
                packed[(result / TILE * terms + term) * TILE + result % TILE] = weight(result, term);
            }
        }
        Weights { packed, terms }
    }
}

/// `output[picture][result][place] = sum over terms of weight(result, term) input[picture][offset(term) + place]`.
pub(super) struct Places<'a> {
    pub(super) weights: &'a Weights,
    /// Where each term reads for place 0, from the beginning of a picture's planes.
    pub(super) offsets: &'a [usize],
    pub(super) input: &'a [f32],
    /// Number of values of a picture's planes.
    pub(super) input_step: usize,
    pub(super) pictures: usize,
    pub(super) places: usize,
    pub(super) output: &'a mut [f32],
    /// Number of values of a result's places, with room for whole vectors.
    pub(super) row: usize,
}

impl WithSimd for Places<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // As many vectors at a time as keep the accumulators in registers.
        if S::REGISTER_COUNT >= 32 { self.run::<S, 3>(simd) } else { self.run::<S, 1>(simd) }
    }
}

impl Places<'_> {
    #[inline(always)]
    fn run<S: Simd, const VECTORS: usize>(&mut self, simd: S) {
        let lanes = size_of::<S::f32s>() / size_of::<f32>();
        let vectors = self.places.div_ceil(lanes);
        let tile_len = self.weights.terms * TILE;
        let tiles = self.weights.packed.len() / tile_len.max(1);
        for tile in 0..tiles {
            let weights = &self.weights.packed[tile * tile_len..][..tile_len];
            for picture in 0..self.pictures {
                let input = &self.input[picture * self.input_step..][..self.input_step];
                let output = &mut self.output[(picture * tiles + tile) * TILE * self.row..][..TILE * self.row];
                let mut vector = 0;
                while vector < vectors {
                    let (input, at) = (&input[vector * lanes..], vector * lanes);
                    match (vectors - vector).min(VECTORS) {
                        3 => sums::<S, 3>(simd, weights, self.offsets, input, output, (at, self.row)),
                        2 => sums::<S, 2>(simd, weights, self.offsets, input, output, (at, self.row)),
                        _ => sums::<S, 1>(simd, weights, self.offsets, input, output, (at, self.row)),
                    }
                    vector += VECTORS;
                }
            }
        }
    }
}

/// Writes the sums of a tile, for some vectors of places, into rows of the output.
#[inline(always)]
fn sums<S: Simd, const VECTORS: usize>(
    simd: S,
    weights: &[f32],
    offsets: &[usize],
    input: &[f32],
    output: &mut [f32],
    (at, row): (usize, usize),
) {
    let len = VECTORS * size_of::<S::f32s>() / size_of::<f32>();
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; TILE];
    for (weights, &offset) in weights.as_chunks::<TILE>().0.iter().zip(offsets) {
        let values = S::as_simd_f32s(&input[offset..offset + len]).0;
        let values: [S::f32s; VECTORS] = std::array::from_fn(
            #[inline(always)]
            |vector| values[vector],
        );
        for (sums, &weight) in sums.iter_mut().zip(weights) {
            let weight = simd.splat_f32s(weight);
            for (sum, &value) in sums.iter_mut().zip(&values) {
                *sum = simd.mul_add_e_f32s(weight, value, *sum);
            }
        }
    }
    for (result, sums) in sums.iter().enumerate() {
        let target = S::as_mut_simd_f32s(&mut output[result * row + at..][..len]).0;
        target.copy_from_slice(sums);
    }
}
