//! A random part of a picture, of random size and proportions.

use chacha20::ChaCha8Rng;
use rand::RngExt;

use super::config::RandomResizedCropConfig;
use super::resize::Part;

/// Parts tried before the centre is taken.
const ATTEMPTS: usize = 10;

/// Draws the part: area evenly in `scale`, proportions evenly in the logarithm of `ratio`; where ten draws do not fit
/// the picture, the largest centred part of allowed proportions (as torchvision's `RandomResizedCrop`).
pub(super) fn draw(config: &RandomResizedCropConfig, height: usize, width: usize, generator: &mut ChaCha8Rng) -> Part {
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
            return Part { top, left, height: part_height, width: part_width };
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
    Part { top: (height - part_height) / 2, left: (width - part_width) / 2, height: part_height, width: part_width }
}
