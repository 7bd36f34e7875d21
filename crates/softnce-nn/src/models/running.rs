//! Running statistics of batch normalisations.

use burn::tensor::Tensor;

/// Statistics of one batch normalisation over one batch.
#[derive(Debug, Clone)]
pub struct BatchStatistics {
    /// Mean of each channel, `[C]`.
    pub mean: Tensor<1>,
    /// Biased variance of each channel, `[C]`.
    pub variance: Tensor<1>,
    /// Values per channel in the batch: rows times pixels.
    pub count: usize,
}

/// The batch statistics of a training pass, for the running statistics: one entry per batch normalisation that is not
/// frozen, in the order of [`Network::running`](super::Network::running). Workers with batches of equal size may average
/// them first.
#[derive(Debug, Clone, Default)]
pub struct RunningUpdates {
    /// One entry per batch normalisation that is not frozen.
    pub batches: Vec<BatchStatistics>,
}

/// The running statistics of one batch normalisation.
#[derive(Debug, Clone)]
pub struct Running {
    /// Name of the batch normalisation, such as `layer1.0.bn2`.
    pub name: String,
    /// Running mean, `[C]`.
    pub mean: Tensor<1>,
    /// Running unbiased variance, `[C]`.
    pub variance: Tensor<1>,
    /// Whether training leaves them as they are.
    pub frozen: bool,
}
