//! One batch.

use softnce::Targets;

/// Pixels with their targets.
#[derive(Debug, Clone)]
pub struct LoadedBatch {
    /// Normalised pixels of shape `shape`. [`Loader::recycle`](super::Loader::recycle) reuses their memory.
    pub pixels: Vec<f32>,
    /// `[pictures, channels, height, width]`; the last batch of an epoch may have fewer pictures.
    pub shape: [usize; 4],
    /// Index of each picture in the source.
    pub indices: Vec<usize>,
    /// Class of each picture, before mixing.
    pub labels: Vec<usize>,
    /// The targets, mixed as the pixels are.
    pub targets: Targets<'static>,
}
