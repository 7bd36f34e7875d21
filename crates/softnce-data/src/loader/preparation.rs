//! How a sample becomes the network's input.

use std::sync::Arc;

use chacha20::ChaCha8Rng;

use super::LoaderError;
use crate::PictureSource;
use crate::augmentation::Augmentation;
use crate::features::Standardisation;

/// From a sample of a source to the network's input.
#[derive(Debug, Clone)]
pub enum Preparation {
    /// Pictures, resized, augmented and normalised.
    Pictures(Box<Augmentation>),
    /// Rows of features.
    Features {
        /// Values of a row.
        features: usize,
        /// Brings the rows to one scale; none: as they are.
        standardisation: Option<Arc<Standardisation>>,
    },
}

impl From<Augmentation> for Preparation {
    fn from(augmentation: Augmentation) -> Self {
        Preparation::Pictures(Box::new(augmentation))
    }
}

impl Preparation {
    /// Channels, height and width of the network's input; features are channels of one pixel.
    pub fn shape(&self) -> [usize; 3] {
        match self {
            Preparation::Pictures(augmentation) => augmentation.shape(),
            Preparation::Features { features, .. } => [*features, 1, 1],
        }
    }

    /// Writes a sample; `generator`: draws its augmentation, in training.
    pub(super) fn write(
        &self,
        source: &dyn PictureSource,
        index: usize,
        generator: Option<ChaCha8Rng>,
        out: &mut [f32],
    ) -> Result<(), LoaderError> {
        let unreadable = |error| LoaderError::Picture { picture: source.describe(index), source: error };
        match self {
            Preparation::Pictures(augmentation) => {
                let picture = source.picture(index).map_err(unreadable)?;
                let augmented = match generator {
                    Some(mut generator) => augmentation.train(&picture, &mut generator, out),
                    None => augmentation.evaluate(&picture, out),
                };
                augmented.map_err(|error| LoaderError::Augmentation { picture: source.describe(index), source: error })
            }
            Preparation::Features { standardisation, .. } => {
                source.row(index, out).map_err(unreadable)?;
                standardisation.iter().for_each(|standardisation| standardisation.apply(out));
                Ok(())
            }
        }
    }
}
