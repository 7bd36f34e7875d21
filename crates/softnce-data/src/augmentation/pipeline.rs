//! Applies the operations one after the other.

use std::borrow::Cow;

use chacha20::ChaCha8Rng;
use rand::RngExt;

use super::config::AugmentationConfig;
use super::cover::cover;
use super::error::AugmentationError;
use super::normalisation::{Table, tables};
use super::rand_augment::{Canvas, RandAugment};
use super::resize::{Crop, check, resize_part};
use super::window::Window;
use super::workspace::{Workspace, with};
use super::{channels, resized_crop};
use crate::Picture;

/// Turns decoded pictures into the network's input.
///
/// Pictures of the input's size take one pass for crop, flip and normalisation, without further memory.
#[derive(Debug, Clone)]
pub struct Augmentation {
    config: AugmentationConfig,
    tables: Vec<Table>,
    rand_augment: Option<RandAugment>,
}

impl Augmentation {
    /// Checks the settings.
    ///
    /// # Errors
    /// A setting out of its range; two settings that exclude each other; a RandAugment string that cannot be parsed.
    pub fn new(config: AugmentationConfig) -> Result<Self, AugmentationError> {
        config.check()?;
        let statistics = config.normalisation.statistics();
        let (tables, train) = (tables(&statistics), &config.train);
        let policy = train.rand_augment.as_ref();
        let rand_augment =
            policy.map(|text| RandAugment::new(text, train.interpolation, &statistics.mean)).transpose()?;
        Ok(Augmentation { config, tables, rand_augment })
    }

    /// The settings.
    pub fn config(&self) -> &AugmentationConfig {
        &self.config
    }

    /// Channels, height and width of the output.
    pub fn shape(&self) -> [usize; 3] {
        [self.tables.len(), self.config.size[0], self.config.size[1]]
    }

    /// Prepares a picture for training: random augmentation and normalisation.
    ///
    /// # Shapes
    /// `out`: `[channels, height, width]`.
    ///
    /// # Errors
    /// A picture whose values do not match its size; an output of another length.
    pub fn train(
        &self,
        picture: &Picture<'_>,
        generator: &mut ChaCha8Rng,
        out: &mut [f32],
    ) -> Result<(), AugmentationError> {
        self.check(picture, out)?;
        let (train, size) = (&self.config.train, self.config.size);
        with(|space| {
            let Workspace { resizer, channels, resized, canvas: [pixels, spare] } = space;
            let picture = channels::with_channels(picture, self.tables.len(), channels);
            let (picture, part) = match &train.random_resized_crop {
                Some(crop) => {
                    let part = resized_crop::draw(crop, picture.height, picture.width, generator);
                    let picture = resize_part(&picture, part, size, train.interpolation, resizer, resized)?;
                    let part = Crop::whole(&picture);
                    (picture, part)
                }
                None => cover(&picture, size, 1.0, train.interpolation, resizer, resized)?,
            };
            let mut window = Window::of(part);
            if let Some(crop) = &train.random_crop {
                let padding = crop.padding as i32;
                window.down = generator.random_range(-padding..=padding);
                window.right = generator.random_range(-padding..=padding);
            }
            window.flip = train.flip > 0.0 && generator.random::<f64>() < train.flip;
            match &self.rand_augment {
                None => window.normalise(&picture, &self.tables, out),
                Some(policy) => {
                    window.write(&picture, pixels);
                    let ([height, width], channels) = (size, picture.channels);
                    policy.apply(&mut Canvas { height, width, channels, pixels, spare }, generator);
                    let picture = Picture { height, width, channels, pixels: Cow::Borrowed(pixels) };
                    Window::of(Crop::whole(&picture)).normalise(&picture, &self.tables, out);
                }
            }
            if let Some(erasing) = &train.erasing {
                erasing.apply(out, size, generator);
            }
            Ok(())
        })
    }

    /// Prepares a picture for evaluation: resizes it, crops it to its centre, normalises it.
    ///
    /// # Shapes
    /// `out`: `[channels, height, width]`.
    ///
    /// # Errors
    /// A picture whose values do not match its size; an output of another length.
    pub fn evaluate(&self, picture: &Picture<'_>, out: &mut [f32]) -> Result<(), AugmentationError> {
        self.check(picture, out)?;
        let evaluation = &self.config.evaluation;
        with(|space| {
            let Workspace { resizer, channels, resized, .. } = space;
            let picture = channels::with_channels(picture, self.tables.len(), channels);
            let (ratio, interpolation) = (evaluation.crop_ratio, evaluation.interpolation);
            let (picture, part) = cover(&picture, self.config.size, ratio, interpolation, resizer, resized)?;
            Window::of(part).normalise(&picture, &self.tables, out);
            Ok(())
        })
    }

    fn check(&self, picture: &Picture<'_>, out: &[f32]) -> Result<(), AugmentationError> {
        check(picture)?;
        let expected = self.shape().iter().product();
        if out.len() != expected {
            return Err(AugmentationError::Output { found: out.len(), expected });
        }
        Ok(())
    }
}
