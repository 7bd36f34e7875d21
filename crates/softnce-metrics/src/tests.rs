#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ndarray::{Array2, Axis, array, s};

use super::*;

fn close(value: f64, expected: f64) {
    assert!((value - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{value} is not {expected}");
}

#[test]
fn matches_values_worked_by_hand() {
    // z = np.log(np.array([[.7, .2, .1], [.1, .8, .1], [.25, .3, .45]])); y = np.array([0, 1, 0])
    // p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    let logits = array![[0.7_f32, 0.2, 0.1], [0.1, 0.8, 0.1], [0.25, 0.3, 0.45]].mapv(f32::ln);
    let result = evaluate(logits.view(), 1.0, &[0, 1, 0]).unwrap();
    let near = |value: f64, expected: f64| assert!((value - expected).abs() < 1e-6, "{value} is not {expected}");
    assert_eq!(result.examples, 3);
    // (p.argmax(1) == y).mean()
    close(result.top1, 2.0 / 3.0);
    assert_eq!(result.top5, 1.0);
    // -np.log(p[np.arange(3), y]).mean() = -log(.7 * .8 * .25) / 3
    near(result.nll, 0.655_370_952_124_277_7);
    // ((p - np.eye(3)[y]) ** 2).sum(1).mean() = (.14 + .06 + .855) / 3
    near(result.brier, 1.055 / 3.0);
    // each alone in its bin: (np.abs(p.max(1) - [1, 1, 0])).mean() = (.3 + .2 + .45) / 3
    near(result.ece_equal_width.error, 0.95 / 3.0);
    near(result.ece_equal_mass.error, 0.95 / 3.0);
    // E|Bernoulli(c) - c| = 2 c (1 - c): (2 * p.max(1) * (1 - p.max(1))).mean()
    near(result.ece_equal_width.calibrated_reference, (0.42 + 0.32 + 0.495) / 3.0);
    near(result.ece_equal_mass.calibrated_reference, (0.42 + 0.32 + 0.495) / 3.0);
    assert_eq!(result.reliability.len(), CALIBRATION_BINS);
    assert_eq!(result.reliability.iter().map(|bin| bin.count).sum::<usize>(), 3);
}

#[test]
fn does_not_depend_on_the_order_of_classes_examples_or_the_layout() {
    let logits = Array2::from_shape_fn((40, 7), |(row, class)| ((row * 31 + class * 17) % 23) as f32 / 5.0);
    let labels: Vec<usize> = (0..40).map(|row| row * 5 % 7).collect();
    let plain = evaluate(logits.view(), 0.7, &labels).unwrap();
    let transposed = logits.t().as_standard_layout().into_owned();
    assert_eq!(evaluate(transposed.t(), 0.7, &labels).unwrap(), plain);

    let reversed_labels: Vec<usize> = labels.iter().rev().map(|label| 6 - label).collect();
    let reversed = evaluate(logits.slice(s![..;-1, ..;-1]), 0.7, &reversed_labels).unwrap();
    assert_eq!((reversed.top1, reversed.top5), (plain.top1, plain.top5));
    close(reversed.nll, plain.nll);
    close(reversed.brier, plain.brier);
    close(reversed.ece_equal_width.error, plain.ece_equal_width.error);
    close(reversed.ece_equal_mass.error, plain.ece_equal_mass.error);
}

#[test]
fn certainty_stays_inside_the_bins() {
    let result = evaluate(array![[1e8_f32, -1e8], [1e8, -1e8]].view(), 1.0, &[0, 1]).unwrap();
    assert_eq!((result.top1, result.brier, result.nll), (0.5, 1.0, 1e8));
    assert_eq!(result.ece_equal_width, CalibrationError { error: 0.5, calibrated_reference: 0.0 });
    assert_eq!(result.ece_equal_mass, result.ece_equal_width);
    assert_eq!(result.reliability[CALIBRATION_BINS - 1].count, 2);
}

#[test]
fn a_model_without_opinion_gets_no_credit() {
    let result = evaluate(Array2::zeros((10, 10)).view(), 1.0, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
    assert_eq!((result.top1, result.top5), (0.0, 0.0));
    close(result.nll, 10f64.ln());
    close(result.brier, 0.9);
}

#[test]
fn rejects_bad_input() {
    let logits = array![[1.0_f32, 2.0], [3.0, 4.0]];
    let error =
        |logits: &Array2<f32>, temperature, labels: &[usize]| evaluate(logits.view(), temperature, labels).unwrap_err();
    for value in [0.0, -1.0, f64::INFINITY] {
        assert_eq!(error(&logits, value, &[0, 1]), MetricError::Temperature { value });
    }
    assert!(matches!(error(&logits, f64::NAN, &[0, 1]), MetricError::Temperature { .. }));
    assert_eq!(error(&logits, 1e-320, &[0, 1]), MetricError::TemperatureTooSmall { value: 1e-320 });
    assert_eq!(error(&logits, 1.0, &[0]).to_string(), "labels: length 1, expected 2, one entry per row of logits");
    assert_eq!(error(&logits, 1.0, &[0, 2]), MetricError::LabelOutOfRange { row: 1, label: 2, classes: 2 });
    assert!(matches!(error(&Array2::zeros((0, 2)), 1.0, &[]), MetricError::Empty { .. }));
    assert!(matches!(error(&Array2::zeros((1, 0)), 1.0, &[0]), MetricError::Empty { .. }));
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut bad = logits.clone();
        bad[[1, 0]] = value;
        let message = error(&bad, 1.0, &[0, 1]).to_string();
        assert_eq!(message, format!("logits[1, 0]: {value}, expected a finite number"));
    }
}

#[test]
fn extreme_but_finite_input_gives_finite_metrics() {
    let extreme = array![[f32::MAX, f32::MIN, 0.0], [f32::MIN_POSITIVE, 0.0, -0.0]];
    for temperature in [1e-200, 1e-3, 1.0, 1e300] {
        let result = evaluate(extreme.view(), temperature, &[1, 2]).unwrap();
        for value in [result.nll, result.brier, result.ece_equal_width.error, result.ece_equal_mass.error] {
            assert!(value.is_finite() && value >= 0.0, "{value} at temperature {temperature}");
        }
    }
    assert_eq!(evaluate(extreme.index_axis(Axis(0), 1).insert_axis(Axis(0)), 1.0, &[0]).unwrap().top5, 1.0);
}
