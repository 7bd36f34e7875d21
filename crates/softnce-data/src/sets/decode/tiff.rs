//! The first picture of a TIFF file.

use std::io::Cursor;

use image::RgbImage;
use image::metadata::Orientation;
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

use super::error::DecodeError;
use super::rgb;
use super::settings::Decoding;

/// The tag for the type of the picture, and its values for grey with black as 0 and for a palette.
const PHOTOMETRIC: u16 = 262;
const BLACK_IS_ZERO: u8 = 1;
const PALETTE: u16 = 3;
/// Colours that are multiplied with their alpha.
const ASSOCIATED_ALPHA: u16 = 1;

/// The picture and its orientation, which Pillow always applies.
pub(super) fn decode(bytes: &[u8], how: Decoding) -> Result<(RgbImage, Option<Orientation>), DecodeError> {
    let mut bytes = bytes.to_vec();
    let has_palette = as_grey(&mut bytes);
    // The size is checked here. The largest samples that are read have eight bytes.
    let mut limits = Limits::default();
    limits.decoding_buffer_size = usize::try_from(how.max_pixels.saturating_mul(8 * 4)).unwrap_or(usize::MAX);
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(error)?.with_limits(limits);
    let (width, height) = decoder.dimensions().map_err(error)?;
    how.check(width.into(), height.into())?;
    let kind = decoder.colortype().map_err(error)?;
    let tag = |decoder: &mut Decoder<_>, tag| decoder.find_tag_unsigned_vec::<u16>(tag).ok().flatten();
    let orientation = tag(&mut decoder, Tag::Orientation).and_then(|tag| tag.first().copied());
    let orientation = orientation.and_then(|tag| Orientation::from_exif(u8::try_from(tag).ok()?));
    let multiplied = tag(&mut decoder, Tag::ExtraSamples).is_some_and(|tag| tag.first() == Some(&ASSOCIATED_ALPHA));
    let palette = if has_palette { tag(&mut decoder, Tag::ColorMap) } else { None };

    let mut values = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut values).map_err(error)?;
    if values.as_buffer(0).as_bytes().len() < layout.complete_len {
        return Err(DecodeError::CutOff);
    }
    let (bits, channels) = match kind {
        ColorType::Gray(bits) => (bits, 1),
        ColorType::GrayA(bits) => (bits, 2),
        ColorType::RGB(bits) | ColorType::YCbCr(bits) => (bits, 3),
        ColorType::RGBA(bits) | ColorType::CMYK(bits) => (bits, 4),
        ColorType::CMYKA(bits) => (bits, 5),
        ColorType::Multiband { bit_depth, num_samples: 2 } => (bit_depth, 2),
        other => {
            return Err(DecodeError::damaged(format!("a TIFF of {other:?}; expected grey, RGB, CMYK or a palette")));
        }
    };
    let mut values = match bits {
        ..8 => unpacked(&bytes_of(values)?, width as usize * channels, bits),
        _ => bytes_of_samples(values, channels > 2),
    };
    if layout.planes > 1 {
        let plane = values.len() / layout.planes;
        values = (0..plane)
            .flat_map(|at| (0..layout.planes).map(move |number| number * plane + at))
            .map(|at| values[at])
            .collect();
    }
    let pixels: Vec<u8> = match (&palette, kind) {
        (Some(palette), _) => {
            let size = palette.len() / 3;
            let shade = |index: usize, of: usize| palette.get(of * size + index).filter(|_| index < size).copied();
            let colour = |index: &u8| [0, 1, 2].map(|of| rgb::high_byte(shade(usize::from(*index), of).unwrap_or(0)));
            values.iter().flat_map(colour).collect()
        }
        (None, ColorType::Gray(bits @ ..8)) => {
            let white = 255 / ((1 << bits) - 1);
            values.iter().flat_map(|value| [value * white; 3]).collect()
        }
        (None, ColorType::YCbCr(_)) => values.as_chunks().0.iter().flat_map(|&pixel| from_ycbcr(pixel)).collect(),
        (None, ColorType::CMYK(_) | ColorType::CMYKA(_)) => values
            .chunks_exact(channels)
            .flat_map(|pixel| rgb::from_cmyk([pixel[0], pixel[1], pixel[2], pixel[3]]))
            .collect(),
        (None, ColorType::RGBA(_)) if multiplied => values
            .as_chunks::<4>()
            .0
            .iter()
            .flat_map(|&[red, green, blue, alpha]| [red, green, blue].map(|value| rgb::unmultiplied(value, alpha)))
            .collect(),
        (None, _) if channels < 3 => values.chunks_exact(channels).flat_map(|pixel| [pixel[0]; 3]).collect(),
        (None, _) => values.chunks_exact(channels).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
    };
    let picture = RgbImage::from_raw(width, height, pixels).ok_or(DecodeError::CutOff)?;
    Ok((picture, orientation))
}

/// Changes the type of the first picture from palette to grey, because the decoder does not read palettes; the values
/// are then the indices of the colours. Returns whether there is a palette.
fn as_grey(bytes: &mut [u8]) -> bool {
    let little = bytes.starts_with(b"II*\0");
    let read = |bytes: &[u8], at: usize, length: usize| -> Option<usize> {
        let field = bytes.get(at..at.checked_add(length)?)?.iter();
        let join = |number: usize, &byte: &u8| number << 8 | usize::from(byte);
        Some(if little { field.rev().fold(0, join) } else { field.fold(0, join) })
    };
    if !little && !bytes.starts_with(b"MM\0*") {
        return false;
    }
    let Some(directory) = read(bytes, 4, 4) else { return false };
    let entries = read(bytes, directory, 2).unwrap_or(0);
    for entry in (0..entries).map(|number| directory + 2 + 12 * number) {
        let value = entry + 8;
        if read(bytes, entry, 2) == Some(PHOTOMETRIC.into()) && read(bytes, value, 2) == Some(PALETTE.into()) {
            bytes[if little { value } else { value + 1 }] = BLACK_IS_ZERO;
            return true;
        }
    }
    false
}

fn bytes_of(values: DecodingResult) -> Result<Vec<u8>, DecodeError> {
    match values {
        DecodingResult::U8(values) => Ok(values),
        _ => Err(DecodeError::damaged("a TIFF of less than 8 bits a value, but not of whole numbers")),
    }
}

/// The values of rows that begin with a byte and hold `row` values of `bits` bits, the first in the highest bits.
fn unpacked(bytes: &[u8], row: usize, bits: u8) -> Vec<u8> {
    let bits = usize::from(bits.max(1));
    let value = |row: &[u8], at: usize| {
        (0..bits).fold(0, |value, bit| {
            let place = at * bits + bit;
            value << 1 | (row[place / 8] >> (7 - place % 8) & 1)
        })
    };
    bytes
        .chunks_exact((row * bits).div_ceil(8).max(1))
        .flat_map(|bytes| (0..row).map(move |at| value(bytes, at)))
        .collect()
}

/// Values of 8 bits: those of colours are the high bytes, those of grey are clipped.
fn bytes_of_samples(values: DecodingResult, colour: bool) -> Vec<u8> {
    fn clipped<T: Into<f64>>(values: Vec<T>) -> Vec<u8> {
        values.into_iter().map(|value| rgb::clipped(value.into())).collect()
    }
    match values {
        DecodingResult::U8(values) => values,
        DecodingResult::U16(values) if colour => values.into_iter().map(rgb::high_byte).collect(),
        DecodingResult::I8(values) => values.into_iter().map(|value| value as u8).collect(),
        DecodingResult::U16(values) => clipped(values),
        DecodingResult::I16(values) => clipped(values),
        DecodingResult::U32(values) => clipped(values),
        DecodingResult::I32(values) => clipped(values),
        DecodingResult::U64(values) => values.into_iter().map(|value| rgb::clipped(value as f64)).collect(),
        DecodingResult::I64(values) => values.into_iter().map(|value| rgb::clipped(value as f64)).collect(),
        DecodingResult::F16(values) => clipped(values),
        DecodingResult::F32(values) => clipped(values),
        DecodingResult::F64(values) => clipped(values),
    }
}

/// Luma and chroma of 8 bits, as libjpeg converts them. Source: ITU-T T.871, in 16 bits of fraction.
fn from_ycbcr([luma, blue, red]: [u8; 3]) -> [u8; 3] {
    let scaled = |factor: f64| (factor * 65536.0 + 0.5) as i32;
    let [luma, blue, red] = [i32::from(luma), i32::from(blue) - 128, i32::from(red) - 128];
    let half = 1 << 15;
    let green = (-scaled(0.34414) * blue - scaled(0.71414) * red + half) >> 16;
    [((scaled(1.402) * red + half) >> 16), green, ((scaled(1.772) * blue + half) >> 16)]
        .map(|chroma| (luma + chroma).clamp(0, 255) as u8)
}

fn error(error: tiff::TiffError) -> DecodeError {
    match error {
        tiff::TiffError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => DecodeError::CutOff,
        error => DecodeError::damaged(error),
    }
}
