//! Pictures prepared for evaluation, compared with timm and PIL: `fixtures/make.py` computed the expected values.

use std::borrow::Cow;

use safetensors::SafeTensors;
use softnce_data::Picture;
use softnce_data::augmentation::{
    Augmentation, AugmentationConfig, ChannelStatistics, EvaluationConfig, Interpolation, Normalisation,
};

/// Levels from 0 to 255 without a pattern: `(31 row + 17 column + 57 channel + row column) % 256`.
fn made([height, width, channels]: [usize; 3]) -> Picture<'static> {
    let level = |place: usize| {
        let (row, column, channel) = (place / channels / width, place / channels % width, place % channels);
        (31 * row + 17 * column + 57 * channel + row * column) as u8
    };
    let pixels = Cow::Owned((0..height * width * channels).map(level).collect());
    Picture { height, width, channels, pixels }
}

fn sizes<const N: usize>(text: &str) -> [usize; N] {
    text.split('x').map(|size| size.parse().unwrap()).collect::<Vec<_>>().try_into().unwrap()
}

#[test]
fn pixels_are_those_of_timm_at_every_size() {
    let bytes = include_bytes!("fixtures/evaluation.safetensors");
    let file = SafeTensors::deserialize(bytes).unwrap();
    for (name, expected) in file.iter() {
        let [picture, size, ratio, interpolation] = name.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let (picture, size) = (made(sizes(picture)), sizes(size));
        let interpolation = match interpolation {
            "bilinear" => Interpolation::Bilinear,
            _ => Interpolation::Bicubic,
        };
        // Pixels that come out as their levels.
        let statistics =
            ChannelStatistics { mean: vec![0.0; picture.channels], std: vec![1.0 / 255.0; picture.channels] };
        let config = AugmentationConfig {
            size,
            normalisation: Normalisation::Given(statistics),
            evaluation: EvaluationConfig { crop_ratio: ratio.parse().unwrap(), interpolation },
            ..AugmentationConfig::default()
        };
        let mut found = vec![0.0; expected.data().len()];
        Augmentation::new(config).unwrap().evaluate(&picture, &mut found).unwrap();
        for (place, (found, expected)) in found.iter().zip(expected.data()).enumerate() {
            let difference = (found.round() as i32 - i32::from(*expected)).abs();
            assert!(difference <= 1, "{name}, at {place}: {found} instead of {expected}");
        }
    }
    assert_eq!(file.len(), 112);
}
