//! Resizes a picture to cover the input and crops it to its centre.

use super::error::AugmentationError;
use super::resize::{Crop, Interpolation, resize_part};
use super::two_pass::TwoPassResizer;
use crate::Picture;

/// Resizes a picture with its aspect ratio so that it just covers `size / crop_ratio`; returns it with the crop of
/// `size` in its centre. The sizes are those of timm's `transforms_imagenet_eval` with `crop_mode="center"`.
pub(super) fn cover<'b>(
    picture: &'b Picture<'_>,
    size: [usize; 2],
    crop_ratio: f64,
    interpolation: Interpolation,
    resizer: &mut TwoPassResizer,
    buffer: &'b mut Vec<u8>,
) -> Result<(Picture<'b>, Crop), AugmentationError> {
    let resized = covering([picture.height, picture.width], size, crop_ratio);
    let picture = if resized == [picture.height, picture.width] {
        let pixels = std::borrow::Cow::Borrowed(&*picture.pixels);
        Picture { height: picture.height, width: picture.width, channels: picture.channels, pixels }
    } else {
        resize_part(picture, Crop::whole(picture), resized, interpolation, resizer, buffer)?
    };
    Ok((picture, centre(resized, size)))
}

/// Height and width after resizing.
fn covering(picture: [usize; 2], size: [usize; 2], crop_ratio: f64) -> [usize; 2] {
    let target = size.map(|side| (side as f64 / crop_ratio).floor().max(side as f64));
    let lengths = picture.map(|side| side as f64);
    let resized = if target[0] == target[1] {
        // torchvision's `Resize(int)`: the shorter side gets the target's length, the longer one is rounded down.
        let shortest = lengths[0].min(lengths[1]);
        lengths.map(|side| (target[0] * side / shortest).floor())
    } else {
        // timm's `ResizeKeepRatio`: both sides are divided by one ratio and rounded, half to even.
        let ratio = (lengths[0] / target[0]).min(lengths[1] / target[1]);
        lengths.map(|side| (side / ratio).round_ties_even())
    };
    [0, 1].map(|axis| (resized[axis] as usize).max(size[axis]))
}

/// The crop of this size in the centre.
fn centre(picture: [usize; 2], size: [usize; 2]) -> Crop {
    let offset = |axis: usize| ((picture[axis] - size[axis]) as f64 / 2.0).round_ties_even() as usize;
    Crop { top: offset(0), left: offset(1), height: size[0], width: size[1] }
}

#[cfg(test)]
mod tests {
    use super::*;

    // torchvision.transforms.functional.resize of a 500 x 375 picture to 256 gives 341 x 256, centre_crop(224) starts
    // at (round(117 / 2), 16) = (58, 16).
    #[test]
    fn sizes_are_those_of_torchvision() {
        assert_eq!(covering([500, 375], [224, 224], 0.875), [341, 256]);
        assert_eq!(centre([341, 256], [224, 224]), Crop { top: 58, left: 16, height: 224, width: 224 });
        assert_eq!(covering([375, 500], [224, 224], 0.875), [256, 341]);
        assert_eq!(covering([28, 28], [28, 28], 1.0), [28, 28]);
        assert_eq!(covering([64, 64], [32, 64], 1.0), [64, 64]);
        assert_eq!(covering([1, 300], [8, 8], 1.0), [8, 2400]);
    }
}
