//! Resizing with antialiasing.

use std::borrow::Cow;

use fast_image_resize::images::{CroppedImage, Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use serde::{Deserialize, Serialize};

use super::error::AugmentationError;
use super::workspace;
use crate::Picture;

/// How the value between pixels is found. The filter widens when a picture shrinks (antialiasing), as PIL's does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interpolation {
    /// A triangle over two pixels.
    Bilinear,
    /// The cubic of Catmull and Rom over four pixels.
    #[default]
    Bicubic,
}

/// A part of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) top: usize,
    pub(super) left: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Part {
    pub(super) fn whole(picture: &Picture<'_>) -> Self {
        Part { top: 0, left: 0, height: picture.height, width: picture.width }
    }
}

/// The picture at another size, its proportions not kept.
///
/// # Errors
/// A picture whose values do not match its size; a height or a width of 0.
pub fn resize(
    picture: &Picture<'_>,
    [height, width]: [usize; 2],
    interpolation: Interpolation,
) -> Result<Picture<'static>, AugmentationError> {
    check(picture)?;
    if height == 0 || width == 0 {
        let expected = "a height and a width above 0";
        return Err(AugmentationError::Setting { argument: "size", value: format!("[{height}, {width}]"), expected });
    }
    let mut pixels = Vec::new();
    workspace::with(|space| {
        let part = Part::whole(picture);
        resize_part(picture, part, [height, width], interpolation, &mut space.resizer, &mut pixels).map(|_| ())
    })?;
    Ok(Picture { height, width, channels: picture.channels, pixels: Cow::Owned(pixels) })
}

/// Bytes of a resized picture at most: a strip of 65,535 pixels by 1, resized to cover an input, would take gigabytes.
const LARGEST_RESULT: usize = 1 << 30;

/// Checks that a picture holds what its size says.
pub(super) fn check(picture: &Picture<'_>) -> Result<(), AugmentationError> {
    let Picture { height, width, channels, .. } = *picture;
    let expected = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels));
    let values = picture.pixels.len();
    if ![1, 3].contains(&channels) || values == 0 || expected != Some(values) {
        return Err(AugmentationError::Picture { height, width, channels, values });
    }
    Ok(())
}

/// A part of the picture, resized into `buffer`. The filter sees nothing outside the part, as after PIL's `crop`.
pub(super) fn resize_part<'b>(
    picture: &Picture<'_>,
    part: Part,
    [height, width]: [usize; 2],
    interpolation: Interpolation,
    resizer: &mut Resizer,
    buffer: &'b mut Vec<u8>,
) -> Result<Picture<'b>, AugmentationError> {
    let channels = picture.channels;
    let refused = |reason: String| AugmentationError::Resize { height: picture.height, width: picture.width, reason };
    let values = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels));
    match values.filter(|&values| values <= LARGEST_RESULT) {
        Some(values) => buffer.resize(values, 0),
        None => return Err(refused(format!("{height} x {width} pixels are more than fit the memory kept for one"))),
    }
    let side = |length: usize| u32::try_from(length).map_err(|_| refused("a side does not fit 32 bits".into()));
    let kind = if channels == 1 { PixelType::U8 } else { PixelType::U8x3 };
    let filter = match interpolation {
        Interpolation::Bilinear => FilterType::Bilinear,
        Interpolation::Bicubic => FilterType::CatmullRom,
    };
    let source = ImageRef::new(side(picture.width)?, side(picture.height)?, &picture.pixels, kind)
        .map_err(|error| refused(error.to_string()))?;
    let mut target =
        Image::from_slice_u8(side(width)?, side(height)?, buffer, kind).map_err(|error| refused(error.to_string()))?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    let [left, top] = [side(part.left)?, side(part.top)?];
    let cropped = CroppedImage::new(&source, left, top, side(part.width)?, side(part.height)?)
        .map_err(|error| refused(error.to_string()))?;
    resizer.resize(&cropped, &mut target, &options).map_err(|error| refused(error.to_string()))?;
    Ok(Picture { height, width, channels, pixels: Cow::Borrowed(buffer) })
}
