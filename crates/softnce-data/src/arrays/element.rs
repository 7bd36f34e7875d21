//! Decodes numbers of any width and byte order.

use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use half::{bf16, f16};

/// Type and byte order of the numbers in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NumberFormat {
    kind: NumberKind,
    bytes: usize,
    big_endian: bool,
}

/// Kind of number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberKind {
    Float,
    /// bfloat16: 16 bits with the exponent of a 32 bit float.
    Brain,
    Signed,
    Unsigned,
}

impl NumberFormat {
    /// `None` if there is no number of this kind and width.
    pub(crate) fn new(kind: NumberKind, bytes: usize, big_endian: bool) -> Option<Self> {
        let known = match kind {
            NumberKind::Float => matches!(bytes, 2 | 4 | 8),
            NumberKind::Brain => bytes == 2,
            NumberKind::Signed | NumberKind::Unsigned => matches!(bytes, 1 | 2 | 4 | 8),
        };
        known.then_some(Self { kind, bytes, big_endian })
    }

    /// Bytes per number.
    pub(crate) fn size(self) -> usize {
        self.bytes
    }

    /// The number in `bytes`, which has [`NumberFormat::size`] bytes.
    pub(crate) fn decode(self, bytes: &[u8]) -> f64 {
        // The bytes go to the top of eight little-endian ones; the shift then moves them down and keeps the sign.
        let mut wide = [0; 8];
        for (target, source) in wide[8 - self.bytes..].iter_mut().zip(bytes) {
            *target = *source;
        }
        if self.big_endian {
            wide[8 - self.bytes..].reverse();
        }
        let word = u64::from_le_bytes(wide);
        let shift = 64 - 8 * self.bytes as u32;
        let small = word >> shift;
        match (self.kind, self.bytes) {
            (NumberKind::Float, 2) => f16::from_bits(small as u16).to_f64(),
            (NumberKind::Float, 4) => f64::from(f32::from_bits(small as u32)),
            (NumberKind::Float, _) => f64::from_bits(small),
            (NumberKind::Brain, _) => bf16::from_bits(small as u16).to_f64(),
            (NumberKind::Signed, _) => (word as i64 >> shift) as f64,
            (NumberKind::Unsigned, _) => small as f64,
        }
    }

    /// Numbers one after another as f32, rounded to the nearest.
    ///
    /// # Shapes
    /// `bytes`: [`NumberFormat::size`] bytes for each value of `out`.
    pub(crate) fn decode_all(self, bytes: &[u8], out: &mut [f32]) {
        let values = bytes.chunks_exact(self.bytes);
        match (self.kind, self.bytes, self.big_endian) {
            // The usual types: by the instructions of the processor.
            (NumberKind::Float, 4, false) => {
                for (out, value) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    *out = f32::from_le_bytes(*value);
                }
            }
            (NumberKind::Float, 2, false) => {
                let bits: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|value| u16::from_le_bytes(*value)).collect();
                let length = bits.len().min(out.len());
                bits[..length].reinterpret_cast::<f16>().convert_to_f32_slice(&mut out[..length]);
            }
            _ => out.iter_mut().zip(values).for_each(|(out, value)| *out = self.decode(value) as f32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_and_order() {
        let check = |kind, little: &[u8], expected: f64| {
            let big: Vec<u8> = little.iter().rev().copied().collect();
            for (bytes, big_endian) in [(little, false), (&big[..], true)] {
                let element = NumberFormat::new(kind, bytes.len(), big_endian).unwrap();
                assert_eq!(element.decode(bytes), expected, "{element:?}");
            }
        };
        check(NumberKind::Float, &f16::from_f32(-1.5).to_le_bytes(), -1.5);
        check(NumberKind::Float, &0.1f32.to_le_bytes(), f64::from(0.1f32));
        check(NumberKind::Float, &0.1f64.to_le_bytes(), 0.1);
        check(NumberKind::Brain, &bf16::from_f32(3e38).to_le_bytes(), f64::from(bf16::from_f32(3e38).to_f32()));
        check(NumberKind::Signed, &[0xfe], -2.0);
        check(NumberKind::Signed, &(-300i16).to_le_bytes(), -300.0);
        check(NumberKind::Signed, &70_000i32.to_le_bytes(), 70_000.0);
        check(NumberKind::Signed, &(-5i64).to_le_bytes(), -5.0);
        check(NumberKind::Unsigned, &[0xfe], 254.0);
        check(NumberKind::Unsigned, &65_535u16.to_le_bytes(), 65_535.0);
        check(NumberKind::Unsigned, &u32::MAX.to_le_bytes(), 4_294_967_295.0);
        check(NumberKind::Unsigned, &51u64.to_le_bytes(), 51.0);
        assert_eq!(NumberFormat::new(NumberKind::Float, 1, false), None);
        assert_eq!(NumberFormat::new(NumberKind::Unsigned, 3, false), None);
    }

    #[test]
    fn all_at_once_is_one_by_one() {
        let values = [0.0f32, -1.5, 65504.0, 6e-8, 0.333];
        let mut out = [0.0; 5];
        let bytes: Vec<u8> = values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect();
        let format = |kind, bytes, big| NumberFormat::new(kind, bytes, big).unwrap();
        format(NumberKind::Float, 2, false).decode_all(&bytes, &mut out);
        assert_eq!(out, values.map(|value| f16::from_f32(value).to_f32()));
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        format(NumberKind::Float, 4, false).decode_all(&bytes, &mut out);
        assert_eq!(out, values);
        let bytes: Vec<u8> = values.iter().flat_map(|&value| f64::from(value).to_be_bytes()).collect();
        format(NumberKind::Float, 8, true).decode_all(&bytes, &mut out);
        assert_eq!(out, values);
    }
}
