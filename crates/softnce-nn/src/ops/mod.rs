//! Operations of the networks. On the CPU device Flex they run as kernels with a backward pass of their own; on other
//! devices, and as the readable reference of the tests, they are composed of Burn's operations.

mod checks;
pub mod composed;
mod error;
mod fused;
mod graph;
mod kernels;
mod memory;
mod normalised;
#[cfg(test)]
mod tests;

use burn::tensor::Tensor;

pub use error::OperationError;
pub use normalised::Normalised;

/// `x W + bias` over the last axis.
///
/// # Shapes
/// `input` `[N, L, inputs]`, `weight` `[inputs, outputs]`, `bias` `[outputs]`; result `[N, L, outputs]`.
///
/// # Errors
/// If the shapes do not fit together.
pub fn linear(input: Tensor<3>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Result<Tensor<3>, OperationError> {
    checks::linear(input.dims(), weight.dims(), bias.as_ref().map(Tensor::dims))?;
    fused::linear(&input, &weight, bias.as_ref()).map_or_else(|| composed::linear(input, weight, bias), Ok)
}

/// The exact GELU, `x Phi(x)` (Hendrycks and Gimpel, arXiv 1606.08415).
pub fn gelu<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    fused::gelu(&input).unwrap_or_else(|| composed::gelu(input))
}

/// Layer normalisation over the last axis (Ba et al., arXiv 1607.06450).
///
/// # Shapes
/// `input` `[N, L, D]`, `gamma` and `beta` `[D]`; result as `input`.
///
/// # Errors
/// If the shapes do not fit together.
pub fn layer_norm(
    input: Tensor<3>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Result<Tensor<3>, OperationError> {
    checks::layer_norm(input.dims(), gamma.dims(), beta.dims())?;
    fused::layer_norm(&input, &gamma, &beta, epsilon)
        .map_or_else(|| composed::layer_norm(input, gamma, beta, epsilon), Ok)
}

/// Multi-head self-attention between the projections (Vaswani et al., arXiv 1706.03762):
/// `softmax(Q K^T / sqrt(D / heads)) V`.
///
/// # Shapes
/// `qkv` `[N, L, 3 D]`: queries, keys and values of all heads, one after another, as timm's `qkv` layer gives them;
/// result `[N, L, D]`.
///
/// # Errors
/// If `heads` is 0, or the last axis is empty or cannot be divided into three parts of `heads` heads.
pub fn attention(qkv: Tensor<3>, heads: usize) -> Result<Tensor<3>, OperationError> {
    checks::attention(qkv.dims(), heads)?;
    fused::attention(&qkv, heads).map_or_else(|| composed::attention(qkv, heads), Ok)
}

/// Convolution in two dimensions, without bias. `padding` rows and columns of zeros surround each picture.
///
/// # Shapes
/// `input` `[N, C, H, W]`, `weight` `[outputs, C, h, w]`; result `[N, outputs, (H + 2 padding - h) / stride + 1,
/// (W + 2 padding - w) / stride + 1]`, rounded down.
///
/// # Errors
/// If `stride` is 0, the channels differ, an axis other than N is empty, or the kernel is larger than the padded picture.
pub fn conv2d(input: Tensor<4>, weight: Tensor<4>, stride: usize, padding: usize) -> Result<Tensor<4>, OperationError> {
    checks::conv2d(input.dims(), weight.dims(), stride, padding)?;
    fused::conv2d(&input, &weight, stride, padding).map_or_else(|| composed::conv2d(input, weight, stride, padding), Ok)
}

/// The largest value of each window of `kernel` x `kernel` pixels, `stride` apart. `padding` rows and columns around each
/// picture never hold the largest value.
///
/// # Shapes
/// `input` `[N, C, H, W]`; result `[N, C, (H + 2 padding - kernel) / stride + 1, (W + 2 padding - kernel) / stride + 1]`,
/// rounded down.
///
/// # Errors
/// If `stride` is 0, the padding is larger than half of the kernel, an axis other than N is empty, or the kernel is 0 or
/// larger than the padded picture.
pub fn max_pool2d(input: Tensor<4>, kernel: usize, stride: usize, padding: usize) -> Result<Tensor<4>, OperationError> {
    checks::max_pool2d(input.dims(), kernel, stride, padding)?;
    fused::max_pool2d(&input, kernel, stride, padding)
        .map_or_else(|| composed::max_pool2d(input, kernel, stride, padding), Ok)
}

/// Batch normalisation with the batch's own statistics (Ioffe and Szegedy, arXiv 1502.03167), for training.
///
/// # Shapes
/// `input` `[N, C, H, W]`, `gamma` and `beta` `[C]`; results as `input`, `[C]` and `[C]`.
///
/// # Errors
/// If the shapes do not fit together.
pub fn batch_norm(
    input: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Result<Normalised, OperationError> {
    checks::batch_norm(input.dims(), gamma.dims(), beta.dims())?;
    let fused = fused::batch_norm::<false>(&input, &gamma, &beta, epsilon);
    fused.map_or_else(|| composed::batch_norm(input, gamma, beta, epsilon).map(outside_graph), Ok)
}

/// [`batch_norm`]; values below 0 become 0.
///
/// # Shapes
/// As [`batch_norm`].
///
/// # Errors
/// As [`batch_norm`].
pub fn batch_norm_relu(
    input: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Result<Normalised, OperationError> {
    checks::batch_norm(input.dims(), gamma.dims(), beta.dims())?;
    let fused = fused::batch_norm::<true>(&input, &gamma, &beta, epsilon);
    fused.map_or_else(|| composed::batch_norm_relu(input, gamma, beta, epsilon).map(outside_graph), Ok)
}

/// The statistics as plain tensors, as the fused form returns them.
fn outside_graph((output, mean, variance): Normalised) -> Normalised {
    (output, mean.without_autodiff(), variance.without_autodiff())
}

/// `max(a + b, 0)`, the end of a residual block.
///
/// # Errors
/// If the shapes differ.
pub fn add_relu<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Result<Tensor<D>, OperationError> {
    checks::add_relu(&a.dims(), &b.dims())?;
    fused::add_relu(&a, &b).map_or_else(|| composed::add_relu(a, b), Ok)
}
