//! Each fused operation against its composed form, forward and backward.

mod differences;
mod extremes;
mod modes;
mod refused;
mod threads;
mod twins;

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};

/// Values in [-2, 2), the same for the same seed.
pub(super) fn random<const D: usize>(shape: [usize; D], seed: u64, device: &Device) -> Tensor<D> {
    let mut rng = chacha20::ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-2.0..2.0)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The same values as a leaf of a graph of its own.
pub(super) fn leaf<const D: usize>(tensor: &Tensor<D>) -> Tensor<D> {
    Tensor::<D>::from_data(tensor.to_data(), &Device::flex().autodiff()).require_grad()
}

pub(super) fn numbers<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

/// All the same to within `bound` of the larger of 1 and the size of the expected.
#[track_caller]
pub(super) fn assert_close<const D: usize>(what: &str, found: &Tensor<D>, expected: &Tensor<D>, bound: f64) {
    assert_eq!(found.dims(), expected.dims(), "{what}: shapes");
    let expected = numbers(expected);
    let size = expected.iter().fold(1.0_f64, |most, value| most.max(value.abs()));
    for (at, (found, expected)) in numbers(found).into_iter().zip(expected).enumerate() {
        let off = (found - expected).abs();
        assert!(off <= bound * size, "{what}: value {at} is {found}, expected {expected}");
    }
}

/// `sum of output * weights`, so that the upstream gradient is `weights`.
pub(super) fn weighed<const D: usize>(output: Tensor<D>, weights: &Tensor<D>) -> Tensor<1> {
    (output * weights.clone().autodiff()).sum()
}
