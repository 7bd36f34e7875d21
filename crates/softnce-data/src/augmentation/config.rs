//! Settings of the augmentation.

use serde::{Deserialize, Serialize};

use super::erasing::ErasingConfig;
use super::error::{AugmentationError, refuse};
use super::normalisation::Normalisation;
use super::resize::Interpolation;

/// How a decoded picture becomes the network's input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentationConfig {
    /// Height and width of the network's input. Default: `[224, 224]`.
    pub size: [usize; 2],
    /// Mean and standard deviation of each channel. Their number is the number of output channels: grey pictures are
    /// repeated, colour pictures converted to grey. Default: `"imagenet"`.
    pub normalisation: Normalisation,
    /// The operations in training.
    pub train: TrainConfig,
    /// The operations in evaluation.
    pub evaluation: EvaluationConfig,
}

/// The operations in training, in this order: crop, flip, RandAugment, normalisation, erasing. Without
/// `random_resized_crop` a picture of another size is first resized to cover the input and cropped to its centre.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// A random crop of the padded picture. Excludes `random_resized_crop`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random_crop: Option<RandomCropConfig>,
    /// A random crop of random size and aspect ratio, resized. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random_resized_crop: Option<RandomResizedCropConfig>,
    /// Probability of a horizontal flip. Default: 0.
    pub flip: f64,
    /// RandAugment in timm's notation, such as `"rand-m9-mstd0.5-inc1"`: `m` magnitude (10), `n` operations per picture
    /// (2), `p` probability of each (0.5), `mstd` standard deviation of the magnitude (0), `mmax` its upper bound (10),
    /// `inc1` to make all operations stronger with the magnitude (0). Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rand_augment: Option<String>,
    /// Random erasing. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erasing: Option<ErasingConfig>,
    /// Interpolation of resizing and of RandAugment's geometric operations. Default: `"bicubic"`.
    pub interpolation: Interpolation,
}

/// A random crop of the picture padded with black, as usual for CIFAR.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomCropConfig {
    /// Padding in pixels on each side; the crop has the size of the input. Default: 4.
    pub padding: usize,
}

/// A random crop of random size and aspect ratio, resized to the input (Szegedy et al., arXiv 1409.4842).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomResizedCropConfig {
    /// Smallest and largest share of the picture's area. Default: `[0.08, 1.0]`.
    pub scale: [f64; 2],
    /// Smallest and largest width divided by height; its logarithm is drawn uniformly. Default:
    /// `[0.75, 1.3333333333333333]`.
    pub ratio: [f64; 2],
}

/// The operations in evaluation: resize to cover `size / crop_ratio`, then crop to the centre.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationConfig {
    /// Share of the resized picture's shorter side that is kept, in `(0, 1]`. ImageNet is usually evaluated at 0.875.
    /// Default: 1.
    pub crop_ratio: f64,
    /// Interpolation of resizing. Default: `"bicubic"`.
    pub interpolation: Interpolation,
}

impl Default for AugmentationConfig {
    fn default() -> Self {
        AugmentationConfig {
            size: [224, 224],
            normalisation: Normalisation::default(),
            train: TrainConfig::default(),
            evaluation: EvaluationConfig::default(),
        }
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        TrainConfig {
            random_crop: None,
            random_resized_crop: None,
            flip: 0.0,
            rand_augment: None,
            erasing: None,
            interpolation: Interpolation::default(),
        }
    }
}

impl Default for RandomCropConfig {
    fn default() -> Self {
        RandomCropConfig { padding: 4 }
    }
}

impl Default for RandomResizedCropConfig {
    fn default() -> Self {
        RandomResizedCropConfig { scale: [0.08, 1.0], ratio: [0.75, 4.0 / 3.0] }
    }
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        EvaluationConfig { crop_ratio: 1.0, interpolation: Interpolation::default() }
    }
}

/// Largest side of an input and largest padding; sizes up to here cannot overflow.
const LARGEST_SIDE: usize = 16_384;

impl AugmentationConfig {
    pub(super) fn check(&self) -> Result<(), AugmentationError> {
        if self.size.iter().any(|side| !(1..=LARGEST_SIDE).contains(side)) {
            return refuse("size", format!("{:?}", self.size), "a height and a width from 1 to 16384");
        }
        self.normalisation.check()?;
        self.train.check()?;
        let ratio = self.evaluation.crop_ratio;
        if !(ratio > 0.0 && ratio <= 1.0) {
            return refuse("evaluation.crop_ratio", ratio.to_string(), "a share above 0 and at most 1");
        }
        if self.size.iter().any(|&side| side as f64 / ratio > LARGEST_SIDE as f64) {
            let expected = "a share for which the resized picture has at most 16384 pixels a side";
            return refuse("evaluation.crop_ratio", ratio.to_string(), expected);
        }
        Ok(())
    }
}

impl TrainConfig {
    fn check(&self) -> Result<(), AugmentationError> {
        if self.random_crop.is_some() && self.random_resized_crop.is_some() {
            return Err(AugmentationError::Exclusive {
                first: "train.random_crop",
                second: "train.random_resized_crop",
            });
        }
        if let Some(crop) = &self.random_crop
            && crop.padding > LARGEST_SIDE
        {
            return refuse("train.random_crop.padding", crop.padding.to_string(), "at most 16384 pixels");
        }
        if let Some(crop) = &self.random_resized_crop {
            let [low, high] = crop.scale;
            if !(low > 0.0 && low <= high && high <= 1.0) {
                let expected = "two shares above 0 and at most 1 in ascending order";
                return refuse("train.random_resized_crop.scale", format!("{:?}", crop.scale), expected);
            }
            let [low, high] = crop.ratio;
            if !(low > 0.0 && low <= high && high.is_finite()) {
                let expected = "two finite numbers above 0 in ascending order";
                return refuse("train.random_resized_crop.ratio", format!("{:?}", crop.ratio), expected);
            }
        }
        self.erasing.as_ref().map_or(Ok(()), ErasingConfig::check)?;
        if !(0.0..=1.0).contains(&self.flip) {
            return refuse("train.flip", self.flip.to_string(), "a probability from 0 to 1");
        }
        Ok(())
    }
}
