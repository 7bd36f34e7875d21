#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use chacha20::ChaCha8Rng;
use ndarray::{Array2, array, s};
use rand::{RngExt, SeedableRng};

use super::*;
use crate::evaluate;

/// Logits whose labels are drawn from `softmax(logits / temperature)`.
fn drawn(examples: usize, classes: usize, temperature: f64, seed: u64) -> (Array2<f32>, Vec<usize>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let logits = Array2::from_shape_simple_fn((examples, classes), || 6.0 * rng.random::<f32>());
    let labels = logits.rows().into_iter().map(|row| {
        let weights: Vec<f64> = row.iter().map(|&logit| (f64::from(logit) / temperature).exp()).collect();
        let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
        let class = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        class.unwrap_or(classes - 1)
    });
    let labels = labels.collect();
    (logits, labels)
}

#[test]
fn finds_the_temperature_of_two_classes_by_hand() {
    // All margins are 2, and 3 of 4 are right: sigmoid(2 / t) = 3/4, t = 2 / log 3.
    let logits = array![[2.0_f32, 0.0], [0.0, 2.0], [5.0, 3.0], [1.0, 3.0]];
    let fit = TemperatureFit::fit(logits.view(), &[0, 1, 0, 0], 1.0).unwrap();
    assert!((fit.temperature / (2.0 / 3f64.ln()) - 1.0).abs() < 1e-8, "{fit:?}");
    // -(3 * np.log(3 / 4) + np.log(1 / 4)) / 4
    assert!((fit.nll_after - 0.562_335_144_618_808_3).abs() < 1e-12, "{fit:?}");
    assert!(!fit.at_bound && fit.passes < 15, "{fit:?}");
}

#[test]
fn finds_the_temperature_that_labels_were_drawn_with() {
    for (seed, temperature) in [0.4, 1.0, 3.0].into_iter().enumerate() {
        let (logits, labels) = drawn(20_000, 10, temperature, seed as u64);
        for start in [0.1, 1.0, 20.0] {
            let fit = TemperatureFit::fit(logits.view(), &labels, start).unwrap();
            // About four standard errors.
            assert!((fit.temperature / temperature - 1.0).abs() < 0.06, "{fit:?}, drawn with {temperature}");
            assert!(fit.nll_after <= fit.nll_before && !fit.at_bound && fit.passes < 30, "{fit:?}");
            // The likelihoods are those of the evaluation, and the fit is its minimum.
            let nll = |t: f64| evaluate(logits.view(), t, &labels).unwrap().nll;
            assert!((fit.nll_before / nll(start) - 1.0).abs() < 1e-12);
            assert!((fit.nll_after / nll(fit.temperature) - 1.0).abs() < 1e-12);
            assert!(nll(fit.temperature * 1.001) > fit.nll_after && nll(fit.temperature / 1.001) > fit.nll_after);
        }
    }
}

#[test]
fn parts_make_no_difference() {
    let (logits, labels) = drawn(300, 5, 2.0, 7);
    let whole = TemperatureFit::fit(logits.view(), &labels, 1.0).unwrap();
    let parts = TemperatureFit::fit_passes(1.0, |visit| {
        visit(logits.slice(s![..17, ..]), &labels[..17])?;
        visit(logits.slice(s![17..17, ..]), &[])?;
        visit(logits.slice(s![17.., ..]), &labels[17..])
    });
    assert_eq!(parts, Ok(whole));
}

#[test]
fn the_range_ends_the_search() {
    // Every prediction right: the colder the better. Every one wrong: the warmer the better.
    let logits = array![[3.0_f32, 0.0], [0.0, 3.0]];
    let cold = TemperatureFit::fit(logits.view(), &[0, 1], 2.0).unwrap();
    assert!(cold.at_bound && (cold.temperature - 0.02).abs() < 1e-12 && cold.nll_after < cold.nll_before);
    let warm = TemperatureFit::fit(logits.view(), &[1, 0], 2.0).unwrap();
    assert!(warm.at_bound && (warm.temperature - 200.0).abs() < 1e-9 && warm.nll_after < warm.nll_before);
    // No temperature changes anything.
    let flat = TemperatureFit::fit(Array2::zeros((3, 4)).view(), &[0, 1, 2], 0.5).unwrap();
    assert_eq!((flat.temperature, flat.at_bound), (0.5, false));
    assert_eq!(flat.nll_before, flat.nll_after);
}

#[test]
fn extreme_logits_are_no_trouble() {
    let logits = array![[1e30_f32, -1e30, 0.0], [1.0, 2.0, 3.0]];
    let fit = TemperatureFit::fit(logits.view(), &[0, 1], 1.0).unwrap();
    assert!(fit.temperature.is_finite() && fit.nll_after.is_finite() && fit.nll_after < fit.nll_before, "{fit:?}");
}

#[test]
fn bad_input_is_named() {
    let logits = array![[1.0_f32, 2.0]];
    let error = |labels: &[usize], start| TemperatureFit::fit(logits.view(), labels, start).unwrap_err();
    assert_eq!(error(&[0], -1.0), MetricError::Temperature { value: -1.0 });
    assert_eq!(error(&[2], 1.0), MetricError::LabelOutOfRange { row: 0, label: 2, classes: 2 });
    assert_eq!(error(&[0], 1e-320), MetricError::TemperatureTooSmall { value: 1e-320 });
    let nothing = TemperatureFit::fit(Array2::zeros((0, 2)).view(), &[], 1.0);
    assert!(matches!(nothing, Err(MetricError::Empty { .. })));
}
