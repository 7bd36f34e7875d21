//! Draws from the distribution of mixed targets: candidates without pictures.

use chacha20::ChaCha8Rng;
use ndarray::{Array2, ArrayView2};
use rand::RngExt;
use softnce::Targets;

use super::{Mixing, MixingError};

impl Mixing {
    /// The mixed targets of `count` pairs of labels drawn with replacement. They are mixed as [`Mixing::mix`] does,
    /// each with its own weight whatever the mode. `size`: height and width of the pictures, for CutMix's weights.
    ///
    /// # Errors
    /// No labels, a count of 0, a label out of range.
    pub fn draw_targets(
        &self,
        count: usize,
        labels: &[usize],
        classes: usize,
        size: [usize; 2],
        generator: &mut ChaCha8Rng,
    ) -> Result<Targets<'static>, MixingError> {
        check(count, labels.len())?;
        let mut draw = |_| labels[generator.random_range(0..labels.len())];
        let first: Vec<usize> = (0..count).map(&mut draw).collect();
        let smoothing = self.config.smoothing;
        if !self.config.mixes() {
            return Ok(match smoothing {
                0.0 => Targets::hard(&first, classes)?,
                _ => Targets::smoothed(&first, classes, smoothing)?,
            });
        }
        let second: Vec<usize> = (0..count).map(&mut draw).collect();
        let lambda: Vec<f64> = (0..count).map(|_| self.weights.lambda(size, generator)).collect();
        Ok(Targets::mixed(&first, &second, &lambda, classes, smoothing)?)
    }

    /// The same from label distributions, mixed as [`Mixing::mix_dense`] does.
    ///
    /// # Shapes
    /// `rows`: `[n, classes]`; the result: `[count, classes]`.
    ///
    /// # Errors
    /// No rows, a count of 0, a row that is not a distribution.
    pub fn draw_dense_targets(
        &self,
        count: usize,
        rows: ArrayView2<'_, f32>,
        size: [usize; 2],
        generator: &mut ChaCha8Rng,
    ) -> Result<Targets<'static>, MixingError> {
        check(count, rows.nrows())?;
        let smoothing = self.config.smoothing;
        let floor = (smoothing / rows.ncols().max(1) as f64) as f32;
        let mut drawn = Array2::zeros((count, rows.ncols()));
        for mut out in drawn.outer_iter_mut() {
            let [first, second] = [(); 2].map(|()| rows.row(generator.random_range(0..rows.nrows())));
            let lambda = self.weights.lambda(size, generator);
            let own = (lambda * (1.0 - smoothing)) as f32;
            let other = ((1.0 - lambda) * (1.0 - smoothing)) as f32;
            out.zip_mut_with(&first, |out, value| *out = floor + own * value);
            out.zip_mut_with(&second, |out, value| *out += other * value);
        }
        Ok(Targets::dense(drawn)?)
    }
}

fn check(count: usize, labels: usize) -> Result<(), MixingError> {
    let refuse = |argument, expected| Err(MixingError::Setting { argument, value: 0.0, expected });
    match (count, labels) {
        (0, _) => refuse("count", "at least one target"),
        (_, 0) => refuse("number of labels to draw from", "at least one"),
        _ => Ok(()),
    }
}
