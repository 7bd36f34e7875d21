//! CutMix (Yun et al., arXiv 1905.04899): a rectangle of another picture pasted in.

use chacha20::ChaCha8Rng;
use ndarray::{ArrayView1, ArrayViewMut1};
use rand::RngExt;

use super::PictureSize;

/// The rectangle that is pasted, clipped to the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
}

impl Cut {
    /// A rectangle of the picture's proportions and the share `1 - lambda` of its area, centred on a random pixel.
    pub(super) fn draw(lambda: f64, size: PictureSize, generator: &mut ChaCha8Rng) -> Self {
        let side = (1.0 - lambda).max(0.0).sqrt();
        let mut span = |length: usize| {
            let cut = (side * length as f64) as usize;
            let centre = generator.random_range(0..length.max(1));
            centre.saturating_sub(cut / 2)..(centre + cut - cut / 2).min(length)
        };
        Cut { rows: span(size.height), columns: span(size.width) }
    }

    pub(super) fn paste(&self, mut picture: ArrayViewMut1<'_, f32>, other: ArrayView1<'_, f32>, size: PictureSize) {
        for row in self.rows.clone() {
            for pixel in self.columns.clone().map(|column| row * size.width + column) {
                picture[pixel] = other[pixel];
            }
        }
    }

    /// The share of the picture that remains: the lambda of its label, after clipping.
    pub(super) fn remaining(&self, size: PictureSize) -> f64 {
        let cut =
            self.rows.len() as f64 / size.height.max(1) as f64 * self.columns.len() as f64 / size.width.max(1) as f64;
        (1.0 - cut).clamp(0.0, 1.0)
    }
}
