//! Resizing with antialiasing.

use std::borrow::Cow;
use std::error::Error;

use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use serde::{Deserialize, Serialize};

use super::error::AugmentationError;
use super::two_pass::TwoPassResizer;
use super::workspace;
use crate::Picture;

/// Interpolation between pixels. When a picture is reduced the filter widens (antialiasing), as in PIL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interpolation {
    /// Linear over two pixels.
    Bilinear,
    /// Catmull-Rom cubic over four pixels.
    #[default]
    Bicubic,
}

/// A rectangle of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crop {
    pub(super) top: usize,
    pub(super) left: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Crop {
    pub(super) fn whole(picture: &Picture<'_>) -> Self {
        Crop { top: 0, left: 0, height: picture.height, width: picture.width }
    }
}

/// The picture resized to another height and width; the aspect ratio may change.
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
        let part = Crop::whole(picture);
        resize_part(picture, part, [height, width], interpolation, &mut space.resizer, &mut pixels).map(|_| ())
    })?;
    Ok(Picture { height, width, channels: picture.channels, pixels: Cow::Owned(pixels) })
}

/// Largest number of bytes of a resized picture: 65,535 x 1 pixels resized to cover an input would take gigabytes.
const LARGEST_RESULT: usize = 1 << 30;

/// Checks that the pixels of a picture fill its size.
pub(super) fn check(picture: &Picture<'_>) -> Result<(), AugmentationError> {
    let Picture { height, width, channels, .. } = *picture;
    let expected = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels));
    let values = picture.pixels.len();
    if ![1, 3].contains(&channels) || values == 0 || expected != Some(values) {
        return Err(AugmentationError::Picture { height, width, channels, values });
    }
    Ok(())
}

/// A crop of the picture, resized into `buffer`. The filter does not use pixels outside the crop, as after PIL's
/// `crop`.
pub(super) fn resize_part<'b>(
    picture: &Picture<'_>,
    part: Crop,
    [height, width]: [usize; 2],
    interpolation: Interpolation,
    resizer: &mut TwoPassResizer,
    buffer: &'b mut Vec<u8>,
) -> Result<Picture<'b>, AugmentationError> {
    let TwoPassResizer { resizer, across } = resizer;
    if width == part.width || height == part.height {
        return one_pass(picture, part, [height, width], interpolation, resizer, buffer);
    }
    let picture = one_pass(picture, part, [part.height, width], interpolation, resizer, across)?;
    one_pass(&picture, Crop::whole(&picture), [height, width], interpolation, resizer, buffer)
}

/// As [`resize_part`], with the resizer's own order of the two directions.
fn one_pass<'b>(
    picture: &Picture<'_>,
    part: Crop,
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
        None => return Err(refused(format!("{height} x {width} pixels exceed the limit of 2^30 bytes per picture"))),
    }
    // By pixel type: `Resizer::resize` compiles the convolutions of all its pixel types, which takes half a minute.
    let resized = match channels {
        1 => resize_typed::<U8>(picture, part, [height, width], interpolation, resizer, buffer),
        _ => resize_typed::<U8x3>(picture, part, [height, width], interpolation, resizer, buffer),
    };
    resized.map_err(|error| refused(error.to_string()))?;
    Ok(Picture { height, width, channels, pixels: Cow::Borrowed(buffer) })
}

/// Resizes a part of a picture of pixel type `P` into `buffer`, which has the right length.
fn resize_typed<P: PixelTrait>(
    picture: &Picture<'_>,
    part: Crop,
    [height, width]: [usize; 2],
    interpolation: Interpolation,
    resizer: &mut Resizer,
    buffer: &mut [u8],
) -> Result<(), Box<dyn Error>> {
    let filter = match interpolation {
        Interpolation::Bilinear => FilterType::Bilinear,
        Interpolation::Bicubic => FilterType::CatmullRom,
    };
    let source =
        TypedImageRef::<P>::from_buffer(picture.width.try_into()?, picture.height.try_into()?, &picture.pixels)?;
    let [left, top, across, down] = [part.left, part.top, part.width, part.height].map(u32::try_from);
    let cropped = TypedCroppedImage::from_ref(&source, left?, top?, across?, down?)?;
    let mut target = TypedImage::<P>::from_buffer(width.try_into()?, height.try_into()?, buffer)?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    Ok(resizer.resize_typed(&cropped, &mut target, &options)?)
}
