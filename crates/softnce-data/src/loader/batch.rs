//! One batch.

use softnce::Targets;

/// Pixels with their targets.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Normalised pixels, of shape `shape`. [`Loader::recycle`](super::Loader::recycle) takes them back.
    pub pixels: Vec<f32>,
    /// `[pictures, channels, height, width]`; the last batch of an epoch may have fewer pictures.
    pub shape: [usize; 4],
    /// Which pictures of the source they are.
    pub indices: Vec<usize>,
    /// Their own classes, before any mixing.
    pub labels: Vec<usize>,
    /// Their targets, mixed as the pixels are.
    pub targets: Targets<'static>,
}
