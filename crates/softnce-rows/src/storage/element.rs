//! The types in which a matrix keeps its values.

use half::bf16;
use serde::{Deserialize, Serialize};

use super::random::Stream;

/// The type in which a matrix keeps its values, in little-endian order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Element {
    /// 32 bit floats.
    F32,
    /// The upper half of a 32 bit float: 8 bits of precision.
    #[serde(rename = "BF16")]
    Bf16,
    /// 32 bit integers, such as the step at which an optimiser last changed a row.
    U32,
}

/// How a value becomes one of 8 bits of precision. [`Element::F32`] keeps values as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest value; of two as near, to the one whose last bit is 0. Changes of less than 1/512 of a value have
    /// no effect, however often they are made.
    Nearest,
    /// Up or down at random, with probabilities that make the expected result the exact value. So small changes add up.
    /// Which way a value goes is a function of the seed, the step, its row and its column. Each matrix and each step
    /// needs random numbers of its own.
    Stochastic {
        /// One for each matrix and run.
        seed: u64,
        /// The step of the training.
        step: u64,
    },
}

impl Element {
    /// Bytes of a value.
    pub fn size(self) -> usize {
        match self {
            Element::F32 | Element::U32 => 4,
            Element::Bf16 => 2,
        }
    }

    /// Its name in safetensors files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Element::F32 => "F32",
            Element::Bf16 => "BF16",
            Element::U32 => "U32",
        }
    }
}

/// Reads values of f32 or bf16.
pub(super) fn decode(element: Element, bytes: &[u8], out: &mut [f32]) {
    if element == Element::Bf16 {
        let halves = bytes.as_chunks::<2>().0;
        for (value, half) in out.iter_mut().zip(halves) {
            *value = f32::from_bits(u32::from(u16::from_le_bytes(*half)) << 16);
        }
    } else {
        for (value, bytes) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *value = f32::from_le_bytes(*bytes);
        }
    }
}

/// Reads integers.
pub(super) fn decode_u32(bytes: &[u8], out: &mut [u32]) {
    for (value, bytes) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *value = u32::from_le_bytes(*bytes);
    }
}

/// Writes the finite values of a row as f32 or bf16. Those beyond the range of bf16 become its largest value.
pub(crate) fn encode(element: Element, rounding: Rounding, row: u32, values: &[f32], out: &mut [u8]) {
    if element == Element::Bf16 {
        let (out, _) = out.as_chunks_mut::<2>();
        match rounding {
            Rounding::Nearest => {
                for (out, value) in out.iter_mut().zip(values) {
                    let bits = value.to_bits();
                    *out = truncate(bits, 0x7fff + ((bits >> 16) & 1));
                }
            }
            Rounding::Stochastic { seed, step } => {
                let stream = Stream::new([seed, step, u64::from(row)]);
                // Each number of 64 bits serves four columns.
                for (place, (out, values)) in (0..).zip(out.chunks_mut(4).zip(values.chunks(4))) {
                    let random = stream.at(place);
                    for (lane, (out, value)) in out.iter_mut().zip(values).enumerate() {
                        *out = truncate(value.to_bits(), (random >> (16 * lane)) as u32 & 0xffff);
                    }
                }
            }
        }
    } else {
        for (out, value) in out.as_chunks_mut::<4>().0.iter_mut().zip(values) {
            *out = value.to_le_bytes();
        }
    }
}

/// Adds to the lower half of a finite value, where a carry leads to the next value of bf16, and drops this half.
#[inline]
fn truncate(bits: u32, add: u32) -> [u8; 2] {
    let half = ((bits + add) >> 16) as u16;
    let sign = half & 0x8000;
    (sign | (half & 0x7fff).min(bf16::MAX.to_bits())).to_le_bytes()
}

/// Writes integers.
pub(super) fn encode_u32(values: &[u32], out: &mut [u8]) {
    for (out, value) in out.as_chunks_mut::<4>().0.iter_mut().zip(values) {
        *out = value.to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rounded(rounding: Rounding, row: u32, values: &[f32]) -> Vec<f32> {
        let (mut bytes, mut found) = (vec![0; 2 * values.len()], vec![0.0; values.len()]);
        encode(Element::Bf16, rounding, row, values, &mut bytes);
        decode(Element::Bf16, &bytes, &mut found);
        found
    }

    proptest! {
        #[test]
        fn the_nearest_value_is_that_of_the_crate_half(bits in any::<u32>()) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            let expected = bf16::from_f32(value).to_f32().clamp(bf16::MIN.to_f32(), bf16::MAX.to_f32());
            prop_assert_eq!(rounded(Rounding::Nearest, 0, &[value])[0].to_bits(), expected.to_bits());
        }

        #[test]
        fn a_random_direction_leads_to_one_of_both_neighbours(
            bits in any::<u32>(),
            seed in any::<u64>(),
            row in any::<u32>(),
        ) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            let found = rounded(Rounding::Stochastic { seed, step: 1 }, row, &[value])[0];
            let low = f32::from_bits(bits & 0xffff_0000);
            let high = f32::from_bits((bits & 0xffff_0000) + 0x1_0000);
            let high = if high.is_finite() { high } else { low };
            prop_assert!(found == low || (found == high && low != value), "{value} became {found}");
        }
    }

    #[test]
    fn small_changes_survive_in_expectation() {
        // Each step adds 1/16 of the distance between two values of bf16, which rounding to nearest undoes.
        let (steps, distance) = (400, 1.0 / 128.0);
        let mut random = vec![1.0_f32; 4096];
        let mut nearest = random.clone();
        for step in 0..steps {
            let add = |values: &[f32]| values.iter().map(|value| value + distance / 16.0).collect::<Vec<_>>();
            random = rounded(Rounding::Stochastic { seed: 5, step }, 9, &add(&random));
            nearest = rounded(Rounding::Nearest, 9, &add(&nearest));
        }
        assert!(nearest.iter().all(|&value| value == 1.0));
        let mean = random.iter().map(|&value| f64::from(value)).sum::<f64>() / 4096.0;
        let expected = 1.0 + steps as f64 * f64::from(distance) / 16.0;
        // A step's error has the variance distance^2 p (1 - p) with p = 1/16; five standard errors.
        let error = f64::from(distance) * f64::sqrt(steps as f64 * (15.0 / 256.0) / 4096.0);
        assert!((mean - expected).abs() < 5.0 * error, "{mean}, expected {expected} +- {error}");
    }

    #[test]
    fn directions_depend_on_seed_step_row_and_column() {
        let values = vec![1.0 + 1.0 / 256.0; 256];
        let at = |seed, step, row| rounded(Rounding::Stochastic { seed, step }, row, &values);
        let one = at(1, 1, 1);
        assert_eq!(one, at(1, 1, 1));
        // Half of the columns go up: a difference of five standard deviations, 8 each, would be 40.
        let up = one.iter().filter(|&&value| value > 1.0).count();
        assert!((88..=168).contains(&up), "{up}");
        for other in [at(2, 1, 1), at(1, 2, 1), at(1, 1, 2)] {
            let differing = one.iter().zip(&other).filter(|(one, other)| one != other).count();
            assert!((88..=168).contains(&differing), "{differing}");
        }
    }
}
