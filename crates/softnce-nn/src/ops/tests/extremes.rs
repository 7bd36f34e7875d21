//! Values where a careless formula overflows, cancels or divides by zero.

use burn::tensor::{Device, Tensor, TensorData};

use super::{leaf, numbers};
use crate::ops::{attention, batch_norm, gelu, layer_norm};

#[test]
fn gelu_far_out_is_the_identity_or_zero() {
    let x = Tensor::<1>::from_floats([-1e30, -30.0, 0.0, 30.0, 1e30], &Device::flex());
    let x = leaf(&x);
    let y = gelu(x.clone());
    let values = numbers(&y);
    assert!(values[0].abs() < 1e-30 && values[1].abs() < 1e-30, "{values:?}");
    assert_eq!(values[2..], [0.0, 30.0, f64::from(1e30_f32)]);
    let slopes = numbers(&x.grad(&y.sum().backward()).expect("a gradient"));
    for (found, expected) in slopes.iter().zip([0.0, 0.0, 0.5, 1.0, 1.0]) {
        assert!((found - expected).abs() < 1e-6, "{slopes:?}");
    }
}

#[test]
fn attention_with_huge_scores_picks_one_row() {
    // Each key answers one query alone, by a score of 1e8: the result is that key's value.
    let (large, small) = (1e4_f32, 0.0);
    let packed = [[large, small, large, small, 3.0, 4.0], [small, large, small, large, 5.0, 6.0]];
    let packed = leaf(&Tensor::from_data(TensorData::new(packed.concat(), [1, 2, 6]), &Device::flex()));
    let output = attention(packed.clone(), 1).unwrap();
    assert_eq!(numbers(&output), [3.0, 4.0, 5.0, 6.0]);
    let gradient = numbers(&packed.grad(&output.sum().backward()).expect("a gradient"));
    assert!(gradient.iter().all(|g| g.is_finite()), "{gradient:?}");
}

#[test]
fn a_constant_row_is_normalised_to_beta() {
    let device = Device::flex();
    let x = leaf(&(Tensor::<3>::ones([1, 2, 48], &device) * 7.0));
    let beta = Tensor::<1>::ones([48], &device) * 0.25;
    let y = layer_norm(x.clone(), Tensor::ones([48], &device), beta, 1e-5).unwrap();
    assert!(numbers(&y).iter().all(|y| *y == 0.25));
    let gradient = numbers(&x.grad(&y.sum().backward()).expect("a gradient"));
    assert!(gradient.iter().all(|g| g.abs() < 1e-3), "{gradient:?}");
}

#[test]
fn a_row_far_from_zero_keeps_its_variance() {
    let values: Vec<f32> = (0..64).map(|n| 10_000.0 + n as f32).collect();
    let x = Tensor::<3>::from_data(TensorData::new(values, [1, 1, 64]), &Device::flex());
    let y = numbers(
        &layer_norm(x, Tensor::ones([64], &Device::flex()), Tensor::zeros([64], &Device::flex()), 0.0).unwrap(),
    );
    // The variance of 0, 1, ..., 63 is (64^2 - 1) / 12.
    let deviation = (4095.0_f64 / 12.0).sqrt();
    for (n, y) in y.iter().enumerate() {
        assert!((y - (n as f64 - 31.5) / deviation).abs() < 1e-4, "{n}: {y}");
    }
}

#[test]
fn a_constant_channel_is_normalised_to_beta_and_a_far_one_keeps_its_variance() {
    let device = Device::flex();
    let far: Vec<f32> = (0..64).map(|n| 10_000.0 + n as f32).collect();
    // Channel 0 constant, channel 1 far from zero, over two pictures.
    let values: Vec<f32> = (0..2).flat_map(|n| vec![7.0; 32].into_iter().chain(far[n * 32..][..32].to_vec())).collect();
    let x = Tensor::<4>::from_data(TensorData::new(values, [2, 2, 4, 8]), &device);
    let beta = Tensor::<1>::from_floats([0.25, 0.0], &device);
    let (y, mean, variance) = batch_norm(x, Tensor::ones([2], &device), beta, 1e-9).unwrap();
    assert_eq!(numbers(&mean), [7.0, 10_031.5]);
    assert_eq!(numbers(&variance), [0.0, 4095.0 / 12.0]);
    let y = numbers(&y);
    assert!(y[..32].iter().chain(&y[64..96]).all(|y| *y == 0.25));
    let deviation = (4095.0_f64 / 12.0).sqrt();
    for (n, y) in y[32..64].iter().chain(&y[96..]).enumerate() {
        assert!((y - (n as f64 - 31.5) / deviation).abs() < 1e-4, "{n}: {y}");
    }
}
