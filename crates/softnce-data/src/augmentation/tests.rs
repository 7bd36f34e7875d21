//! Pictures against PIL and torchvision, and against what each operation must keep.

use std::borrow::Cow;

use chacha20::ChaCha8Rng;
use proptest::prelude::*;
use rand::SeedableRng;

use super::*;
use crate::Picture;

fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Levels that are all over the place: `(31 row + 17 column + 57 channel + row column) % 256`.
fn made(height: usize, width: usize, channels: usize) -> Picture<'static> {
    let level = |place: usize| {
        let (row, column, channel) = (place / channels / width, place / channels % width, place % channels);
        (31 * row + 17 * column + 57 * channel + row * column) as u8
    };
    let pixels = Cow::Owned((0..height * width * channels).map(level).collect());
    Picture { height, width, channels, pixels }
}

/// Pixels that come out as their levels.
fn levels(channels: usize) -> Normalisation {
    let std = vec![1.0 / 255.0; channels];
    Normalisation::Given(ChannelStatistics { mean: vec![0.0; channels], std })
}

fn grey(size: [usize; 2], train: TrainConfig) -> Augmentation {
    let config = AugmentationConfig { size, normalisation: levels(1), train, ..AugmentationConfig::default() };
    Augmentation::new(config).unwrap()
}

/// The largest difference between two pictures' levels.
fn apart(found: &[u8], expected: &[u8]) -> u8 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(found, expected)| found.abs_diff(*expected)).max().unwrap_or(0)
}

proptest! {
    // The window's pixels are those of a picture with a border, looked up one by one.
    #[test]
    fn a_random_crop_is_a_window_of_the_picture_with_its_border(seed in any::<u64>(), padding in 0..9usize, flip: bool) {
        let (height, width) = (5, 6);
        let train = TrainConfig {
            random_crop: Some(RandomCropConfig { padding }),
            flip: f64::from(u8::from(flip)),
            ..TrainConfig::default()
        };
        let augmentation = grey([height, width], train);
        let picture = made(height, width, 1);
        let mut out = vec![0.0; height * width];
        augmentation.train(&picture, &mut generator(seed), &mut out).unwrap();
        let at = |row: isize, column: isize| {
            let inside = (0..height as isize).contains(&row) && (0..width as isize).contains(&column);
            if inside { f32::from(picture.pixels[row as usize * width + column as usize]) } else { 0.0 }
        };
        let shows = |down: isize, right: isize| {
            (0..height).all(|row| (0..width).all(|column| {
                let place = if flip { width - 1 - column } else { column };
                (out[row * width + place] - at(row as isize + down, column as isize + right)).abs() < 1e-3
            }))
        };
        let border = -(padding as isize)..=padding as isize;
        prop_assert!(border.clone().any(|down| border.clone().any(|right| shows(down, right))));
    }

    #[test]
    fn the_written_window_is_the_normalised_one(seed in any::<u64>(), channels in prop_oneof![Just(1_usize), Just(3)]) {
        use super::window::Window;
        use super::resize::Crop;
        let mut random = generator(seed);
        let picture = made(7, 9, channels);
        let part = Crop { top: 1, left: 2, height: 5, width: 6 };
        let mut draw = || rand::RngExt::random_range(&mut random, -7..=7);
        let window = Window { part, down: draw(), right: draw(), flip: seed % 2 == 0 };
        let mut bytes = Vec::new();
        window.write(&picture, &mut bytes);
        let tables = super::normalisation::tables(&levels(channels).statistics());
        let mut pixels = vec![0.0; 5 * 6 * channels];
        window.normalise(&picture, &tables, &mut pixels);
        for (place, level) in bytes.iter().enumerate() {
            let (pixel, channel) = (place / channels, place % channels);
            prop_assert!((pixels[channel * 30 + pixel] - f32::from(*level)).abs() < 1e-3);
        }
    }

    #[test]
    fn random_parts_lie_in_the_picture_and_keep_scale_and_ratio(
        seed in any::<u64>(), height in 1..200usize, width in 1..200usize,
    ) {
        let config = RandomResizedCropConfig { scale: [0.2, 0.9], ratio: [0.5, 2.0] };
        let part = super::resized_crop::draw(&config, height, width, &mut generator(seed));
        prop_assert!(part.height >= 1 && part.width >= 1);
        prop_assert!(part.top + part.height <= height && part.left + part.width <= width);
        if height.min(width) > 100 {
            let share = (part.height * part.width) as f64 / (height * width) as f64;
            let ratio = part.width as f64 / part.height as f64;
            prop_assert!((0.19..0.91).contains(&share), "{share}");
            prop_assert!((0.48..2.08).contains(&ratio), "{ratio}");
        }
    }
}

// p = np.array([[(31*r + 17*c + r*c) % 256 for c in range(7)] for r in range(6)], np.uint8)
// [np.array(Image.fromarray(p).resize(s, f)) for f in (Image.BICUBIC, Image.BILINEAR) for s in ((4, 3), (9, 8))]
#[test]
fn resizing_is_that_of_pil() {
    const SMALL_CUBIC: [u8; 12] = [24, 53, 86, 115, 85, 118, 155, 195, 147, 186, 202, 139];
    const SMALL_LINEAR: [u8; 12] = [31, 59, 92, 119, 88, 118, 154, 185, 144, 177, 194, 145];
    const LARGE_CUBIC: [u8; 72] = [
        0, 8, 23, 36, 49, 62, 75, 90, 101, 17, 28, 43, 56, 70, 83, 97, 112, 124, 42, 54, 69, 83, 98, 112, 127, 141,
        154, 65, 78, 93, 108, 123, 138, 153, 169, 182, 88, 101, 118, 133, 149, 165, 180, 196, 209, 111, 125, 142, 158,
        174, 189, 217, 244, 255, 137, 151, 169, 186, 202, 225, 181, 151, 172, 156, 170, 189, 206, 223, 255, 103, 0, 21,
    ];
    const LARGE_LINEAR: [u8; 72] = [
        0, 11, 25, 38, 51, 64, 77, 91, 102, 19, 31, 45, 59, 72, 86, 100, 114, 125, 43, 55, 69, 83, 98, 112, 127, 141,
        153, 66, 79, 93, 108, 123, 138, 153, 168, 181, 89, 102, 118, 133, 149, 165, 180, 195, 208, 112, 126, 142, 158,
        174, 190, 207, 223, 236, 136, 150, 166, 183, 200, 216, 180, 154, 168, 155, 170, 187, 204, 221, 238, 113, 16,
        31,
    ];
    let picture = made(6, 7, 1);
    let sized = |size, interpolation| resize(&picture, size, interpolation).unwrap().pixels.into_owned();
    assert!(apart(&sized([3, 4], Interpolation::Bicubic), &SMALL_CUBIC) <= 1);
    assert!(apart(&sized([3, 4], Interpolation::Bilinear), &SMALL_LINEAR) <= 1);
    // At a jump from 255 to 0 both round twice, in another order.
    assert!(apart(&sized([8, 9], Interpolation::Bicubic), &LARGE_CUBIC) <= 2);
    assert!(apart(&sized([8, 9], Interpolation::Bilinear), &LARGE_LINEAR) <= 1);
}

#[test]
fn normalisation_takes_names_and_numbers() {
    let read = |text: &str| serde_json::from_str::<Normalisation>(text).map_err(|error| error.to_string());
    assert_eq!(read("\"fashion-mnist\"").unwrap().statistics().mean, [0.2860]);
    assert_eq!(read("\"imagenet\"").unwrap().statistics().std, [0.229, 0.224, 0.225]);
    assert_eq!(read("{\"mean\": [0.5], \"std\": [2]}").unwrap().statistics().std, [2.0]);
    assert!(read("\"imaginet\"").unwrap_err().contains("fashion-mnist"));
    assert!(read("{\"mean\": [0.5], \"std\": [2], \"var\": [1]}").is_err());
}

#[test]
fn settings_read_with_defaults_and_refuse_unknown_keys() {
    let read = |text: &str| serde_json::from_str::<AugmentationConfig>(text);
    assert_eq!(read("{}").unwrap(), AugmentationConfig::default());
    let text = r#"{
        "size": [32, 32], "normalisation": "cifar100",
        "train": {
            "random_crop": {}, "flip": 0.5, "rand_augment": "rand-m9-mstd0.5-inc1",
            "erasing": {"mode": "const"}, "interpolation": "bilinear"
        },
        "evaluation": {"crop_ratio": 0.875}
    }"#;
    let config = read(text).unwrap();
    assert_eq!(config.train.random_crop, Some(RandomCropConfig { padding: 4 }));
    assert_eq!(config.train.erasing.as_ref().unwrap().mode, ErasingMode::Const);
    assert_eq!(serde_json::from_str::<AugmentationConfig>(&serde_json::to_string(&config).unwrap()).unwrap(), config);
    let augmentation = Augmentation::new(config).unwrap();
    let (mut once, mut twice) = (vec![0.0; 3 * 32 * 32], vec![1.0; 3 * 32 * 32]);
    for seed in 0..40 {
        augmentation.train(&made(32, 32, 3), &mut generator(seed), &mut once).unwrap();
        augmentation.train(&made(32, 32, 3), &mut generator(seed), &mut twice).unwrap();
        assert_eq!(once, twice, "what a buffer held, or the pictures before, changes nothing");
    }
    for text in [r#"{"sizes": [1, 1]}"#, r#"{"train": {"flipp": 1}}"#, r#"{"train": {"erasing": {"area": 1}}}"#] {
        assert!(read(text).unwrap_err().to_string().contains("unknown field"), "{text}");
    }
    let bad = |train: TrainConfig| {
        Augmentation::new(AugmentationConfig { train, ..AugmentationConfig::default() }).unwrap_err().to_string()
    };
    let policy = TrainConfig { rand_augment: Some("rand-x1".to_owned()), ..TrainConfig::default() };
    assert!(bad(policy).contains("\"x1\""));
    let erasing = Some(ErasingConfig { min_area: 0.5, ..ErasingConfig::default() });
    assert!(bad(TrainConfig { erasing, ..TrainConfig::default() }).contains("min_area"));
}

#[test]
fn pictures_take_the_channels_of_the_normalisation() {
    let config = AugmentationConfig { size: [2, 2], normalisation: levels(3), ..AugmentationConfig::default() };
    let coloured = Augmentation::new(config).unwrap();
    let mut out = vec![0.0; 12];
    coloured.evaluate(&made(2, 2, 1), &mut out).unwrap();
    assert_eq!(out[..4], out[4..8]);
    assert_eq!(out[..4], out[8..]);
    // Image.fromarray(np.array([[[10, 200, 30]]], np.uint8)).convert("L"): 124
    let pixel = Picture { height: 1, width: 1, channels: 3, pixels: Cow::Borrowed(&[10, 200, 30]) };
    let mut out = [0.0];
    grey([1, 1], TrainConfig::default()).evaluate(&pixel, &mut out).unwrap();
    assert_eq!(out[0].round(), 124.0);
}

#[test]
fn settings_and_pictures_that_cannot_be_are_refused() {
    let refused = |config: AugmentationConfig| Augmentation::new(config).unwrap_err().to_string();
    let usual = AugmentationConfig::default;
    assert!(refused(AugmentationConfig { size: [0, 3], ..usual() }).starts_with("size is [0, 3]"));
    let evaluation = EvaluationConfig { crop_ratio: 1.5, ..EvaluationConfig::default() };
    assert!(refused(AugmentationConfig { evaluation, ..usual() }).starts_with("evaluation.crop_ratio is 1.5"));
    let with = |train: TrainConfig| refused(AugmentationConfig { train, ..usual() });
    assert!(with(TrainConfig { flip: -0.5, ..TrainConfig::default() }).starts_with("train.flip is -0.5"));
    let both = TrainConfig {
        random_crop: Some(RandomCropConfig::default()),
        random_resized_crop: Some(RandomResizedCropConfig::default()),
        ..TrainConfig::default()
    };
    assert!(with(both).contains("are both given"));
    let crop = |scale, ratio| TrainConfig {
        random_resized_crop: Some(RandomResizedCropConfig { scale, ratio }),
        ..TrainConfig::default()
    };
    assert!(with(crop([0.5, 0.4], [0.5, 2.0])).contains("scale is [0.5, 0.4]"));
    assert!(with(crop([0.5, 0.6], [0.0, 2.0])).contains("ratio is [0.0, 2.0]"));
    let normalisation = Normalisation::Given(ChannelStatistics { mean: vec![0.5], std: vec![0.0] });
    assert!(refused(AugmentationConfig { normalisation, ..usual() }).starts_with("normalisation.std is [0.0]"));

    let augmentation = grey([2, 2], TrainConfig::default());
    let torn = Picture { height: 2, width: 2, channels: 1, pixels: Cow::Borrowed(&[1, 2, 3]) };
    assert!(augmentation.evaluate(&torn, &mut [0.0; 4]).unwrap_err().to_string().contains("has 3 values"));
    let short = augmentation.evaluate(&made(2, 2, 1), &mut [0.0; 3]).unwrap_err();
    assert_eq!(short, AugmentationError::Output { found: 3, expected: 4 });
}
