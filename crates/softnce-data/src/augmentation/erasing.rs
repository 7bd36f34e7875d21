//! Random erasing of normalised pixels (Zhong et al., arXiv 1708.04896).

use chacha20::ChaCha8Rng;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::error::{AugmentationError, refuse};

/// Random erasing: rectangles are overwritten after normalisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ErasingConfig {
    /// Probability that a picture is erased. Default: 0.25.
    pub probability: f64,
    /// The new values. Default: `"pixel"`.
    pub mode: ErasingMode,
    /// Smallest share of the picture's area, for all rectangles together. Default: 0.02.
    pub min_area: f64,
    /// Largest share of the picture's area. Default: 1/3.
    pub max_area: f64,
    /// Smallest height divided by width; the largest is its reciprocal. Default: 0.3.
    pub min_ratio: f64,
    /// Number of rectangles. Default: 1.
    pub count: usize,
}

/// The new values of an erased rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErasingMode {
    /// Standard normal noise, drawn for each pixel and channel.
    #[default]
    Pixel,
    /// One standard normal draw per channel.
    Rand,
    /// 0, the normalised mean.
    Const,
}

impl Default for ErasingConfig {
    fn default() -> Self {
        ErasingConfig {
            probability: 0.25,
            mode: ErasingMode::default(),
            min_area: 0.02,
            max_area: 1.0 / 3.0,
            min_ratio: 0.3,
            count: 1,
        }
    }
}

/// Attempts at a rectangle that fits, before a picture stays unchanged.
const ATTEMPTS: usize = 10;

impl ErasingConfig {
    pub(super) fn check(&self) -> Result<(), AugmentationError> {
        if !(0.0..=1.0).contains(&self.probability) {
            return refuse("train.erasing.probability", self.probability.to_string(), "a probability from 0 to 1");
        }
        if !(self.min_area > 0.0 && self.min_area <= self.max_area && self.max_area <= 1.0) {
            let value = format!("[{}, {}]", self.min_area, self.max_area);
            return refuse(
                "train.erasing.min_area and max_area",
                value,
                "shares above 0 and at most 1, in ascending order",
            );
        }
        if !(self.min_ratio > 0.0 && self.min_ratio <= 1.0) {
            return refuse("train.erasing.min_ratio", self.min_ratio.to_string(), "a number above 0 and at most 1");
        }
        if !(1..=100).contains(&self.count) {
            return refuse("train.erasing.count", self.count.to_string(), "1 to 100 rectangles");
        }
        Ok(())
    }

    /// Erases rectangles. `pixels`: `[channels, height, width]`.
    pub(super) fn apply(&self, pixels: &mut [f32], [height, width]: [usize; 2], generator: &mut ChaCha8Rng) {
        if generator.random::<f64>() >= self.probability {
            return;
        }
        let area = (height * width) as f64 / self.count as f64;
        let widest = -self.min_ratio.ln();
        for _ in 0..self.count {
            for _ in 0..ATTEMPTS {
                let area = generator.random_range(self.min_area..=self.max_area) * area;
                let ratio = generator.random_range(-widest..=widest).exp();
                let tall = (area * ratio).sqrt().round_ties_even() as usize;
                let wide = (area / ratio).sqrt().round_ties_even() as usize;
                if tall < height && wide < width {
                    let top = generator.random_range(0..=height - tall);
                    let left = generator.random_range(0..=width - wide);
                    for plane in pixels.chunks_exact_mut(height * width) {
                        let colour: f32 = match self.mode {
                            ErasingMode::Rand => StandardNormal.sample(generator),
                            ErasingMode::Pixel | ErasingMode::Const => 0.0,
                        };
                        for row in plane.chunks_exact_mut(width).skip(top).take(tall) {
                            let cells = &mut row[left..left + wide];
                            match self.mode {
                                ErasingMode::Pixel => {
                                    cells.iter_mut().for_each(|pixel| *pixel = StandardNormal.sample(generator));
                                }
                                ErasingMode::Rand | ErasingMode::Const => cells.fill(colour),
                            }
                        }
                    }
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    const SIZE: [usize; 2] = [32, 24];
    const AREA: usize = 32 * 24;

    /// What is left of pixels that were all 9.
    fn erased(config: &ErasingConfig, seed: u64) -> Vec<f32> {
        let mut pixels = vec![9.0; 3 * AREA];
        config.apply(&mut pixels, SIZE, &mut ChaCha8Rng::seed_from_u64(seed));
        pixels
    }

    proptest! {
        #[test]
        fn one_rectangle_of_allowed_size_goes_in_every_channel(seed in any::<u64>()) {
            let config = ErasingConfig { probability: 1.0, mode: ErasingMode::Const, ..ErasingConfig::default() };
            let pixels = erased(&config, seed);
            let gone: Vec<usize> = (0..AREA).filter(|&place| pixels[place] == 0.0).collect();
            for plane in pixels.chunks_exact(AREA) {
                prop_assert!((0..AREA).filter(|&place| plane[place] == 0.0).eq(gone.iter().copied()));
            }
            let columns = gone.iter().map(|place| place % SIZE[1]);
            let (left, right) = (columns.clone().min().unwrap(), columns.max().unwrap());
            let (top, bottom) = (gone[0] / SIZE[1], gone[gone.len() - 1] / SIZE[1]);
            prop_assert_eq!(gone.len(), (right - left + 1) * (bottom - top + 1));
            let share = gone.len() as f64 / AREA as f64;
            prop_assert!((0.01..0.36).contains(&share), "{share}");
        }
    }

    #[test]
    fn noise_is_standard_normal_and_the_probability_holds() {
        let config = ErasingConfig { min_area: 0.3, ..ErasingConfig::default() };
        let all: Vec<Vec<f32>> = (0..2000).map(|seed| erased(&config, seed)).collect();
        let painted = all.iter().filter(|pixels| pixels.iter().any(|&pixel| pixel != 9.0)).count();
        assert!((430..570).contains(&painted), "{painted} of 2000");
        let noise: Vec<f32> = all.into_iter().flatten().filter(|&pixel| pixel != 9.0).collect();
        let mean = noise.iter().sum::<f32>() / noise.len() as f32;
        let square = noise.iter().map(|pixel| pixel * pixel).sum::<f32>() / noise.len() as f32;
        assert!(mean.abs() < 0.02 && (square - 1.0).abs() < 0.02, "{mean} {square}");

        let config = ErasingConfig { probability: 1.0, mode: ErasingMode::Rand, ..config };
        let pixels = erased(&config, 1);
        let colours: Vec<f32> =
            pixels.chunks_exact(AREA).map(|plane| *plane.iter().find(|&&p| p != 9.0).unwrap()).collect();
        assert!(pixels.iter().all(|pixel| *pixel == 9.0 || colours.contains(pixel)) && colours[0] != colours[1]);
    }

    #[test]
    fn several_rectangles_share_the_area() {
        let config = ErasingConfig { probability: 1.0, mode: ErasingMode::Const, count: 4, ..ErasingConfig::default() };
        for seed in 0..50 {
            let gone = erased(&config, seed).iter().filter(|&&pixel| pixel == 0.0).count() / 3;
            assert!((gone as f64) < 0.4 * AREA as f64);
        }
    }
}
