//! Mixing against what it must keep: shares, areas, rows on the simplex, any size of batch.

use ndarray::Array2;
use proptest::prelude::*;
use rand::SeedableRng;

use super::*;

const SIZE: PictureSize = PictureSize { height: 8, width: 6 };

fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Picture i has the value of i in every pixel.
fn flat_pictures(rows: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, SIZE.height * SIZE.width), |(row, _)| row as f32)
}

proptest! {
    // Any batch: odd ones, one of 1, one of 3, a last partial one.
    #[test]
    fn cutmix_labels_carry_the_share_that_remains(seed in any::<u64>(), rows in 1..9usize) {
        let mixing = Mixing::new(1.0, 1.0, 1.0, 0.0).unwrap();
        let labels: Vec<usize> = (0..rows).collect();
        let mixed = mixing.mix(flat_pictures(rows).view(), &labels, rows, SIZE, &mut generator(seed)).unwrap();
        let targets = mixed.targets.to_dense().unwrap();
        for (row, pixels) in mixed.pixels.outer_iter().enumerate() {
            for class in 0..rows {
                let share = pixels.iter().filter(|&&pixel| pixel == class as f32).count() as f64 / pixels.len() as f64;
                prop_assert!((targets[[row, class]] - share).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn mixup_labels_carry_the_weight_of_the_pixels(seed in any::<u64>(), rows in 1..9usize) {
        let mixing = Mixing::new(0.8, 1.0, 0.0, 0.0).unwrap();
        let labels: Vec<usize> = (0..rows).collect();
        let mixed = mixing.mix(flat_pictures(rows).view(), &labels, rows, SIZE, &mut generator(seed)).unwrap();
        let targets = mixed.targets.to_dense().unwrap();
        for (row, pixels) in mixed.pixels.outer_iter().enumerate() {
            let mean: f64 = (0..rows).map(|class| targets[[row, class]] * class as f64).sum();
            prop_assert!(pixels.iter().all(|&pixel| (f64::from(pixel) - mean).abs() < 1e-5));
        }
    }

    #[test]
    fn rows_sum_to_one_and_keep_their_smoothing(seed in any::<u64>(), rows in 1..9usize, smoothing in 0.0..1.0f64) {
        let mixing = Mixing::new(0.8, 1.0, 0.5, smoothing).unwrap();
        let labels: Vec<usize> = (0..rows).map(|row| row % 3).collect();
        let mixed = mixing.mix(flat_pictures(rows).view(), &labels, 4, SIZE, &mut generator(seed)).unwrap();
        let drawn = mixing.draw_targets(5, &labels, 4, SIZE, &mut generator(seed)).unwrap();
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
fn every_row_has_a_weight_of_its_own() {
    let mixing = Mixing::new(1.0, 1.0, 0.5, 0.1).unwrap();
    let labels: Vec<usize> = (0..32).map(|row| row % 10).collect();
    let mixed = mixing.mix(flat_pictures(32).view(), &labels, 10, SIZE, &mut generator(1)).unwrap();
    assert!(softnce::Batch::from(&mixed.targets).warnings().is_empty());
    let again = mixing.mix(flat_pictures(32).view(), &labels, 10, SIZE, &mut generator(1)).unwrap();
    assert_eq!(mixed.pixels, again.pixels, "the same seed mixes the same");
}

#[test]
fn bad_settings_and_shapes_are_refused() {
    let setting = |result: Result<Mixing, MixingError>| match result {
        Err(MixingError::Setting { argument, .. }) => argument,
        other => panic!("expected a refused setting, got {other:?}"),
    };
    assert_eq!(setting(Mixing::new(0.0, 1.0, 0.5, 0.1)), "mixup alpha");
    assert_eq!(setting(Mixing::new(1.0, f64::NAN, 0.5, 0.1)), "cutmix alpha");
    assert_eq!(setting(Mixing::new(1.0, 1.0, 1.5, 0.1)), "cutmix probability");
    assert_eq!(setting(Mixing::new(1.0, 1.0, 0.5, -0.1)), "smoothing");

    let mixing = Mixing::new(1.0, 1.0, 0.5, 0.1).unwrap();
    let mut random = generator(0);
    let shape = mixing.mix(flat_pictures(3).view(), &[0, 1], 2, SIZE, &mut random).unwrap_err();
    assert_eq!(shape, MixingError::Shape { found: vec![3, 48], expected: vec![2, 48] });
    let label = mixing.mix(flat_pictures(2).view(), &[0, 2], 2, SIZE, &mut random).unwrap_err();
    assert!(matches!(label, MixingError::Targets(softnce::Error::Label { row: 1, label: 2, .. })));
    let empty = mixing.mix(flat_pictures(0).view(), &[], 2, SIZE, &mut random).unwrap_err();
    assert!(matches!(empty, MixingError::Targets(softnce::Error::Empty { .. })));
}
