//! The operations of the parent module, composed of Burn's. Shapes and errors are those stated there.

use burn::tensor::activation::softmax;
use burn::tensor::module;
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, activation};

use super::checks;
use super::error::OperationError;
use super::normalised::Normalised;

/// `x W + bias` over the last axis.
pub fn linear(input: Tensor<3>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Result<Tensor<3>, OperationError> {
    checks::linear(input.dims(), weight.dims(), bias.as_ref().map(Tensor::dims))?;
    Ok(module::linear(input, weight, bias))
}

/// The exact GELU, `x Phi(x)` (Hendrycks and Gimpel, arXiv 1606.08415).
///
/// Burn's own GELU is not used: on other devices than the CPU, its derivative is that of the approximation by tanh.
pub fn gelu<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    let below = (input.clone() * std::f64::consts::FRAC_1_SQRT_2).erf() * 0.5 + 0.5;
    input * below
}

/// Layer normalisation over the last axis (Ba et al., arXiv 1607.06450).
pub fn layer_norm(
    input: Tensor<3>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Result<Tensor<3>, OperationError> {
    checks::layer_norm(input.dims(), gamma.dims(), beta.dims())?;
    let mean = input.clone().mean_dim(2);
    let centred = input - mean;
    let variance = (centred.clone() * centred.clone()).mean_dim(2);
    Ok(centred / (variance + epsilon).sqrt() * gamma.unsqueeze() + beta.unsqueeze())
}

/// Multi-head self-attention between the projections (Vaswani et al., arXiv 1706.03762):
/// `softmax(Q K^T / sqrt(D / heads)) V`.
pub fn attention(qkv: Tensor<3>, heads: usize) -> Result<Tensor<3>, OperationError> {
    checks::attention(qkv.dims(), heads)?;
    let [rows, length, width] = qkv.dims();
    let size = width / (3 * heads);
    let parts = qkv.reshape([rows, length, 3, heads, size]).permute([2, 0, 3, 1, 4]);
    let part = |number: usize| parts.clone().narrow(0, number, 1).squeeze_dim::<4>(0);
    let (queries, keys, values) = (part(0), part(1), part(2));
    let scores = queries.matmul(keys.swap_dims(2, 3)) / (size as f64).sqrt();
    Ok(softmax(scores, 3).matmul(values).swap_dims(1, 2).reshape([rows, length, heads * size]))
}

/// Convolution in two dimensions, without bias.
pub fn conv2d(input: Tensor<4>, weight: Tensor<4>, stride: usize, padding: usize) -> Result<Tensor<4>, OperationError> {
    checks::conv2d(input.dims(), weight.dims(), stride, padding)?;
    Ok(module::conv2d(input, weight, None, ConvOptions::new([stride; 2], [padding; 2], [1, 1], 1)))
}

/// The largest value of each window of `kernel` x `kernel` pixels, `stride` apart.
pub fn max_pool2d(input: Tensor<4>, kernel: usize, stride: usize, padding: usize) -> Result<Tensor<4>, OperationError> {
    checks::max_pool2d(input.dims(), kernel, stride, padding)?;
    let options = MaxPoolOptions::new([kernel; 2]).with_stride([stride; 2]).with_padding([padding; 2]);
    Ok(module::max_pool2d(input, options))
}

/// Batch normalisation with the batch's own statistics (Ioffe and Szegedy, arXiv 1502.03167), for training.
pub fn batch_norm(
    input: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Result<Normalised, OperationError> {
    checks::batch_norm(input.dims(), gamma.dims(), beta.dims())?;
    let channels = input.dims()[1];
    let over_channels = |values: Tensor<1>| values.reshape([1, channels, 1, 1]);
    let mean = input.clone().mean_dims(&[0, 2, 3]);
    let centred = input - mean.clone();
    let variance = (centred.clone() * centred.clone()).mean_dims(&[0, 2, 3]);
    let normalised = centred / (variance.clone() + epsilon).sqrt();
    let output = normalised * over_channels(gamma) + over_channels(beta);
    Ok((output, mean.reshape([channels]).detach(), variance.reshape([channels]).detach()))
}

/// [`batch_norm`]; values below 0 become 0.
pub fn batch_norm_relu(
    input: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Result<Normalised, OperationError> {
    let (output, mean, variance) = batch_norm(input, gamma, beta, epsilon)?;
    Ok((activation::relu(output), mean, variance))
}

/// `max(a + b, 0)`, the end of a residual block.
pub fn add_relu<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Result<Tensor<D>, OperationError> {
    checks::add_relu(&a.dims(), &b.dims())?;
    Ok(activation::relu(a + b))
}
