//! Operations of the networks: on the CPU device Flex with kernels and a backward pass of their own, elsewhere (and as
//! the readable twin that the tests compare with) composed of Burn's.

pub mod composed;
mod fused;
mod graph;
mod kernels;
mod memory;
#[cfg(test)]
mod tests;

use burn::tensor::Tensor;

/// `x W + bias` over the last axis.
///
/// # Shapes
/// `input` `[N, L, inputs]`, `weight` `[inputs, outputs]`, `bias` `[outputs]`; result `[N, L, outputs]`.
pub fn linear(input: Tensor<3>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<3> {
    fused::linear(&input, &weight, bias.as_ref()).unwrap_or_else(|| composed::linear(input, weight, bias))
}

/// The exact GELU, `x Phi(x)` (Hendrycks and Gimpel, arXiv 1606.08415).
pub fn gelu<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    fused::gelu(&input).unwrap_or_else(|| composed::gelu(input))
}

/// Layer normalisation over the last axis (Ba et al., arXiv 1607.06450).
///
/// # Shapes
/// `input` `[N, L, D]`, `gamma` and `beta` `[D]`.
pub fn layer_norm(input: Tensor<3>, gamma: Tensor<1>, beta: Tensor<1>, epsilon: f64) -> Tensor<3> {
    fused::layer_norm(&input, &gamma, &beta, epsilon)
        .unwrap_or_else(|| composed::layer_norm(input, gamma, beta, epsilon))
}

/// Multi-head self-attention between the projections (Vaswani et al., arXiv 1706.03762):
/// `softmax(Q K^T / sqrt(D / heads)) V`.
///
/// # Shapes
/// `qkv` `[N, L, 3 D]`: queries, keys and values of all heads, one after another, as timm's `qkv` layer gives them;
/// result `[N, L, D]`.
pub fn attention(qkv: Tensor<3>, heads: usize) -> Tensor<3> {
    fused::attention(&qkv, heads).unwrap_or_else(|| composed::attention(qkv, heads))
}

/// Convolution in two dimensions, without bias.
///
/// # Shapes
/// `input` `[N, C, H, W]`, `weight` `[outputs, C, k, k]`.
pub fn conv2d(input: Tensor<4>, weight: Tensor<4>, stride: usize, padding: usize) -> Tensor<4> {
    fused::conv2d(&input, &weight, stride, padding).unwrap_or_else(|| composed::conv2d(input, weight, stride, padding))
}

/// Batch normalisation with the batch's own statistics (Ioffe and Szegedy, arXiv 1502.03167), for training.
///
/// Returns the result, the mean and the biased variance of each channel (both outside the graph and without autodiff),
/// from which the caller keeps its running statistics.
///
/// # Shapes
/// `input` `[N, C, H, W]`, `gamma` and `beta` `[C]`.
pub fn batch_norm(
    input: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    fused::batch_norm::<false>(&input, &gamma, &beta, epsilon).unwrap_or_else(|| {
        let (output, mean, variance) = composed::batch_norm(input, gamma, beta, epsilon);
        (output, mean.without_autodiff(), variance.without_autodiff())
    })
}

/// [`batch_norm`], then nothing below 0.
///
/// # Shapes
/// As [`batch_norm`].
pub fn batch_norm_relu(
    input: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    fused::batch_norm::<true>(&input, &gamma, &beta, epsilon).unwrap_or_else(|| {
        let (output, mean, variance) = composed::batch_norm_relu(input, gamma, beta, epsilon);
        (output, mean.without_autodiff(), variance.without_autodiff())
    })
}

/// `max(a + b, 0)`, the end of a residual block.
pub fn add_relu<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    fused::add_relu(&a, &b).unwrap_or_else(|| composed::add_relu(a, b))
}
