//! Random numbers by number: those of a class or a row are computed from its index.

use chacha20::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// The purpose of a generator.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Row,
    Cluster,
    Class,
}

/// The generator of a stream. All four arguments form its key, so no two generators draw the same.
pub(super) fn generator(seed: u64, stream: Stream, part: u64, number: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (bytes, value) in key.chunks_exact_mut(8).zip([seed, stream as u64, part, number]) {
        bytes.copy_from_slice(&value.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// The random signs of a class, one bit each: 1 is positive.
pub(super) struct Signs {
    words: Vec<u64>,
    columns: usize,
}

impl Signs {
    pub(super) fn new(seed: u64, class: usize, columns: usize) -> Self {
        let mut generator = generator(seed, Stream::Class, 0, class as u64);
        Signs { words: (0..columns.div_ceil(64)).map(|_| generator.next_u64()).collect(), columns }
    }

    /// The signs as 1 or -1. Shape `[columns]`.
    pub(super) fn iter(&self) -> impl Iterator<Item = f64> {
        (0..self.columns).map(|column| if self.words[column / 64] >> (column % 64) & 1 == 1 { 1.0 } else { -1.0 })
    }

    /// The sum of the values with these signs. Shape of `values`: `[columns]`.
    pub(super) fn dot(&self, values: &[f64]) -> f64 {
        let signed = |value: f64, word: u64, bit: usize| f64::from_bits(value.to_bits() ^ ((!word >> bit & 1) << 63));
        let mut sum = 0.0;
        for (values, &word) in values.chunks(64).zip(&self.words) {
            // Four sums, which do not wait for one another.
            let mut sums = [0.0; 4];
            for (quarter, values) in values.chunks(4).enumerate() {
                for (lane, &value) in values.iter().enumerate() {
                    sums[lane] += signed(value, word, 4 * quarter + lane);
                }
            }
            sum += sums.iter().sum::<f64>();
        }
        sum
    }
}
