//! The rectangle that CutMix pastes.

use std::ops::Range;

use chacha20::ChaCha8Rng;
use rand::RngExt;

/// A rectangle inside the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
}

impl Cut {
    /// A rectangle with the picture's aspect ratio and `1 - lambda` of its area, centred on a random pixel and clipped
    /// to the picture.
    pub(super) fn draw(lambda: f64, [height, width]: [usize; 2], generator: &mut ChaCha8Rng) -> Self {
        let side = (1.0 - lambda).max(0.0).sqrt();
        let mut span = |length: usize| {
            let cut = (side * length as f64) as usize;
            let centre = generator.random_range(0..length.max(1));
            centre.saturating_sub(cut / 2)..(centre + cut - cut / 2).min(length)
        };
        Cut { rows: span(height), columns: span(width) }
    }

    /// The share of the picture outside the clipped rectangle: lambda for its target.
    pub(super) fn remaining(&self, [height, width]: [usize; 2]) -> f64 {
        let share = |range: &Range<usize>, length: usize| range.len() as f64 / length.max(1) as f64;
        (1.0 - share(&self.rows, height) * share(&self.columns, width)).clamp(0.0, 1.0)
    }
}
