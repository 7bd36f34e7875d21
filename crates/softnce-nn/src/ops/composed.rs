//! The operations, composed of Burn's.

use burn::tensor::activation::softmax;
use burn::tensor::module;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Tensor, activation};

/// `x W + bias` over the last axis.
///
/// # Shapes
/// `input` `[N, L, inputs]`, `weight` `[inputs, outputs]`, `bias` `[outputs]`; result `[N, L, outputs]`.
pub fn linear(input: Tensor<3>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<3> {
    module::linear(input, weight, bias)
}

/// The exact GELU, `x Phi(x)` (Hendrycks and Gimpel, arXiv 1606.08415).
///
/// Not Burn's own, which off the CPU pairs this value with the derivative of the approximation by tanh.
pub fn gelu<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    let below = (input.clone() * std::f64::consts::FRAC_1_SQRT_2).erf() * 0.5 + 0.5;
    input * below
}

/// Layer normalisation over the last axis (Ba et al., arXiv 1607.06450).
///
/// # Shapes
/// `input` `[N, L, D]`, `gamma` and `beta` `[D]`.
pub fn layer_norm(input: Tensor<3>, gamma: Tensor<1>, beta: Tensor<1>, epsilon: f64) -> Tensor<3> {
    let mean = input.clone().mean_dim(2);
    let centred = input - mean;
    let variance = (centred.clone() * centred.clone()).mean_dim(2);
    centred / (variance + epsilon).sqrt() * gamma.unsqueeze() + beta.unsqueeze()
}

/// Multi-head self-attention between the projections (Vaswani et al., arXiv 1706.03762):
/// `softmax(Q K^T / sqrt(D / heads)) V`.
///
/// # Shapes
/// `qkv` `[N, L, 3 D]`: queries, keys and values of all heads, one after another, as timm's `qkv` layer gives them;
/// result `[N, L, D]`.
pub fn attention(qkv: Tensor<3>, heads: usize) -> Tensor<3> {
    let [rows, length, width] = qkv.dims();
    let size = width / (3 * heads.max(1));
    let parts = qkv.reshape([rows, length, 3, heads, size]).permute([2, 0, 3, 1, 4]);
    let part = |number: usize| parts.clone().narrow(0, number, 1).squeeze_dim::<4>(0);
    let (queries, keys, values) = (part(0), part(1), part(2));
    let scores = queries.matmul(keys.swap_dims(2, 3)) / (size as f64).sqrt();
    softmax(scores, 3).matmul(values).swap_dims(1, 2).reshape([rows, length, heads * size])
}

/// Convolution in two dimensions, without bias.
///
/// # Shapes
/// `input` `[N, C, H, W]`, `weight` `[outputs, C, k, k]`.
pub fn conv2d(input: Tensor<4>, weight: Tensor<4>, stride: usize, padding: usize) -> Tensor<4> {
    module::conv2d(input, weight, None, ConvOptions::new([stride; 2], [padding; 2], [1, 1], 1))
}

/// Batch normalisation with the batch's own statistics (Ioffe and Szegedy, arXiv 1502.03167), for training.
///
/// Returns the result, the mean and the biased variance of each channel (both outside the graph), from which the
/// caller keeps its running statistics.
///
/// # Shapes
/// `input` `[N, C, H, W]`, `gamma` and `beta` `[C]`.
pub fn batch_norm(
    input: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    let channels = input.dims()[1];
    let over_channels = |values: Tensor<1>| values.reshape([1, channels, 1, 1]);
    let mean = input.clone().mean_dims(&[0, 2, 3]);
    let centred = input - mean.clone();
    let variance = (centred.clone() * centred.clone()).mean_dims(&[0, 2, 3]);
    let normalised = centred / (variance.clone() + epsilon).sqrt();
    let output = normalised * over_channels(gamma) + over_channels(beta);
    (output, mean.reshape([channels]).detach(), variance.reshape([channels]).detach())
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
    let (output, mean, variance) = batch_norm(input, gamma, beta, epsilon);
    (activation::relu(output), mean, variance)
}

/// `max(a + b, 0)`, the end of a residual block.
pub fn add_relu<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    activation::relu(a + b)
}
