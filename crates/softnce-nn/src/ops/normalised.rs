//! The result of batch normalisation.

use burn::tensor::Tensor;

/// A batch-normalised tensor, and the mean and the biased variance of each channel (both outside the autodiff graph),
/// from which the caller updates its running statistics.
pub type Normalised = (Tensor<4>, Tensor<1>, Tensor<1>);
