//! A random crop of random size and aspect ratio.

use chacha20::ChaCha8Rng;
use rand::RngExt;

use super::config::RandomResizedCropConfig;
use super::resize::Crop;

/// Attempts before the centre is taken.
const ATTEMPTS: usize = 10;

/// Draws the crop: its area uniformly in `scale`, the logarithm of its aspect ratio uniformly in that of `ratio`. If
/// ten draws do not fit the picture, takes the largest centred crop of an allowed aspect ratio, as torchvision's
/// `RandomResizedCrop`.
pub(super) fn draw(config: &RandomResizedCropConfig, height: usize, width: usize, generator: &mut ChaCha8Rng) -> Crop {
    let (tall, wide) = (height as f64, width as f64);
    let [smallest, largest] = config.ratio;
    for _ in 0..ATTEMPTS {
        let area = generator.random_range(config.scale[0]..=config.scale[1]) * tall * wide;
        let ratio = generator.random_range(smallest.ln()..=largest.ln()).exp();
        let part_width = (area * ratio).sqrt().round_ties_even() as usize;
        let part_height = (area / ratio).sqrt().round_ties_even() as usize;
        if (1..=width).contains(&part_width) && (1..=height).contains(&part_height) {
            let top = generator.random_range(0..=height - part_height);
            let left = generator.random_range(0..=width - part_width);
            return Crop { top, left, height: part_height, width: part_width };
        }
    }
    let (part_height, part_width) = if wide / tall < smallest {
        ((wide / smallest).round_ties_even() as usize, width)
    } else if wide / tall > largest {
        (height, (tall * largest).round_ties_even() as usize)
    } else {
        (height, width)
    };
    let (part_height, part_width) = (part_height.clamp(1, height), part_width.clamp(1, width));
    Crop { top: (height - part_height) / 2, left: (width - part_width) / 2, height: part_height, width: part_width }
}
