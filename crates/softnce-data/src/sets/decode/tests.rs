use std::fs;

use image::{GrayImage, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use libjpeg_turbo_rs::{PixelFormat, Subsampling, compress};

use super::*;

/// Writes a picture of one colour, with the folders it needs.
pub(crate) fn write_picture(path: &Path, colour: [u8; 3]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let picture = RgbImage::from_pixel(4, 2, Rgb(colour));
    match ImageFormat::from_path(path).unwrap() {
        ImageFormat::Jpeg => fs::write(path, jpeg(&picture)).unwrap(),
        format => picture.save_with_format(path, format).unwrap(),
    }
}

/// A picture as a JPEG file.
pub(crate) fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    compress(picture, width as usize, height as usize, PixelFormat::Rgb, 90, Subsampling::S420).unwrap()
}

fn decode_file(path: &Path, how: Decoding) -> Result<Picture<'static>, DecodeError> {
    decode(&fs::read(path).unwrap(), how)
}

fn default(path: &Path) -> Picture<'static> {
    decode_file(path, Decoding::default()).unwrap()
}

#[test]
fn every_format_becomes_red_green_and_blue() {
    let folder = tempfile::tempdir().unwrap();
    for ending in ["png", "bmp", "webp", "gif", "tif", "tiff", "ppm", "jpg", "JPEG", "jfif"] {
        let path = folder.path().join("picture").with_extension(ending);
        assert!(is_picture(path.as_os_str()));
        write_picture(&path, [200, 100, 0]);
        let picture = default(&path);
        assert_eq!((picture.height, picture.width, picture.channels), (2, 4, 3));
        for pixel in picture.pixels.chunks(3) {
            let near = pixel.iter().zip([200u8, 100, 0]).all(|(&found, wanted)| found.abs_diff(wanted) <= 3);
            assert!(near, "{ending}: {pixel:?}");
        }
    }
    let path = folder.path().join("grey.png");
    GrayImage::from_pixel(1, 1, Luma([7])).save(&path).unwrap();
    assert_eq!(*default(&path).pixels, [7, 7, 7]);
    RgbaImage::from_pixel(1, 1, Rgba([1, 2, 3, 0])).save(&path).unwrap();
    assert_eq!(*default(&path).pixels, [1, 2, 3]);
}

#[test]
fn sixteen_bits_as_in_pillow() {
    let folder = tempfile::tempdir().unwrap();
    for ending in ["png", "tiff"] {
        let path = folder.path().join("deep").with_extension(ending);
        let colour = image::ImageBuffer::from_pixel(1, 1, Rgb([0x12ffu16, 0xff00, 0x0080]));
        DynamicImage::ImageRgb16(colour).save(&path).unwrap();
        assert_eq!(*default(&path).pixels, [0x12, 0xff, 0], "{ending}");
        let grey = image::ImageBuffer::from_fn(3, 1, |x, _| Luma([[7u16, 255, 300][x as usize]]));
        DynamicImage::ImageLuma16(grey).save(&path).unwrap();
        assert_eq!(*default(&path).pixels, [7, 7, 7, 255, 255, 255, 255, 255, 255], "{ending}");
    }
}

#[test]
fn the_content_tells_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let (png, jpeg) = (folder.path().join("a.png"), folder.path().join("a.JPEG"));
    write_picture(&png, [9, 8, 7]);
    fs::rename(&png, &jpeg).unwrap();
    assert_eq!(default(&jpeg).pixels[..3], [9, 8, 7]);
}

#[test]
fn the_camera_s_orientation_is_applied_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("turned.jpg");
    let picture = RgbImage::from_fn(32, 16, |x, _| Rgb([if x < 16 { 250 } else { 0 }; 3]));
    let plain = jpeg(&picture);
    // EXIF data of one entry: tag 0x112 (orientation), a short.
    let turned = |orientation: u8| {
        let exif = [&b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..], &[orientation], &[0; 6]].concat();
        let segment = [&[0xff, 0xe1, 0, exif.len() as u8 + 2][..], &exif].concat();
        fs::write(&path, [&plain[..2], &segment, &plain[2..]].concat()).unwrap();
        decode_file(&path, Decoding { exif_orientation: true, ..Decoding::default() }).unwrap()
    };
    let bright_at =
        |picture: &Picture<'_>, row: usize, column: usize| picture.pixels[(row * picture.width + column) * 3] > 128;
    let upright = turned(1);
    assert_eq!((upright.width, bright_at(&upright, 8, 4), bright_at(&upright, 8, 28)), (32, true, false));
    // 3: by half a turn; 6: a quarter clockwise; 8: a quarter counter-clockwise.
    let half = turned(3);
    assert_eq!((half.width, bright_at(&half, 8, 4), bright_at(&half, 8, 28)), (32, false, true));
    let clockwise = turned(6);
    assert_eq!((clockwise.width, bright_at(&clockwise, 4, 8), bright_at(&clockwise, 28, 8)), (16, true, false));
    let counter = turned(8);
    assert_eq!((counter.width, bright_at(&counter, 4, 8), bright_at(&counter, 28, 8)), (16, false, true));
    assert_eq!(default(&path).width, 32);
}

#[test]
fn a_picture_that_is_refused_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    write_picture(&path, [0; 3]);
    let message = |how| decode_file(&path, how).unwrap_err().to_string();
    let how = Decoding { max_pixels: 7, ..Decoding::default() };
    let remedy = "raise data.max_pixels in the recipe (for `data info`, --max-pixels)";
    assert_eq!(message(how), format!("4 x 2 are 8 pixels; expected at most 7: {remedy}"));
    for ending in ["jpg", "gif", "tiff", "webp", "bmp", "ppm"] {
        let other = folder.path().join("b").with_extension(ending);
        write_picture(&other, [0; 3]);
        fs::rename(other, &path).unwrap();
        assert!(message(how).contains("4 x 2 are 8 pixels"), "{ending}: {}", message(how));
    }
    for (content, expected) in [
        (&b""[..], "the file is empty"),
        (b"<html>..</html>", "the file begins with \"<html>..\"; expected JPEG, PNG, GIF, TIFF, WebP, BMP or PNM"),
        (b"\0\0\0\x20ftypavif", "the format is Avif; expected JPEG, PNG, GIF, TIFF, WebP, BMP or PNM"),
    ] {
        fs::write(&path, content).unwrap();
        assert_eq!(message(Decoding::default()), expected);
    }
}
