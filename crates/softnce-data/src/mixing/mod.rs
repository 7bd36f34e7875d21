//! MixUp and CutMix of pixels and targets.
//!
//! - [`MixingConfig`]: the settings; [`Mixing`]: mixes a batch in place, and draws targets that need no picture.
//!
//! MixUp: Zhang et al., arXiv 1710.09412; CutMix: Yun et al., arXiv 1905.04899.

mod config;
mod cut;
mod draw;
mod error;
mod pixels;
mod plan;
mod targets;

#[cfg(test)]
mod tests;

use chacha20::ChaCha8Rng;
use ndarray::ArrayView2;
use softnce::Targets;

pub use config::{MixingConfig, Mode, Partner};
pub use error::MixingError;

use plan::MixingWeights;

/// Mixes the pictures of a batch with each other, and their targets likewise.
#[derive(Debug, Clone)]
pub struct Mixing {
    config: MixingConfig,
    weights: MixingWeights,
}

/// The result of mixing a batch.
#[derive(Debug, Clone)]
pub struct Mixed {
    /// Targets of the mixed pictures: hard or compact from labels, from label rows in the cheapest form that holds
    /// them.
    pub targets: Targets<'static>,
    /// Share of each row's own picture in the result; 1 if it was not mixed.
    pub lambda: Vec<f64>,
    /// The row that each row was mixed with.
    pub partners: Vec<usize>,
}

impl Mixing {
    /// Checks the settings.
    ///
    /// # Errors
    /// An alpha that is not a finite number of at least 0; a probability or a smoothing outside `[0, 1]`.
    pub fn new(config: MixingConfig) -> Result<Self, MixingError> {
        let weights = MixingWeights::new(&config)?;
        Ok(Mixing { config, weights })
    }

    /// The settings.
    pub fn config(&self) -> &MixingConfig {
        &self.config
    }

    /// Mixes a batch of labelled pictures in place. The middle picture of an odd batch under [`Partner::Flip`], and a
    /// single picture, do not change.
    ///
    /// # Shapes
    /// `pixels`: `shape`, that is `[n, channels, height, width]`; `labels`: `[n]`.
    ///
    /// # Errors
    /// Contradicting lengths; no pictures; a label out of range.
    pub fn mix(
        &self,
        pixels: &mut [f32],
        shape: [usize; 4],
        labels: &[usize],
        classes: usize,
        generator: &mut ChaCha8Rng,
    ) -> Result<Mixed, MixingError> {
        check(pixels, shape, labels.len())?;
        let plan = self.weights.plan(&self.config, shape, generator);
        // Targets first: if a label is refused, the pixels have not changed.
        let targets = targets::of_labels(labels, &plan, classes, self.config.smoothing)?;
        pixels::mix(pixels, shape, &plan);
        let (lambda, partners) = plan.into_parts();
        Ok(Mixed { targets, lambda, partners })
    }

    /// The same for pictures with label distributions: `lambda * row + (1 - lambda) * partner's row`, then smoothed.
    ///
    /// # Shapes
    /// `pixels`: `shape`, that is `[n, channels, height, width]`; `rows`: `[n, classes]`.
    ///
    /// # Errors
    /// Contradicting shapes; no pictures; a row that is not a distribution.
    pub fn mix_dense(
        &self,
        pixels: &mut [f32],
        shape: [usize; 4],
        rows: ArrayView2<'_, f32>,
        generator: &mut ChaCha8Rng,
    ) -> Result<Mixed, MixingError> {
        check(pixels, shape, rows.nrows())?;
        let plan = self.weights.plan(&self.config, shape, generator);
        let targets = targets::of_rows(rows, &plan, self.config.smoothing)?;
        pixels::mix(pixels, shape, &plan);
        let (lambda, partners) = plan.into_parts();
        Ok(Mixed { targets, lambda, partners })
    }
}

fn check(pixels: &[f32], shape: [usize; 4], labels: usize) -> Result<(), MixingError> {
    let values = shape.iter().try_fold(1_usize, |product, &side| product.checked_mul(side));
    if values != Some(pixels.len()) || shape[0] != labels || labels == 0 {
        return Err(MixingError::Shape { found: pixels.len(), shape, labels });
    }
    Ok(())
}
