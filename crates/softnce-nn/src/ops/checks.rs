//! Checks of the arguments of operations, the same for the fused and the composed form.

use super::error::OperationError;

/// `Ok` if the argument has the shape that the others ask for.
fn fits(
    operation: &'static str,
    argument: &'static str,
    found: &[usize],
    expected: &[usize],
) -> Result<(), OperationError> {
    if found == expected {
        return Ok(());
    }
    Err(OperationError::shape(operation, argument, found, format!("shape {expected:?}")))
}

/// Input `[N, L, inputs]`, weight `[inputs, outputs]`, bias `[outputs]`.
pub(super) fn linear(input: [usize; 3], weight: [usize; 2], bias: Option<[usize; 1]>) -> Result<(), OperationError> {
    let [inputs, outputs] = weight;
    fits("linear", "input", &input, &[input[0], input[1], inputs])?;
    bias.map_or(Ok(()), |bias| fits("linear", "bias", &bias, &[outputs]))
}

/// Input `[N, L, D]`, scale and shift `[D]`.
pub(super) fn layer_norm(input: [usize; 3], gamma: [usize; 1], beta: [usize; 1]) -> Result<(), OperationError> {
    fits("layer_norm", "gamma", &gamma, &input[2..])?;
    fits("layer_norm", "beta", &beta, &input[2..])
}

/// Input `[N, C, H, W]`, scale and shift `[C]`.
pub(super) fn batch_norm(input: [usize; 4], gamma: [usize; 1], beta: [usize; 1]) -> Result<(), OperationError> {
    fits("batch_norm", "gamma", &gamma, &input[1..2])?;
    fits("batch_norm", "beta", &beta, &input[1..2])
}

/// Packed queries, keys and values `[N, L, 3 heads size]`.
pub(super) fn attention(qkv: [usize; 3], heads: usize) -> Result<(), OperationError> {
    if heads == 0 {
        return Err(OperationError::number("attention", "heads", heads, "at least 1".into()));
    }
    let fits = heads.checked_mul(3).is_some_and(|parts| qkv[2] > 0 && qkv[2].is_multiple_of(parts));
    if fits {
        return Ok(());
    }
    let expected = format!("a last axis divisible by 3 x {heads} heads");
    Err(OperationError::shape("attention", "qkv", &qkv, expected))
}

/// Input `[N, C, H, W]`, weight `[outputs, C, k, k]`.
pub(super) fn conv2d(
    input: [usize; 4],
    weight: [usize; 4],
    stride: usize,
    padding: usize,
) -> Result<(), OperationError> {
    let ([_, inputs, height, width], [outputs, taken, rows, columns]) = (input, weight);
    if stride == 0 {
        return Err(OperationError::number("conv2d", "stride", stride, "at least 1".into()));
    }
    if inputs == 0 || height == 0 || width == 0 {
        return Err(OperationError::shape(
            "conv2d",
            "input",
            &input,
            "channels, height and width of at least 1".into(),
        ));
    }
    if taken != inputs {
        return Err(OperationError::shape("conv2d", "weight", &weight, format!("{inputs} input channels")));
    }
    // Half of all numbers leaves room for the size of a padded picture.
    let largest = (usize::MAX / 2 - height.max(width)) / 2;
    if padding > largest {
        return Err(OperationError::number("conv2d", "padding", padding, format!("at most {largest}")));
    }
    let (most_rows, most_columns) = (height + 2 * padding, width + 2 * padding);
    if outputs == 0 || !(1..=most_rows).contains(&rows) || !(1..=most_columns).contains(&columns) {
        let expected = format!("at least 1 output channel and a kernel of 1 x 1 to {most_rows} x {most_columns}");
        return Err(OperationError::shape("conv2d", "weight", &weight, expected));
    }
    Ok(())
}

/// Input `[N, C, H, W]`; each window of a kernel of this side must hold a pixel.
pub(super) fn max_pool2d(
    input: [usize; 4],
    kernel: usize,
    stride: usize,
    padding: usize,
) -> Result<(), OperationError> {
    if stride == 0 {
        return Err(OperationError::number("max_pool2d", "stride", stride, "at least 1".into()));
    }
    if padding > kernel / 2 {
        let expected = format!("at most half of the kernel, {}", kernel / 2);
        return Err(OperationError::number("max_pool2d", "padding", padding, expected));
    }
    let [_, channels, height, width] = input;
    if channels == 0 || height == 0 || width == 0 {
        let expected = "channels, height and width of at least 1".into();
        return Err(OperationError::shape("max_pool2d", "input", &input, expected));
    }
    let most = height.min(width).saturating_add(padding.saturating_mul(2));
    if kernel == 0 || kernel > most {
        return Err(OperationError::number("max_pool2d", "kernel", kernel, format!("from 1 to {most}")));
    }
    Ok(())
}

/// Two terms of one shape.
pub(super) fn add_relu(a: &[usize], b: &[usize]) -> Result<(), OperationError> {
    fits("add_relu", "b", b, a)
}
