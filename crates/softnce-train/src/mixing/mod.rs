//! MixUp and CutMix with a weight of its own for each row, and label smoothing, as compact targets.

mod cutmix;
mod mixup;

use chacha20::ChaCha8Rng;
use ndarray::{Array2, ArrayView2};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_distr::{Beta, Distribution};
use softnce::Targets;

/// How pictures and their labels are mixed.
///
/// Every row draws its own weight: with one for the whole batch, soft target InfoNCE over the batch's own candidates
/// has no finite optimum.
#[derive(Debug, Clone)]
pub struct Mixing {
    mixup: Beta<f64>,
    cutmix: Beta<f64>,
    cutmix_probability: f64,
    smoothing: f64,
}

/// Pictures mixed with others, and what is left to see of each.
#[derive(Debug, Clone)]
pub struct Mixed {
    /// The mixed pictures. Shape `[N, height * width]`.
    pub pixels: Array2<f32>,
    /// Their compact targets, N rows.
    pub targets: Targets<'static>,
}

/// Why pictures could not be mixed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MixingError {
    /// A setting is out of its range.
    #[error("{argument} is {value}, expected {expected}")]
    Setting {
        /// Name of the setting.
        argument: &'static str,
        /// Value that came.
        value: f64,
        /// Range that was expected, in words.
        expected: &'static str,
    },
    /// Pictures and labels do not go together.
    #[error("pixels have shape {found:?}, expected {expected:?}: one row of height x width values per label")]
    Shape {
        /// Shape that came.
        found: Vec<usize>,
        /// Shape that was expected.
        expected: Vec<usize>,
    },
    /// A label was refused.
    #[error(transparent)]
    Targets(#[from] softnce::Error),
}

/// Height and width of the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureSize {
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
}

impl Mixing {
    /// `mixup_alpha`, `cutmix_alpha`: the weights are drawn from `Beta(alpha, alpha)`; `cutmix_probability`: share of
    /// rows mixed by CutMix, the others by MixUp; `smoothing`: label smoothing.
    ///
    /// # Errors
    /// An alpha that is not a finite number above 0; a probability or a smoothing outside `[0, 1]`.
    pub fn new(
        mixup_alpha: f64,
        cutmix_alpha: f64,
        cutmix_probability: f64,
        smoothing: f64,
    ) -> Result<Self, MixingError> {
        let beta = |argument, value: f64| {
            let error = MixingError::Setting { argument, value, expected: "a finite number above 0" };
            if !value.is_finite() {
                return Err(error);
            }
            Beta::new(value, value).map_err(|_| error)
        };
        for (argument, value) in [("cutmix probability", cutmix_probability), ("smoothing", smoothing)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(MixingError::Setting { argument, value, expected: "a share from 0 to 1" });
            }
        }
        let (mixup, cutmix) = (beta("mixup alpha", mixup_alpha)?, beta("cutmix alpha", cutmix_alpha)?);
        Ok(Mixing { mixup, cutmix, cutmix_probability, smoothing })
    }

    /// Mixes every picture with a partner from the same batch, drawn by shuffling: each picture is the partner of one
    /// other (in a batch of one, its own).
    ///
    /// # Shapes
    /// `pixels`: `[N, height * width]`; `labels`: `[N]`.
    ///
    /// # Errors
    /// Shapes that do not agree; no rows; a label out of range.
    pub fn mix(
        &self,
        pixels: ArrayView2<'_, f32>,
        labels: &[usize],
        classes: usize,
        size: PictureSize,
        generator: &mut ChaCha8Rng,
    ) -> Result<Mixed, MixingError> {
        let expected = vec![labels.len(), size.height.saturating_mul(size.width)];
        if pixels.shape() != expected {
            return Err(MixingError::Shape { found: pixels.shape().to_vec(), expected });
        }
        let mut partners: Vec<usize> = (0..labels.len()).collect();
        partners.shuffle(generator);
        let mut mixed = pixels.to_owned();
        let mut lambda = Vec::with_capacity(labels.len());
        for (row, &partner) in partners.iter().enumerate() {
            let other = pixels.row(partner);
            lambda.push(match self.draw(size, generator) {
                Weight::MixUp(weight) => {
                    mixup::mix(mixed.row_mut(row), other, weight);
                    weight
                }
                Weight::CutMix(cut) => {
                    cut.paste(mixed.row_mut(row), other, size);
                    cut.remaining(size)
                }
            });
        }
        let partner_labels: Vec<usize> = partners.iter().map(|&partner| labels[partner]).collect();
        let targets = Targets::mixed(labels, &partner_labels, &lambda, classes, self.smoothing)?;
        Ok(Mixed { pixels: mixed, targets })
    }

    /// Targets of `count` pairs drawn from `labels`, as [`Mixing::mix`] would give them: candidates that need no
    /// picture.
    ///
    /// # Errors
    /// No labels, a count of 0, a label out of range.
    pub fn draw_targets(
        &self,
        count: usize,
        labels: &[usize],
        classes: usize,
        size: PictureSize,
        generator: &mut ChaCha8Rng,
    ) -> Result<Targets<'static>, MixingError> {
        let (first, second) = (draw_labels(count, labels, generator), draw_labels(count, labels, generator));
        let lambda: Vec<f64> = (0..first.len())
            .map(|_| match self.draw(size, generator) {
                Weight::MixUp(weight) => weight,
                Weight::CutMix(cut) => cut.remaining(size),
            })
            .collect();
        Ok(Targets::mixed(&first, &second, &lambda, classes, self.smoothing)?)
    }

    fn draw(&self, size: PictureSize, generator: &mut ChaCha8Rng) -> Weight {
        if generator.random::<f64>() < self.cutmix_probability {
            Weight::CutMix(cutmix::Cut::draw(self.cutmix.sample(generator), size, generator))
        } else {
            Weight::MixUp(self.mixup.sample(generator).clamp(0.0, 1.0))
        }
    }
}

/// One row's mixing.
enum Weight {
    MixUp(f64),
    CutMix(cutmix::Cut),
}

/// `count` labels drawn with replacement; none where there are none to draw from.
pub fn draw_labels(count: usize, labels: &[usize], generator: &mut ChaCha8Rng) -> Vec<usize> {
    if labels.is_empty() {
        return Vec::new();
    }
    (0..count).map(|_| labels[generator.random_range(0..labels.len())]).collect()
}

#[cfg(test)]
mod tests;
