//! Fused and composed side by side, at random shapes.

use burn::tensor::{Device, Tensor};
use proptest::prelude::*;

use super::{assert_close, leaf, random, weighed};
use crate::ops::{
    Normalised, OperationError, add_relu, attention, batch_norm, batch_norm_relu, composed, conv2d, gelu, layer_norm,
    linear, max_pool2d,
};

type Outcome<T> = Result<T, OperationError>;

/// Output and gradients of a function of up to three tensors.
type Traced<const D: usize> = (Tensor<D>, Vec<Tensor<1>>);

fn flat<const D: usize>(tensor: Option<Tensor<D>>) -> Tensor<1> {
    tensor.expect("a gradient").flatten(0, D - 1)
}

/// Output of `function` of three leaves and the gradients by them, under random upstream gradients.
fn traced<const A: usize, const B: usize, const C: usize, const D: usize>(
    (a, b, c): (&Tensor<A>, &Tensor<B>, &Tensor<C>),
    function: impl Fn(Tensor<A>, Tensor<B>, Tensor<C>) -> Tensor<D>,
) -> Traced<D> {
    let (a, b, c) = (leaf(a), leaf(b), leaf(c));
    let output = function(a.clone(), b.clone(), c.clone());
    let gradients = weighed(output.clone(), &random(output.dims(), 99, &Device::flex())).backward();
    let by = [flat(a.grad(&gradients)), flat(b.grad(&gradients)), flat(c.grad(&gradients))];
    (output.without_autodiff(), by.into())
}

#[track_caller]
fn assert_twins<const D: usize>(fused: Traced<D>, composed: Traced<D>, bound: f64) {
    assert_close("output", &fused.0, &composed.0, bound);
    for (number, (found, expected)) in fused.1.iter().zip(&composed.1).enumerate() {
        assert_close(&format!("gradient {number}"), found, expected, bound);
    }
}

fn flex<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    random(shape, seed, &Device::flex())
}

/// Phases of a stride without a column of the picture, or without a row.
#[test]
fn conv2d_of_pictures_narrower_than_the_stride_is_its_twin() {
    for (height, width, kernel, stride) in [(6, 1, 3, 3), (1, 6, 3, 3), (5, 2, 4, 4), (1, 1, 3, 3), (2, 5, 4, 4)] {
        let x = flex([2, 3, height, width], 1);
        let (w, none) = (flex([2, 3, kernel, kernel], 2), flex([1], 0));
        let run = |f: fn(Tensor<4>, Tensor<4>, usize, usize) -> Outcome<Tensor<4>>| {
            traced((&x, &w, &none), |x, w, c| f(x, w, stride, 1).unwrap() + c.unsqueeze::<4>() * 0.0)
        };
        assert_twins(run(conv2d), run(composed::conv2d), 1e-5);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn linear_is_its_twin(
        rows in 1..6_usize, length in 1..150_usize, inputs in 1..70_usize, outputs in 1..70_usize, seed: u64
    ) {
        let (x, w, b) = (flex([rows, length, inputs], seed), flex([inputs, outputs], !seed), flex([outputs], seed / 2));
        let run = |f: fn(Tensor<3>, Tensor<2>, Option<Tensor<1>>) -> Outcome<Tensor<3>>| {
            traced((&x, &w, &b), |x, w, b| f(x, w, Some(b)).unwrap())
        };
        assert_twins(run(linear), run(composed::linear), 1e-5);
        let without = linear(x.clone(), w.clone(), None).unwrap();
        assert_close("without bias", &without, &composed::linear(x, w, None).unwrap(), 1e-5);
    }

    #[test]
    fn gelu_is_its_twin(rows in 1..4_usize, length in 1..80_usize, width in 1..80_usize, seed: u64) {
        let x = flex([rows, length, width], seed) * 3.0;
        let none = flex([1], 0);
        let run = |f: fn(Tensor<3>) -> Tensor<3>| {
            traced((&x, &none, &none), |x, a, b| f(x) + (a * b).unsqueeze::<3>() * 0.0)
        };
        assert_twins(run(gelu), run(composed::gelu), 2e-6);
    }

    #[test]
    fn layer_norm_is_its_twin(rows in 1..5_usize, length in 1..70_usize, width in 1..200_usize, seed: u64) {
        let (x, g, b) = (flex([rows, length, width], seed) + 0.5, flex([width], !seed), flex([width], seed / 2));
        let run = |f: fn(Tensor<3>, Tensor<1>, Tensor<1>, f64) -> Outcome<Tensor<3>>| {
            traced((&x, &g, &b), |x, g, b| f(x, g, b, 1e-3).unwrap())
        };
        assert_twins(run(layer_norm), run(composed::layer_norm), 1e-5);
    }

    #[test]
    fn attention_is_its_twin(
        rows in 1..4_usize, length in 1..70_usize, heads in prop::sample::select(vec![1_usize, 3, 12]),
        size in 1..40_usize, seed: u64
    ) {
        let x = flex([rows, length, 3 * heads * size], seed);
        let none = flex([1], 0);
        let run = |f: fn(Tensor<3>, usize) -> Outcome<Tensor<3>>| {
            traced((&x, &none, &none), |x, a, b| f(x, heads).unwrap() + (a * b).unsqueeze::<3>() * 0.0)
        };
        assert_twins(run(attention), run(composed::attention), 1e-5);
    }

    #[test]
    fn conv2d_is_its_twin(
        pictures in 1..5_usize, inputs in 1..6_usize, outputs in 1..11_usize,
        height in 4..14_usize, width in 4..14_usize,
        (kernel, stride, padding) in prop::sample::select(
            vec![(3_usize, 1_usize, 1_usize), (3, 2, 1), (1, 1, 0), (1, 2, 0), (4, 4, 0), (3, 1, 0)]
        ),
        seed: u64
    ) {
        let x = flex([pictures, inputs, height, width], seed);
        let (w, none) = (flex([outputs, inputs, kernel, kernel], !seed), flex([1], 0));
        let run = |f: fn(Tensor<4>, Tensor<4>, usize, usize) -> Outcome<Tensor<4>>| {
            traced((&x, &w, &none), |x, w, c| f(x, w, stride, padding).unwrap() + c.unsqueeze::<4>() * 0.0)
        };
        assert_twins(run(conv2d), run(composed::conv2d), 1e-5);
    }

    #[test]
    fn batch_norm_is_its_twin(
        pictures in 1..6_usize, channels in 1..6_usize, height in 1..9_usize, width in 2..9_usize, seed: u64
    ) {
        let x = flex([pictures, channels, height, width], seed) + 0.5;
        let (g, b) = (flex([channels], !seed), flex([channels], seed / 2));
        type Form = fn(Tensor<4>, Tensor<1>, Tensor<1>, f64) -> Outcome<Normalised>;
        let run = |f: Form| traced((&x, &g, &b), |x, g, b| f(x, g, b, 1e-3).unwrap().0);
        assert_twins(run(batch_norm), run(composed::batch_norm), 2e-5);
        assert_twins(run(batch_norm_relu), run(composed::batch_norm_relu), 2e-5);
        let (found, expected) = (
            batch_norm(x.clone(), g.clone(), b.clone(), 1e-3).unwrap(), composed::batch_norm(x, g, b, 1e-3).unwrap()
        );
        assert_close("mean", &found.1, &expected.1, 1e-6);
        assert_close("variance", &found.2, &expected.2, 1e-6);
    }

    #[test]
    fn max_pool2d_is_its_twin(
        pictures in 1..4_usize, channels in 1..4_usize, height in 1..12_usize, width in 1..12_usize,
        (kernel, stride, padding) in prop::sample::select(
            vec![(3_usize, 2_usize, 1_usize), (2, 2, 0), (3, 1, 1), (1, 1, 0), (2, 3, 1), (5, 2, 2)]
        ),
        levels in prop::sample::select(vec![3.0, 1e6]),
        seed: u64
    ) {
        prop_assume!(kernel <= height.min(width) + 2 * padding);
        // Few levels make equal values, of which the first counts.
        let x = (flex([pictures, channels, height, width], seed) * levels).round() / levels;
        let none = flex([1], 0);
        let run = |f: fn(Tensor<4>, usize, usize, usize) -> Outcome<Tensor<4>>| {
            traced((&x, &none, &none), |x, a, b| f(x, kernel, stride, padding).unwrap() + (a * b).unsqueeze::<4>() * 0.0)
        };
        assert_twins(run(max_pool2d), run(composed::max_pool2d), 1e-6);
    }

    #[test]
    fn add_relu_is_its_twin(rows in 1..6_usize, columns in 1..6000_usize, seed: u64) {
        let (a, b, none) = (flex([rows, columns], seed), flex([rows, columns], !seed), flex([1], 0));
        let run = |f: fn(Tensor<2>, Tensor<2>) -> Outcome<Tensor<2>>| {
            traced((&a, &b, &none), |a, b, c| f(a, b).unwrap() + c.unsqueeze::<2>() * 0.0)
        };
        assert_twins(run(add_relu), run(composed::add_relu), 0.0);
    }
}
