//! Decodes the files of pictures to red, green and blue, as Pillow's `Image.open(file).convert("RGB")` does.

mod bmp;
mod error;
mod gif;
mod jpeg;
mod rgb;
mod settings;
mod tiff;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::Cursor;
use std::panic::catch_unwind;
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

pub use error::DecodeError;
pub use settings::Decoding;

use crate::Picture;

/// The endings of picture files, in lower case.
const ENDINGS: [&str; 14] =
    ["jpg", "jpeg", "jpe", "jfif", "png", "bmp", "webp", "gif", "tif", "tiff", "ppm", "pgm", "pbm", "pnm"];

/// Endings of pictures that are not read, for messages.
const OTHER_ENDINGS: [&str; 12] =
    ["heic", "heif", "avif", "jxl", "jp2", "tga", "dng", "cr2", "nef", "arw", "svg", "psd"];

/// The last chunk of a PNG file.
const PNG_END: &[u8] = b"\0\0\0\0IEND\xaeB`\x82";

/// Whether the name of a file ends as that of a picture.
pub(super) fn is_picture(file: &OsStr) -> bool {
    ends_in(file, &ENDINGS)
}

/// Whether the name of a file ends as that of a picture in a format that is not read.
pub(super) fn is_unread_picture(file: &OsStr) -> bool {
    ends_in(file, &OTHER_ENDINGS)
}

fn ends_in(file: &OsStr, endings: &[&str]) -> bool {
    let ending = Path::new(file).extension().unwrap_or_default();
    endings.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// The endings of picture files, for messages.
pub(super) fn endings() -> String {
    ENDINGS.join(", ")
}

/// Decodes the content of a file to red, green and blue. Shape of the pixels: `[height, width, 3]`.
///
/// # Errors
/// What is no picture, is damaged or cut off, or is too large.
pub(super) fn decode(bytes: &[u8], how: Decoding) -> Result<Picture<'static>, DecodeError> {
    // No decoder should panic, whatever the file holds; one that does must not end the program.
    let decoded = catch_unwind(|| decode_unguarded(bytes, how));
    let picture = decoded.unwrap_or_else(|_| Err(DecodeError::damaged("the decoder panicked")))?;
    let (width, height) = picture.dimensions();
    Ok(Picture { height: height as usize, width: width as usize, channels: 3, pixels: Cow::Owned(picture.into_raw()) })
}

fn decode_unguarded(bytes: &[u8], how: Decoding) -> Result<RgbImage, DecodeError> {
    let (picture, orientation) = match format(bytes)? {
        ImageFormat::Jpeg => jpeg::decode(bytes, how)?,
        ImageFormat::Gif => (gif::decode(bytes, how)?, None),
        ImageFormat::Tiff => {
            let (picture, orientation) = tiff::decode(bytes, how)?;
            return Ok(turned(picture, orientation));
        }
        // Pillow reads a file whose last chunk is missing.
        ImageFormat::Png => match read(bytes, ImageFormat::Png, how) {
            Err(DecodeError::CutOff) => read(&[bytes, PNG_END].concat(), ImageFormat::Png, how)?,
            read => read?,
        },
        ImageFormat::Bmp => {
            let (mut picture, orientation) = read(bytes, ImageFormat::Bmp, how)?;
            bmp::truncate(bytes, &mut picture);
            (picture, orientation)
        }
        other => read(bytes, other, how)?,
    };
    Ok(turned(picture, orientation.filter(|_| how.exif_orientation)))
}

/// The format of a file, told by its first bytes.
fn format(bytes: &[u8]) -> Result<ImageFormat, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    // TIFF with offsets of 64 bits.
    if bytes.starts_with(b"II+\0") || bytes.starts_with(b"MM\0+") {
        return Ok(ImageFormat::Tiff);
    }
    match image::guess_format(bytes) {
        Ok(format) if format.can_read() && format.reading_enabled() || format == ImageFormat::Jpeg => Ok(format),
        Ok(format) => Err(DecodeError::Format { found: format!("the format is {format:?}") }),
        Err(_) => {
            let start = &bytes[..bytes.len().min(8)];
            Err(DecodeError::Format { found: format!("the file begins with \"{}\"", start.escape_ascii()) })
        }
    }
}

/// A PNG, BMP, WebP or PNM picture, and its orientation.
fn read(bytes: &[u8], format: ImageFormat, how: Decoding) -> Result<(RgbImage, Option<Orientation>), DecodeError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    // For what a decoder keeps beside the pixels, which have up to eight bytes.
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(how.max_pixels.saturating_mul(8).saturating_add(1 << 26));
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(DecodeError::image)?;
    let (width, height) = decoder.dimensions();
    how.check(width.into(), height.into())?;
    let orientation = if how.exif_orientation { decoder.orientation().ok() } else { None };
    let picture = DynamicImage::from_decoder(decoder).map_err(DecodeError::image)?;
    Ok((rgb::from_image(picture, format), orientation))
}

fn turned(picture: RgbImage, orientation: Option<Orientation>) -> RgbImage {
    match orientation {
        None | Some(Orientation::NoTransforms) => picture,
        Some(orientation) => {
            let mut picture = DynamicImage::ImageRgb8(picture);
            picture.apply_orientation(orientation);
            picture.into_rgb8()
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
