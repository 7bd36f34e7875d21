//! Random numbers that are a function of a seed and of where they are used, so that neither the number of threads nor a
//! resumed run changes them.

/// The step of SplitMix64 between two states.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64 (Steele, Lea, Flood 2014), of which any number is computed without those before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream(u64);

impl Stream {
    /// The stream that these words, in this order, select.
    pub(super) fn new<const N: usize>(words: [u64; N]) -> Self {
        Stream(words.into_iter().fold(0, |state, word| mix(mix(state).wrapping_add(word))))
    }

    /// Its number at this place, from 0.
    #[inline]
    pub(super) fn at(self, place: u64) -> u64 {
        mix(self.0.wrapping_add(place.wrapping_add(1).wrapping_mul(STEP)))
    }

    /// Fills `out` with independent numbers of the standard normal distribution, times `std`, by the method of Box and
    /// Muller (1958).
    pub(super) fn fill_normal(self, std: f32, out: &mut [f32]) {
        /// The values of a 53 bit fraction, in (0, 1].
        const UNIT: f64 = 1.0 / (1_u64 << 53) as f64;
        let unit = |place: usize| ((self.at(place as u64) >> 11) + 1) as f64 * UNIT;
        for (pair, values) in out.chunks_mut(2).enumerate() {
            let radius = (-2.0 * unit(2 * pair).ln()).sqrt() * f64::from(std);
            let (sin, cos) = (std::f64::consts::TAU * unit(2 * pair + 1)).sin_cos();
            values.iter_mut().zip([cos, sin]).for_each(|(value, direction)| *value = (radius * direction) as f32);
        }
    }
}

/// The output function of SplitMix64: each bit of the result depends on each bit of the argument.
#[inline]
fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_splitmix64() {
        // The first numbers of java.util.SplittableRandom(1234567), as on rosettacode.org/wiki/Pseudo-random_numbers.
        let found: Vec<u64> = (0..5).map(|place| Stream(1_234_567).at(place)).collect();
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_order_of_the_words_counts() {
        let places = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]].map(|words| Stream::new(words).at(0));
        let distinct: std::collections::BTreeSet<u64> = places.into_iter().collect();
        assert_eq!(distinct.len(), places.len());
    }

    #[test]
    fn normal_values_have_the_moments_of_their_distribution() {
        let mut values = vec![0.0; 200_001];
        Stream::new([7, 3]).fill_normal(0.5, &mut values);
        let moment = |power| values.iter().map(|&value| f64::from(value / 0.5).powi(power)).sum::<f64>() / 200_001.0;
        // Five standard errors: the variance of x^k is (2k - 1)!! - (the moment)^2.
        for (power, expected, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
            let bound = 5.0 * f64::sqrt(variance / 200_001.0);
            assert!((moment(power) - expected).abs() < bound, "moment {power}: {}", moment(power));
        }
        // Neighbours are independent, within a pair and across pairs.
        for distance in [1, 2] {
            let products = values.iter().zip(&values[distance..]).map(|(one, other)| f64::from(one * other) * 4.0);
            let mean = products.sum::<f64>() / 200_000.0;
            assert!(mean.abs() < 5.0 / f64::sqrt(200_000.0), "distance {distance}: {mean}");
        }
    }
}
