//! Decodes the files of pictures.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use image::ImageFormat;

use super::error::SetError;
use super::jpeg;
use crate::{ContentError, Picture};

/// The endings of picture files, in lower case.
const ENDINGS: [&str; 5] = ["jpg", "jpeg", "png", "bmp", "webp"];

/// Whether the name of a file ends as that of a picture.
pub(super) fn is_picture(file: &OsStr) -> bool {
    let ending = Path::new(file).extension().unwrap_or_default();
    ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// The endings of picture files, for messages.
pub(super) fn endings() -> String {
    format!("ending in .{}", ENDINGS.join(", ."))
}

/// Reads and decodes a file to red, green and blue. Shape of the pixels: `[height, width, 3]`.
///
/// # Errors
/// A file that cannot be read, is damaged or is cut off, by its path.
pub(super) fn decode(path: &Path) -> Result<Picture<'static>, SetError> {
    let bytes = fs::read(path).map_err(SetError::io(path))?;
    if image::guess_format(&bytes).is_ok_and(|format| format == ImageFormat::Jpeg) && !jpeg::is_whole(&bytes) {
        let expected = "the end marker of the JPEG picture";
        return Err(ContentError::byte(path, bytes.len() as u64, "the file ends", expected));
    }
    // Not `ImageReader`, which is generic: this crate would compile all decoders anew for its reader.
    let picture = image::load_from_memory(&bytes)
        .map_err(|source| SetError::Decode { path: path.to_owned(), source })?
        .into_rgb8();
    let (width, height) = picture.dimensions();
    Ok(Picture { height: height as usize, width: width as usize, channels: 3, pixels: Cow::Owned(picture.into_raw()) })
}

#[cfg(test)]
pub(super) mod tests {
    use image::{GrayImage, Luma, Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    /// Writes a picture of one colour, with the folders it needs.
    pub(crate) fn write_picture(path: &Path, colour: [u8; 3]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let format = image::ImageFormat::from_path(path).unwrap();
        RgbImage::from_pixel(4, 2, Rgb(colour)).save_with_format(path, format).unwrap();
    }

    #[test]
    fn every_format_becomes_red_green_and_blue() {
        let folder = tempfile::tempdir().unwrap();
        for ending in ["png", "bmp", "webp", "jpg", "JPEG"] {
            let path = folder.path().join("picture").with_extension(ending);
            write_picture(&path, [200, 100, 0]);
            let picture = decode(&path).unwrap();
            assert_eq!((picture.height, picture.width, picture.channels), (2, 4, 3));
            for pixel in picture.pixels.chunks(3) {
                let near = pixel.iter().zip([200u8, 100, 0]).all(|(&found, wanted)| found.abs_diff(wanted) <= 3);
                assert!(near, "{ending}: {pixel:?}");
            }
        }
        let path = folder.path().join("grey.png");
        GrayImage::from_pixel(1, 1, Luma([7])).save(&path).unwrap();
        assert_eq!(*decode(&path).unwrap().pixels, [7, 7, 7]);
        RgbaImage::from_pixel(1, 1, Rgba([1, 2, 3, 0])).save(&path).unwrap();
        assert_eq!(*decode(&path).unwrap().pixels, [1, 2, 3]);
    }

    #[test]
    fn the_content_tells_the_format() {
        let folder = tempfile::tempdir().unwrap();
        let (png, jpeg) = (folder.path().join("a.png"), folder.path().join("a.JPEG"));
        write_picture(&png, [9, 8, 7]);
        fs::rename(&png, &jpeg).unwrap();
        assert_eq!(decode(&jpeg).unwrap().pixels[..3], [9, 8, 7]);
    }
}
