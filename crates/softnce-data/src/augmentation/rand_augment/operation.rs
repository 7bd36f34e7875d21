//! The operations and their strength at a magnitude.

use chacha20::ChaCha8Rng;
use rand::RngExt;

use super::{Canvas, affine, enhance, levels};
use crate::augmentation::Interpolation;

/// One of the operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    AutoContrast,
    Equalize,
    Invert,
    Rotate,
    Posterize,
    Solarize,
    SolarizeAdd,
    Colour,
    Contrast,
    Brightness,
    Sharpness,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
}

/// An operation with its strength.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Action {
    AutoContrast,
    Equalize,
    Invert,
    /// Degrees, anticlockwise.
    Rotate(f64),
    /// Bits kept.
    Posterize(u32),
    /// Lowest level that is inverted.
    Solarize(u32),
    /// Number that is added.
    SolarizeAdd(u8),
    /// Factor; 1 does not change the picture.
    Colour(f32),
    /// Factor.
    Contrast(f32),
    /// Factor.
    Brightness(f32),
    /// Factor.
    Sharpness(f32),
    /// Columns a row.
    ShearX(f64),
    /// Rows a column.
    ShearY(f64),
    /// Share of the width.
    TranslateX(f64),
    /// Share of the height.
    TranslateY(f64),
}

impl Operation {
    pub(super) const ALL: [Operation; 15] = [
        Operation::AutoContrast,
        Operation::Equalize,
        Operation::Invert,
        Operation::Rotate,
        Operation::Posterize,
        Operation::Solarize,
        Operation::SolarizeAdd,
        Operation::Colour,
        Operation::Contrast,
        Operation::Brightness,
        Operation::Sharpness,
        Operation::ShearX,
        Operation::ShearY,
        Operation::TranslateX,
        Operation::TranslateY,
    ];

    /// The operation at a magnitude from 0 to 10 (the full range), with a random sign where it has one. `increasing`:
    /// whether all operations become stronger with the magnitude; otherwise some become weaker.
    pub(super) fn at(self, magnitude: f64, increasing: bool, generator: &mut ChaCha8Rng) -> Action {
        let share = magnitude / 10.0;
        let mut signed = |value: f64| if generator.random::<bool>() { -value } else { value };
        let mut factor = || match increasing {
            true => (1.0 + signed(share * 0.9)).max(0.1) as f32,
            false => (share * 1.8 + 0.1) as f32,
        };
        match self {
            Operation::AutoContrast => Action::AutoContrast,
            Operation::Equalize => Action::Equalize,
            Operation::Invert => Action::Invert,
            Operation::Posterize => {
                let bits = (share * 4.0) as u32;
                Action::Posterize(if increasing { 4_u32.saturating_sub(bits) } else { bits })
            }
            Operation::Solarize => {
                let threshold = ((share * 256.0) as u32).min(256);
                Action::Solarize(if increasing { 256 - threshold } else { threshold })
            }
            Operation::SolarizeAdd => Action::SolarizeAdd((share * 110.0).min(128.0) as u8),
            Operation::Colour => Action::Colour(factor()),
            Operation::Contrast => Action::Contrast(factor()),
            Operation::Brightness => Action::Brightness(factor()),
            Operation::Sharpness => Action::Sharpness(factor()),
            Operation::Rotate => Action::Rotate(signed(share * 30.0)),
            Operation::ShearX => Action::ShearX(signed(share * 0.3)),
            Operation::ShearY => Action::ShearY(signed(share * 0.3)),
            Operation::TranslateX => Action::TranslateX(signed(share * 0.45)),
            Operation::TranslateY => Action::TranslateY(signed(share * 0.45)),
        }
    }
}

impl Action {
    pub(super) fn apply(self, canvas: &mut Canvas<'_>, interpolation: Interpolation, fill: &[u8]) {
        let (height, width) = (canvas.height, canvas.width);
        let map = match self {
            Action::AutoContrast => return levels::auto_contrast(canvas),
            Action::Equalize => return levels::equalize(canvas),
            Action::Invert => return levels::invert(canvas),
            Action::Posterize(bits) => return levels::posterize(canvas, bits),
            Action::Solarize(threshold) => return levels::solarize(canvas, threshold),
            Action::SolarizeAdd(add) => return levels::solarize_add(canvas, add),
            Action::Colour(factor) => return enhance::colour(canvas, factor),
            Action::Contrast(factor) => return enhance::contrast(canvas, factor),
            Action::Brightness(factor) => return enhance::brightness(canvas, factor),
            Action::Sharpness(factor) => return enhance::sharpness(canvas, factor),
            Action::Rotate(degrees) => affine::rotation(degrees, height, width),
            Action::ShearX(factor) => affine::shear_x(factor),
            Action::ShearY(factor) => affine::shear_y(factor),
            Action::TranslateX(share) => affine::translation(share * width as f64, 0.0),
            Action::TranslateY(share) => affine::translation(0.0, share * height as f64),
        };
        affine::transform(canvas, map, interpolation, fill);
    }
}
