//! Mixing against what it must keep: shares, areas, rows on the simplex, any size of batch.

use ndarray::{Array2, Axis};
use proptest::prelude::*;
use rand::SeedableRng;
use softnce::{Batch, Form, GradientRequest, Loss, LossSettings, SoftTargetCrossEntropy, SoftTargetInfoNce, Warning};

use super::*;

const HEIGHT: usize = 8;
const WIDTH: usize = 6;
const LENGTH: usize = 2 * HEIGHT * WIDTH;

fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn shape(rows: usize) -> [usize; 4] {
    [rows, 2, HEIGHT, WIDTH]
}

/// Picture i has the value of i in every pixel.
fn flat_pictures(rows: usize) -> Vec<f32> {
    (0..rows * LENGTH).map(|pixel| (pixel / LENGTH) as f32).collect()
}

fn modes() -> impl Strategy<Value = (Mode, Partner)> {
    let mode = prop_oneof![Just(Mode::Batch), Just(Mode::Pair), Just(Mode::Element)];
    (mode, prop_oneof![Just(Partner::Flip), Just(Partner::Shuffle)])
}

proptest! {
    // Any batch: odd ones, one of 1, one of 3, a last partial one.
    #[test]
    fn cutmix_targets_carry_the_share_that_is_seen(seed in any::<u64>(), rows in 1..9usize, (mode, partner) in modes()) {
        let mixing = Mixing::new(MixingConfig { cutmix: 1.0, mode, partner, ..MixingConfig::default() }).unwrap();
        let labels: Vec<usize> = (0..rows).collect();
        let mut pixels = flat_pictures(rows);
        let mixed = mixing.mix(&mut pixels, shape(rows), &labels, rows, &mut generator(seed)).unwrap();
        let targets = mixed.targets.to_dense().unwrap();
        for (row, pixels) in pixels.chunks_exact(LENGTH).enumerate() {
            let share = |class: usize| pixels.iter().filter(|&&pixel| pixel == class as f32).count() as f64 / LENGTH as f64;
            for class in 0..rows {
                prop_assert!((targets[[row, class]] - share(class)).abs() < 1e-12);
            }
            prop_assert!((mixed.lambda[row] - share(row)).abs() < 1e-12);
        }
    }

    #[test]
    fn mixup_targets_carry_the_weight_of_the_pixels(seed in any::<u64>(), rows in 1..9usize, (mode, partner) in modes()) {
        let mixing = Mixing::new(MixingConfig { mixup: 0.8, mode, partner, ..MixingConfig::default() }).unwrap();
        let labels: Vec<usize> = (0..rows).collect();
        let mut pixels = flat_pictures(rows);
        let mixed = mixing.mix(&mut pixels, shape(rows), &labels, rows, &mut generator(seed)).unwrap();
        let targets = mixed.targets.to_dense().unwrap();
        for (row, pixels) in pixels.chunks_exact(LENGTH).enumerate() {
            let mean: f64 = (0..rows).map(|class| targets[[row, class]] * class as f64).sum();
            prop_assert!(pixels.iter().all(|&pixel| (f64::from(pixel) - mean).abs() < 1e-5));
        }
    }

    #[test]
    fn partners_and_weights_are_those_of_the_mode(seed in any::<u64>(), rows in 1..10usize, (mode, partner) in modes()) {
        let config = MixingConfig { mixup: 1.0, cutmix: 1.0, probability: 0.7, mode, partner, ..MixingConfig::default() };
        let mixing = Mixing::new(config).unwrap();
        let labels = vec![0; rows];
        let mixed = mixing.mix(&mut flat_pictures(rows), shape(rows), &labels, 1, &mut generator(seed)).unwrap();
        let mut sorted = mixed.partners.clone();
        sorted.sort_unstable();
        prop_assert!(sorted.into_iter().eq(0..rows), "each is the partner of one");
        for (row, &partner_row) in mixed.partners.iter().enumerate() {
            if partner == Partner::Flip {
                prop_assert_eq!(partner_row, rows - 1 - row);
            }
            if mode == Mode::Pair {
                prop_assert_eq!(mixed.partners[partner_row], row);
            }
            if mode != Mode::Element && partner_row != row {
                prop_assert_eq!(mixed.lambda[row], mixed.lambda[partner_row]);
            }
        }
        if mode == Mode::Batch {
            let moved = (0..rows).filter(|&row| mixed.partners[row] != row).map(|row| mixed.lambda[row]);
            prop_assert!(moved.clone().zip(moved.skip(1)).all(|(one, next)| one == next));
        }
    }

    #[test]
    fn label_rows_are_mixed_as_labels_are(seed in any::<u64>(), rows in 1..9usize, (mode, partner) in modes()) {
        let config = MixingConfig { mixup: 0.8, cutmix: 1.0, mode, partner, smoothing: 0.1, ..MixingConfig::default() };
        let mixing = Mixing::new(config).unwrap();
        let labels: Vec<usize> = (0..rows).map(|row| row % 3).collect();
        let one_hot = Array2::from_shape_fn((rows, 4), |(row, class)| f32::from(u8::from(labels[row] == class)));
        let (mut first, mut second) = (flat_pictures(rows), flat_pictures(rows));
        let compact = mixing.mix(&mut first, shape(rows), &labels, 4, &mut generator(seed)).unwrap();
        let dense = mixing.mix_dense(&mut second, shape(rows), one_hot.view(), &mut generator(seed)).unwrap();
        prop_assert_eq!(first, second);
        let (compact, dense) = (compact.targets.to_dense().unwrap(), dense.targets.to_dense().unwrap());
        prop_assert!(compact.iter().zip(&dense).all(|(one, other)| (one - other).abs() < 1e-6));
    }

    #[test]
    fn rows_sum_to_one_and_keep_their_smoothing(seed in any::<u64>(), rows in 1..9usize, smoothing in 0.0..1.0f64) {
        let mixing = Mixing::new(MixingConfig { mixup: 0.8, cutmix: 1.0, smoothing, ..MixingConfig::default() }).unwrap();
        let labels: Vec<usize> = (0..rows).map(|row| row % 3).collect();
        let mixed = mixing.mix(&mut flat_pictures(rows), shape(rows), &labels, 4, &mut generator(seed)).unwrap();
        let drawn = mixing.draw_targets(5, &labels, 4, [HEIGHT, WIDTH], &mut generator(seed)).unwrap();
        prop_assert_eq!(drawn.len(), 5);
        for targets in [mixed.targets, drawn] {
            for row in targets.to_dense().unwrap().outer_iter() {
                prop_assert!((row.sum() - 1.0).abs() < 1e-12);
                // No label is 3: that class has the smoothing alone.
                prop_assert!((row[3] - smoothing / 4.0).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn targets_come_in_the_cheapest_form() {
    let form = |config: MixingConfig| {
        let mixing = Mixing::new(config).unwrap();
        mixing.mix(&mut flat_pictures(4), shape(4), &[0, 1, 2, 3], 4, &mut generator(1)).unwrap().targets.form()
    };
    let off = MixingConfig::default();
    assert_eq!(form(off.clone()), Form::Hard);
    assert_eq!(form(MixingConfig { smoothing: 0.1, ..off.clone() }), Form::Compact);
    assert_eq!(form(MixingConfig { mixup: 1.0, ..off.clone() }), Form::Compact);
    assert_eq!(form(MixingConfig { mixup: 1.0, probability: 0.0, ..off }), Form::Hard);
}

#[test]
fn one_weight_for_the_batch_is_warned_of_where_there_are_no_other_candidates() {
    let config = MixingConfig { mixup: 0.8, mode: Mode::Batch, ..MixingConfig::default() };
    assert_eq!(config.warns_of_degeneracy(false), Some(Warning::SharedMixingWeight));
    assert_eq!(config.warns_of_degeneracy(true), None);
    let labels: Vec<usize> = (0..32).map(|row| row % 10).collect();
    for (mode, warned) in [(Mode::Batch, true), (Mode::Pair, false), (Mode::Element, false)] {
        let config = MixingConfig { mode, cutmix: 1.0, ..config.clone() };
        assert_eq!(config.warns_of_degeneracy(false).is_some(), warned);
        // The loss itself sees the same.
        let mixing = Mixing::new(config).unwrap();
        let mixed = mixing.mix(&mut flat_pictures(32), shape(32), &labels, 10, &mut generator(1)).unwrap();
        assert_eq!(!softnce::Batch::from(&mixed.targets).warnings().is_empty(), warned);
    }
    assert_eq!(MixingConfig { mode: Mode::Batch, ..MixingConfig::default() }.warns_of_degeneracy(false), None);
}

#[test]
fn drawn_targets_follow_the_distribution_of_mixed_ones() {
    let config = MixingConfig { mixup: 0.8, cutmix: 1.0, probability: 0.8, ..MixingConfig::default() };
    let mixing = Mixing::new(config).unwrap();
    let labels: Vec<usize> = (0..1000).map(|row| row % 10).collect();
    let mass = |targets: &Targets<'_>| {
        let dense = targets.to_dense().unwrap();
        let mean = dense.mean_axis(Axis(0)).unwrap();
        let largest = dense.map_axis(Axis(1), |row| row.fold(0.0_f64, |most, value| most.max(*value)));
        (mean, largest.mean().unwrap())
    };
    let drawn = mixing.draw_targets(20_000, &labels, 10, [HEIGHT, WIDTH], &mut generator(1)).unwrap();
    let (mean, largest) = mass(&drawn);
    assert!(mean.iter().all(|share| (share - 0.1).abs() < 0.01), "{mean}");
    let mut largest_mixed = 0.0;
    let mut random = generator(2);
    for start in 0..200 {
        let labels: Vec<usize> = (0..100).map(|row| labels[(start * 7 + row * 13) % 1000]).collect();
        let shape = [100, 1, HEIGHT, WIDTH];
        let mut pixels = vec![0.0; 100 * HEIGHT * WIDTH];
        largest_mixed += mass(&mixing.mix(&mut pixels, shape, &labels, 10, &mut random).unwrap().targets).1 / 200.0;
    }
    // Partners of mixed batches share the class a little less or more often than draws with replacement do.
    assert!((largest - largest_mixed).abs() < 0.03, "{largest} against {largest_mixed}");

    let rows = Array2::from_shape_fn((10, 10), |(row, class)| f32::from(u8::from(row == class)));
    let dense = mixing.draw_dense_targets(20_000, rows.view(), [HEIGHT, WIDTH], &mut generator(3)).unwrap();
    let (mean, largest_dense) = mass(&dense);
    assert!(mean.iter().all(|share| (share - 0.1).abs() < 0.01), "{mean}");
    assert!((largest - largest_dense).abs() < 0.01, "{largest} against {largest_dense}");
}

#[test]
fn bad_settings_and_shapes_are_refused() {
    let off = MixingConfig::default;
    let setting = |config: MixingConfig| match Mixing::new(config) {
        Err(MixingError::Setting { argument, .. }) => argument,
        other => panic!("expected a refused setting, got {other:?}"),
    };
    assert_eq!(setting(MixingConfig { mixup: -0.1, ..off() }), "mixup");
    assert_eq!(setting(MixingConfig { cutmix: f64::NAN, ..off() }), "cutmix");
    assert_eq!(setting(MixingConfig { probability: 1.5, ..off() }), "probability");
    assert_eq!(setting(MixingConfig { switch_probability: -1.0, ..off() }), "switch_probability");
    assert_eq!(setting(MixingConfig { smoothing: f64::INFINITY, ..off() }), "smoothing");

    let mixing = Mixing::new(MixingConfig { mixup: 1.0, ..off() }).unwrap();
    let mut random = generator(0);
    let refused = mixing.mix(&mut flat_pictures(3), shape(3), &[0, 1], 2, &mut random).unwrap_err();
    assert_eq!(refused, MixingError::Shape { found: 3 * LENGTH, shape: shape(3), labels: 2 });
    let refused = mixing.mix(&mut flat_pictures(3), shape(2), &[0, 1], 2, &mut random).unwrap_err();
    assert_eq!(refused, MixingError::Shape { found: 3 * LENGTH, shape: shape(2), labels: 2 });
    let refused = mixing.mix(&mut [], shape(0), &[], 2, &mut random).unwrap_err();
    assert!(matches!(refused, MixingError::Shape { labels: 0, .. }));
    let mut pixels = flat_pictures(2);
    let refused = mixing.mix(&mut pixels, shape(2), &[0, 2], 2, &mut random).unwrap_err();
    assert!(matches!(refused, MixingError::Targets(error) if error.kind() == softnce::ErrorKind::Index));
    assert_eq!(pixels, flat_pictures(2), "a refused batch is left as it was");
    assert!(mixing.draw_targets(0, &[0], 2, [8, 8], &mut random).is_err());
    assert!(mixing.draw_targets(1, &[], 2, [8, 8], &mut random).is_err());
}

/// Gradient at the logits `[1, d]`, and the diagonal of the second derivatives there, from differences of the gradient.
fn local(loss: &impl Loss, logits: &Array2<f64>, batch: &Batch<'_>) -> [Vec<f64>; 2] {
    let gradient = |logits: &Array2<f64>| {
        loss.loss_and_gradient(logits, batch.clone(), &GradientRequest::new()).unwrap().logits_gradient
    };
    let step = 1e-4;
    let second = |class: usize| {
        let [above, below] = [step, -step].map(|step| {
            let mut moved = logits.clone();
            moved[[0, class]] += step;
            gradient(&moved)[[0, class]]
        });
        (above - below) / (2.0 * step)
    };
    [gradient(logits).row(0).to_vec(), (0..logits.ncols()).map(second).collect()]
}

#[test]
fn the_spread_of_targets_is_the_curvature_of_the_loss_where_logits_are_0() {
    const CLASSES: usize = 10;
    let labels: Vec<usize> = (0..CLASSES).collect();
    let off = MixingConfig::default();
    // CutMix gets pictures so large that the rectangle has every size; the last number is what the clipping takes.
    for (config, expected, clipped) in [
        (off.clone(), 1.0, 0.0),
        (MixingConfig { smoothing: 0.1, ..off.clone() }, 0.81, 0.0),
        (MixingConfig { mixup: 1.0, ..off.clone() }, 2.0 / 3.0, 0.0),
        (MixingConfig { mixup: 0.2, probability: 0.5, ..off.clone() }, 1.0 - 0.5 * (1.0 - 1.2 / 1.4), 0.0),
        (MixingConfig { cutmix: 1.0, ..off.clone() }, 2.0 / 3.0, 0.0311),
        (MixingConfig { mixup: 0.8, cutmix: 1.0, switch_probability: 0.9, ..off.clone() }, 0.669_231, 0.9 * 0.0311),
        (MixingConfig { mixup: 0.8, cutmix: 1.0, smoothing: 0.1, ..off }, 0.550_385, 0.405 * 0.0311),
    ] {
        let spread = config.target_spread();
        assert!((spread - expected).abs() < 1e-6, "{spread} for {config:?}");
        let drawn =
            Mixing::new(config).unwrap().draw_targets(40_000, &labels, CLASSES, [512, 512], &mut generator(1)).unwrap();
        let dense = drawn.to_dense().unwrap();
        let found = dense.var_axis(Axis(0), 0.0).sum() / (1.0 - 1.0 / CLASSES as f64);
        assert!((found - (spread - clipped)).abs() < 4e-3, "{found} against {spread} - {clipped}");

        // The losses themselves, on one picture, with all targets as candidates.
        let own = softnce::Targets::mixed(&[0], &[1], &[0.7], CLASSES, 0.1).unwrap();
        let logits = Array2::zeros((1, CLASSES));
        let usual = SoftTargetCrossEntropy::new(LossSettings::new());
        let [usual_gradient, usual_curvature] = local(&usual, &logits, &Batch::from(&own));
        let batch = Batch::from(&own).with_further(&drawn).unwrap();
        for temperature in [1.0, spread] {
            let loss = SoftTargetInfoNce::new(LossSettings::new().with_temperature(temperature).unwrap());
            let [gradient, curvature] = local(&loss, &logits, &batch);
            let share = curvature.iter().sum::<f64>() / usual_curvature.iter().sum::<f64>();
            assert!((share - found / temperature.powi(2)).abs() < 1e-3, "{share} at temperature {temperature}");
            for (own, usual) in gradient.iter().zip(&usual_gradient) {
                assert!((temperature * own - usual).abs() < 5e-3, "{own} against {usual}");
            }
        }
    }
}
