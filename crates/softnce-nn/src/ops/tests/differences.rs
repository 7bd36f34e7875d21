//! The composed twins, which the fused forms are held to, against finite differences in f64.

use burn::tensor::{DType, Device, Tensor};

use super::{numbers, random};
use crate::ops::composed;

fn doubles<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    random(shape, seed, &Device::flex()).cast(DType::F64)
}

/// The derivative along a random direction, by the gradient and by central differences.
#[track_caller]
fn assert_slope<const A: usize, const D: usize>(
    what: &str,
    shape: [usize; A],
    function: impl Fn(Tensor<A>) -> Tensor<D>,
) {
    let (x, direction) = (doubles(shape, 1), doubles(shape, 2));
    let weights = doubles(function(x.clone()).dims(), 3);
    let value = |x: Tensor<A>| (function(x) * weights.clone()).sum();
    let leaf = x.clone().autodiff().require_grad();
    let output = (function(leaf.clone()) * weights.clone().autodiff()).sum();
    let gradient = leaf.grad(&output.backward()).expect("a gradient");
    let found = numbers(&(gradient * direction.clone()).sum())[0];
    let step = 1e-6;
    let (above, below) = (value(x.clone() + direction.clone() * step), value(x - direction * step));
    let expected = (numbers(&above)[0] - numbers(&below)[0]) / (2.0 * step);
    assert!((found - expected).abs() < 1e-6 * expected.abs().max(1.0), "{what}: {found}, not {expected}");
}

#[test]
fn every_twin_has_the_slope_of_its_values() {
    assert_slope("gelu", [3, 7], composed::gelu);
    assert_slope("linear by input", [2, 3, 4], |x| {
        composed::linear(x, doubles([4, 5], 9), Some(doubles([5], 8))).unwrap()
    });
    assert_slope("linear by weight", [4, 5], |w| composed::linear(doubles([2, 3, 4], 9), w, None).unwrap());
    assert_slope("layer norm", [2, 3, 5], |x| composed::layer_norm(x, doubles([5], 9), doubles([5], 8), 1e-3).unwrap());
    assert_slope("attention", [2, 4, 18], |x| composed::attention(x, 3).unwrap());
    assert_slope("conv by input", [2, 2, 6, 5], |x| composed::conv2d(x, doubles([3, 2, 3, 3], 9), 2, 1).unwrap());
    assert_slope("conv by weight", [3, 2, 3, 3], |w| composed::conv2d(doubles([2, 2, 6, 5], 9), w, 2, 1).unwrap());
    let norm = |x| composed::batch_norm_relu(x, doubles([2], 9), doubles([2], 8), 1e-3).unwrap().0;
    assert_slope("batch norm, relu", [3, 2, 4, 3], norm);
    assert_slope("max pool", [2, 2, 5, 4], |x| composed::max_pool2d(x, 3, 2, 1).unwrap());
    assert_slope("sum, relu", [3, 4], |x| composed::add_relu(x, doubles([3, 4], 9)).unwrap());
}
