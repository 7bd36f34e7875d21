//! Numbers of any width, as files hold them.

use half::{bf16, f16};

/// How the numbers of an array are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    kind: Kind,
    bytes: usize,
    big_endian: bool,
}

/// What kind of number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Float,
    /// Floats with the exponent of 32 bits in 16.
    Brain,
    Signed,
    Unsigned,
}

impl Element {
    /// `None` if there is no such number.
    pub(super) fn new(kind: Kind, bytes: usize, big_endian: bool) -> Option<Self> {
        let known = match kind {
            Kind::Float => matches!(bytes, 2 | 4 | 8),
            Kind::Brain => bytes == 2,
            Kind::Signed | Kind::Unsigned => matches!(bytes, 1 | 2 | 4 | 8),
        };
        known.then_some(Self { kind, bytes, big_endian })
    }

    /// Bytes of a number.
    pub(super) fn size(self) -> usize {
        self.bytes
    }

    /// A number from its bytes, of which there must be [`Element::size`].
    pub(super) fn decode(self, bytes: &[u8]) -> f64 {
        // Least byte first, at the top of eight: what is below is shifted out again, with the sign kept.
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
            (Kind::Float, 2) => f16::from_bits(small as u16).to_f64(),
            (Kind::Float, 4) => f64::from(f32::from_bits(small as u32)),
            (Kind::Float, _) => f64::from_bits(small),
            (Kind::Brain, _) => bf16::from_bits(small as u16).to_f64(),
            (Kind::Signed, _) => (word as i64 >> shift) as f64,
            (Kind::Unsigned, _) => small as f64,
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
                let element = Element::new(kind, bytes.len(), big_endian).unwrap();
                assert_eq!(element.decode(bytes), expected, "{element:?}");
            }
        };
        check(Kind::Float, &f16::from_f32(-1.5).to_le_bytes(), -1.5);
        check(Kind::Float, &0.1f32.to_le_bytes(), f64::from(0.1f32));
        check(Kind::Float, &0.1f64.to_le_bytes(), 0.1);
        check(Kind::Brain, &bf16::from_f32(3e38).to_le_bytes(), f64::from(bf16::from_f32(3e38).to_f32()));
        check(Kind::Signed, &[0xfe], -2.0);
        check(Kind::Signed, &(-300i16).to_le_bytes(), -300.0);
        check(Kind::Signed, &70_000i32.to_le_bytes(), 70_000.0);
        check(Kind::Signed, &(-5i64).to_le_bytes(), -5.0);
        check(Kind::Unsigned, &[0xfe], 254.0);
        check(Kind::Unsigned, &65_535u16.to_le_bytes(), 65_535.0);
        check(Kind::Unsigned, &u32::MAX.to_le_bytes(), 4_294_967_295.0);
        check(Kind::Unsigned, &51u64.to_le_bytes(), 51.0);
        assert_eq!(Element::new(Kind::Float, 1, false), None);
        assert_eq!(Element::new(Kind::Unsigned, 3, false), None);
    }
}
