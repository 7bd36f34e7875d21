//! MixUp and CutMix, of pixels and of their targets.
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

use plan::Weights;

/// Mixes pictures with others of their batch, and their targets with them.
#[derive(Debug, Clone)]
pub struct Mixing {
    config: MixingConfig,
    weights: Weights,
}

/// What was mixed with what.
#[derive(Debug, Clone)]
pub struct Mixed {
    /// Targets of the mixed pictures: hard or compact from labels, from label rows in the cheapest form that holds them.
    pub targets: Targets<'static>,
    /// What is left to see of each row's own picture; 1 where it was not mixed.
    pub lambda: Vec<f64>,
    /// The row that each was mixed with.
    pub partners: Vec<usize>,
}

impl Mixing {
    /// Checks the settings.
    ///
    /// # Errors
    /// An alpha that is not a finite number of at least 0; a probability or a smoothing outside `[0, 1]`.
    pub fn new(config: MixingConfig) -> Result<Self, MixingError> {
        let weights = Weights::new(&config)?;
        Ok(Mixing { config, weights })
    }

    /// The settings.
    pub fn config(&self) -> &MixingConfig {
        &self.config
    }

    /// Mixes a batch of labelled pictures in place. Any number of pictures: the middle one of an odd batch under
    /// [`Partner::Flip`], and the only one of a batch of one, stay as they are.
    ///
    /// # Shapes
    /// `pixels`: `shape`, that is `[n, channels, height, width]`; `labels`: `[n]`.
    ///
    /// # Errors
    /// Lengths that do not agree; no pictures; a label out of range.
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
        // First the targets: where a label is refused, the pixels are still whole.
        let targets = targets::of_labels(labels, &plan, classes, self.config.smoothing)?;
        pixels::mix(pixels, shape, &plan);
        let (lambda, partners) = plan.into_parts();
        Ok(Mixed { targets, lambda, partners })
    }

    /// The same for pictures with a label distribution each: `lambda row + (1 - lambda) row of the partner`, smoothed.
    ///
    /// # Shapes
    /// `pixels`: `shape`, that is `[n, channels, height, width]`; `rows`: `[n, classes]`.
    ///
    /// # Errors
    /// Shapes that do not agree; no pictures; a row that is no distribution.
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
