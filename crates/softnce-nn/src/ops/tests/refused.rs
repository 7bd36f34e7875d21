//! Arguments that are out of range or do not fit together are errors, in the fused and in the composed form.

use burn::tensor::{Device, Tensor};

use super::random;
use crate::ops::{self, OperationError, composed};

fn flex<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    random(shape, 1, &Device::flex())
}

#[track_caller]
fn assert_refused<T>(outcomes: [Result<T, OperationError>; 2], operation: &str, argument: &str, message: &str) {
    for outcome in outcomes {
        let Err(error) = outcome else { panic!("{operation} accepted {argument}") };
        assert_eq!((error.operation, error.argument), (operation, argument));
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn linear_refuses_other_widths() {
    let refused = |input: [usize; 3], weight: [usize; 2], bias: [usize; 1], argument, message| {
        let arguments = || (flex(input), flex(weight), Some(flex(bias)));
        let both = [ops::linear, composed::linear].map(|form| {
            let (input, weight, bias) = arguments();
            form(input, weight, bias)
        });
        assert_refused(both, "linear", argument, message);
    };
    let message = "linear: input is of shape [2, 5, 12], expected shape [2, 5, 11]";
    refused([2, 5, 12], [11, 3], [3], "input", message);
    refused([2, 5, 12], [12, 3], [4], "bias", "linear: bias is of shape [4], expected shape [3]");
}

#[test]
fn layer_norm_refuses_other_widths() {
    let refused = |gamma: [usize; 1], beta: [usize; 1], argument, message| {
        let both =
            [ops::layer_norm, composed::layer_norm].map(|form| form(flex([2, 5, 12]), flex(gamma), flex(beta), 1e-5));
        assert_refused(both, "layer_norm", argument, message);
    };
    refused([11], [12], "gamma", "layer_norm: gamma is of shape [11], expected shape [12]");
    refused([12], [1], "beta", "layer_norm: beta is of shape [1], expected shape [12]");
}

#[test]
fn batch_norm_refuses_other_channels() {
    let forms = [ops::batch_norm, composed::batch_norm, ops::batch_norm_relu, composed::batch_norm_relu];
    for pair in forms.as_chunks::<2>().0 {
        let refused = |gamma: [usize; 1], beta: [usize; 1], argument, message| {
            let both = pair.map(|form| form(flex([2, 5, 4, 4]), flex(gamma), flex(beta), 1e-5));
            assert_refused(both, "batch_norm", argument, message);
        };
        refused([4], [5], "gamma", "batch_norm: gamma is of shape [4], expected shape [5]");
        refused([5], [1], "beta", "batch_norm: beta is of shape [1], expected shape [5]");
    }
}

#[test]
fn attention_refuses_heads_that_do_not_divide_the_width() {
    let refused = |width: usize, heads: usize, argument, message| {
        let both = [ops::attention, composed::attention].map(|form| form(flex([2, 5, width]), heads));
        assert_refused(both, "attention", argument, message);
    };
    refused(12, 0, "heads", "attention: heads is 0, expected at least 1");
    let message = "attention: qkv is of shape [2, 5, 12], expected a last axis divisible by 3 x 5 heads";
    refused(12, 5, "qkv", message);
    // Divisible by the heads, but not into three parts.
    refused(10, 2, "qkv", "attention: qkv is of shape [2, 5, 10], expected a last axis divisible by 3 x 2 heads");
    refused(0, 2, "qkv", "attention: qkv is of shape [2, 5, 0], expected a last axis divisible by 3 x 2 heads");
    let both = [ops::attention, composed::attention].map(|form| form(flex([2, 5, 12]), usize::MAX));
    assert!(both.iter().all(Result::is_err));
}

#[test]
fn conv2d_refuses_sizes_without_a_result() {
    let refused = |input: [usize; 4], weight: [usize; 4], stride, padding, argument, message: &str| {
        let both = [ops::conv2d, composed::conv2d].map(|form| form(flex(input), flex(weight), stride, padding));
        assert_refused(both, "conv2d", argument, message);
    };
    let (input, weight) = ([2, 3, 8, 6], [5, 3, 3, 3]);
    refused(input, weight, 0, 1, "stride", "conv2d: stride is 0, expected at least 1");
    refused(input, [5, 2, 3, 3], 1, 1, "weight", "conv2d: weight is of shape [5, 2, 3, 3], expected 3 input channels");
    for kernel in [[5, 3, 9, 3], [5, 3, 3, 7], [5, 3, 0, 3], [0, 3, 3, 3]] {
        let expected = "at least 1 output channel and a kernel of 1 x 1 to 8 x 6";
        refused(input, kernel, 1, 0, "weight", &format!("conv2d: weight is of shape {kernel:?}, expected {expected}"));
    }
    for empty in [[2, 0, 8, 6], [2, 3, 0, 6], [2, 3, 8, 0]] {
        let expected = "channels, height and width of at least 1";
        let message = format!("conv2d: input is of shape {empty:?}, expected {expected}");
        refused(empty, [5, empty[1], 3, 3], 1, 1, "input", &message);
    }
    for padding in [usize::MAX, usize::MAX / 2] {
        let largest = (usize::MAX / 2 - 8) / 2;
        let message = format!("conv2d: padding is {padding}, expected at most {largest}");
        refused(input, weight, 1, padding, "padding", &message);
    }
}

#[test]
fn max_pool2d_refuses_windows_without_a_pixel() {
    let refused = |input: [usize; 4], (kernel, stride, padding), argument, message: &str| {
        let both = [ops::max_pool2d, composed::max_pool2d].map(|form| form(flex(input), kernel, stride, padding));
        assert_refused(both, "max_pool2d", argument, message);
    };
    let input = [2, 3, 8, 6];
    refused(input, (3, 0, 1), "stride", "max_pool2d: stride is 0, expected at least 1");
    refused(input, (3, 2, 2), "padding", "max_pool2d: padding is 2, expected at most half of the kernel, 1");
    refused(input, (0, 2, 0), "kernel", "max_pool2d: kernel is 0, expected from 1 to 6");
    refused(input, (7, 2, 0), "kernel", "max_pool2d: kernel is 7, expected from 1 to 6");
    let message = "max_pool2d: padding is 18446744073709551615, expected at most half of the kernel, 1";
    refused(input, (3, 1, usize::MAX), "padding", message);
    refused(
        input,
        (usize::MAX, 1, 0),
        "kernel",
        &format!("max_pool2d: kernel is {}, expected from 1 to 6", usize::MAX),
    );
    for empty in [[2, 0, 8, 6], [2, 3, 0, 6], [2, 3, 8, 0]] {
        let message =
            format!("max_pool2d: input is of shape {empty:?}, expected channels, height and width of at least 1");
        refused(empty, (1, 1, 0), "input", &message);
    }
}

#[test]
fn add_relu_refuses_other_shapes() {
    let both = [ops::add_relu, composed::add_relu].map(|form| form(flex([2, 3]), flex([2, 1])));
    assert_refused(both, "add_relu", "b", "add_relu: b is of shape [2, 1], expected shape [2, 3]");
}
