//! Which gradients are needed, and which inputs the fused forms leave to the composed ones.

use burn::tensor::{DType, Device, Tensor};

use super::{assert_close, leaf, numbers, random};
use crate::ops::{attention, batch_norm, composed, conv2d, fused, gelu, layer_norm, linear, max_pool2d};

fn flex<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    random(shape, seed, &Device::flex())
}

#[test]
fn without_autodiff_the_result_has_none_and_is_fused() {
    let (x, w) = (flex([2, 5, 12], 1), flex([12, 7], 2));
    let y = fused::linear(&x, &w, None).expect("fused");
    assert!(!y.is_autodiff());
    assert_close("linear", &y, &composed::linear(x.clone(), w, None).unwrap(), 1e-5);
    assert!(!fused::attention(&x, 2).expect("fused").is_autodiff());
}

#[test]
fn untracked_inputs_on_an_autodiff_device_give_the_same_values() {
    let device = Device::flex().autodiff();
    let x: Tensor<3> = random([2, 5, 12], 1, &device);
    let (y, z) = (attention(x.clone(), 2).unwrap(), gelu(x.clone()));
    assert!(!y.is_tracked() && !z.is_tracked());
    assert_close("attention", &y.without_autodiff(), &attention(x.without_autodiff(), 2).unwrap(), 0.0);
}

#[test]
fn only_the_weight_asks_for_a_gradient() {
    let (x, w, b) = (flex([2, 5, 4], 1), leaf(&flex([4, 3], 2)), flex([3], 3));
    let y = linear(x.clone(), w.clone(), Some(b)).unwrap();
    let found = w.grad(&y.sum().backward()).expect("a gradient");
    // d sum(y) / dW = column of the inputs' sums, repeated.
    let expected = x.reshape([10, 4]).sum_dim(0).swap_dims(0, 1).repeat_dim(1, 3);
    assert_close("by weight", &found, &expected, 1e-6);
}

#[test]
fn only_gamma_asks_for_a_gradient() {
    let (x, g, b) = (flex([2, 5, 4], 1), leaf(&flex([4], 2)), flex([4], 3));
    let plain =
        layer_norm(x.clone(), Tensor::ones([4], &Device::flex()), Tensor::zeros([4], &Device::flex()), 1e-5).unwrap();
    let y = layer_norm(x, g.clone(), b, 1e-5).unwrap();
    let found = g.grad(&y.sum().backward()).expect("a gradient");
    assert_close("by gamma", &found, &plain.reshape([10, 4]).sum_dim(0).reshape([4]), 1e-5);
}

#[test]
fn a_tensor_used_twice_gets_both_gradients() {
    let x = leaf(&flex([1, 3, 3], 1));
    let y = gelu(x.clone()) + gelu(x.clone());
    let both = x.grad(&y.sum().backward()).expect("a gradient");
    let one = x.grad(&gelu(x.clone()).sum().backward()).expect("a gradient");
    assert_close("both", &both, &(one * 2.0), 1e-6);
}

#[test]
fn strided_inputs_are_read_where_they_lie() {
    let (x, w) = (flex([4, 6, 5], 1).swap_dims(0, 1), flex([3, 5], 2).swap_dims(0, 1));
    let (x, w) = (x.slice([1..5, 0..4, 0..5]), w);
    let found = fused::linear(&x, &w, None).expect("fused");
    assert_close("linear", &found, &composed::linear(x.clone(), w, None).unwrap(), 1e-5);
    assert_close("gelu", &gelu(x.clone()), &composed::gelu(x), 1e-6);
}

#[test]
fn other_types_are_left_to_the_composed_form() {
    let x = flex([2, 5, 12], 1);
    assert!(fused::gelu(&x.clone().cast(DType::F64)).is_none());
    assert!(fused::gelu(&x.clone().cast(DType::F16)).is_none());
    let pictures = flex([2, 3, 8, 8], 1);
    assert!(fused::conv2d(&pictures.clone().cast(DType::F64), &flex([5, 3, 3, 3], 2), 1, 1).is_none());
    assert!(fused::conv2d(&pictures, &flex([5, 3, 3, 3], 2), 1, 1).is_some());
    assert!(fused::max_pool2d(&pictures.clone().cast(DType::F64), 3, 2, 1).is_none());
    assert!(fused::max_pool2d(&pictures, 3, 2, 1).is_some());
    // Windows with more places than a byte can number.
    let wide = flex([1, 1, 20, 20], 1);
    assert!(fused::max_pool2d(&wide, 17, 1, 0).is_none() && max_pool2d(wide, 17, 1, 0).is_ok());
    let doubles = gelu(x.clone().cast(DType::F64));
    assert_eq!(doubles.dtype(), DType::F64);
    assert_close("gelu", &gelu(x), &doubles, 1e-6);
}

#[test]
fn empty_tensors_pass() {
    let device = Device::flex().autodiff();
    for shape in [[0, 5, 12], [2, 0, 12], [0, 0, 12]] {
        let x: Tensor<3> = Tensor::zeros(shape, &device).require_grad();
        let w: Tensor<2> = random([12, 7], 1, &device).require_grad();
        let y = linear(x.clone(), w.clone(), Some(Tensor::ones([7], &device))).unwrap();
        assert_eq!(y.dims(), [shape[0], shape[1], 7]);
        assert_eq!(gelu(x.clone()).dims(), shape);
        assert_eq!(
            layer_norm(x.clone(), Tensor::ones([12], &device), Tensor::ones([12], &device), 1e-5).unwrap().dims(),
            shape
        );
        assert_eq!(attention(x.clone(), 2).unwrap().dims(), [shape[0], shape[1], 4]);
    }
    let none: Tensor<3> = Tensor::zeros([3, 4, 0], &device);
    assert_eq!(gelu(none.clone()).dims(), [3, 4, 0]);
    let weights: Tensor<2> = Tensor::zeros([0, 2], &device);
    let biases = linear(none, weights, Some(Tensor::ones([2], &device))).unwrap();
    assert_eq!(numbers(&biases), vec![1.0; 24]);
}

#[test]
fn empty_batches_of_pictures_pass() {
    let device = Device::flex().autodiff();
    let x: Tensor<4> = Tensor::zeros([0, 3, 8, 8], &device).require_grad();
    let w: Tensor<4> = random([5, 3, 3, 3], 1, &device).require_grad();
    let y = conv2d(x, w.clone(), 2, 1).unwrap();
    assert_eq!(y.dims(), [0, 5, 4, 4]);
    assert_eq!(max_pool2d(y.clone(), 3, 2, 1).unwrap().dims(), [0, 5, 2, 2]);
    let (z, mean, _) = batch_norm(y.clone(), Tensor::ones([5], &device), Tensor::zeros([5], &device), 1e-5).unwrap();
    assert_eq!((z.dims(), mean.dims()), ([0, 5, 4, 4], [5]));
    let gradient = w.grad(&y.sum().backward()).expect("a gradient");
    assert_eq!(numbers(&gradient), vec![0.0; 135]);
}

#[test]
fn statistics_of_a_tracked_batch_are_outside_the_graph() {
    let x = leaf(&flex([2, 3, 4, 4], 1));
    let ones = || Tensor::<1>::ones([3], &Device::flex());
    let (_, mean, variance) = batch_norm(x, ones(), ones(), 1e-5).unwrap();
    assert!(!mean.is_autodiff() && !variance.is_autodiff());
}
