//! JPEG, with the values of libjpeg-turbo at its defaults, which Pillow and torchvision use.

use image::RgbImage;
use image::metadata::Orientation;
use libjpeg_turbo_rs::{DecodeLimits, DecodeWarning, Decoder, JpegError, PixelFormat};

use super::error::DecodeError;
use super::rgb;
use super::settings::Decoding;

/// The picture, and the orientation that its camera noted.
///
/// As in Pillow, a file without its end marker is good if all data is there, data that is damaged is decoded as far as
/// possible, and four channels are inverted cyan, magenta, yellow and black, as Adobe writes them.
pub(super) fn decode(bytes: &[u8], how: Decoding) -> Result<(RgbImage, Option<Orientation>), DecodeError> {
    // Sides have 16 bits.
    let side = usize::from(u16::MAX);
    let limits = DecodeLimits { max_width: side, max_height: side, max_pixels: u64::MAX, ..DecodeLimits::default() };
    let mut decoder = Decoder::new_with_limits(bytes, limits).map_err(error)?;
    let header = decoder.header();
    how.check(header.width.into(), header.height.into())?;
    let sampling: Vec<(u8, u8)> =
        header.components.iter().map(|of| (of.horizontal_sampling, of.vertical_sampling)).collect();
    let channels = sampling.len();
    if !matches!(channels, 1 | 3 | 4) {
        return Err(DecodeError::damaged(format!("a JPEG of {channels} channels; expected 1, 3 or 4")));
    }
    // The decoder panics where black, or the first channel, is not the largest.
    if let &[first, second, third, black] = &sampling[..]
        && (first != black || second != third || first.0 % second.0 > 0 || first.1 % second.1 > 0)
    {
        let expected = "four channels of which the first and the last have the same, and the others the same or less";
        return Err(DecodeError::damaged(format!("sampling factors {sampling:?}; expected {expected}")));
    }
    decoder.set_output_format(if channels == 4 { PixelFormat::Cmyk } else { PixelFormat::Rgb });
    decoder.set_lenient(true);
    let orientation = decoder.exif_orientation().and_then(Orientation::from_exif);
    let picture = decoder.decode_image().map_err(error)?;
    let cut_off = picture.warnings.iter().any(|warning| matches!(warning, DecodeWarning::TruncatedData { .. }));
    if cut_off && !has_end_marker(bytes) {
        return Err(DecodeError::CutOff);
    }
    let pixels = match channels {
        4 => {
            let inverted = picture.data.as_chunks::<4>().0.iter().map(|pixel| pixel.map(|ink| 255 - ink));
            inverted.flat_map(rgb::from_cmyk).collect()
        }
        _ => picture.data,
    };
    let picture = RgbImage::from_raw(picture.width as u32, picture.height as u32, pixels);
    Ok((picture.ok_or(DecodeError::CutOff)?, orientation))
}

fn error(error: JpegError) -> DecodeError {
    match error {
        JpegError::UnexpectedEof => DecodeError::CutOff,
        error => DecodeError::damaged(error),
    }
}

/// Whether the end marker follows the scans: segments are passed over by their lengths, since a thumbnail in one of
/// them has an end marker of its own. Source: ITU-T T.81, annex B.
fn has_end_marker(bytes: &[u8]) -> bool {
    let mut at = 0;
    loop {
        // In a scan, values come before the next marker.
        let Some(values) = bytes.get(at..).and_then(|rest| rest.iter().position(|&byte| byte == 0xff)) else {
            return false;
        };
        at += values + 1;
        match bytes.get(at) {
            None => return false,
            // The end of the picture.
            Some(0xd9) => return true,
            // A fill byte: the marker is still to come.
            Some(0xff) => {}
            // A value of 255 in a scan, a marker without a segment, a restart, the start of the picture.
            Some(0x00 | 0x01 | 0xd0..=0xd8) => at += 1,
            Some(_) => {
                let Some(&[high, low]) = bytes.get(at + 1..at + 3) else { return false };
                at += 1 + usize::from(u16::from_be_bytes([high, low]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;
    use libjpeg_turbo_rs::{Subsampling, compress, compress_arithmetic, compress_progressive};

    use super::*;

    fn raw() -> RgbImage {
        RgbImage::from_fn(40, 30, |x, y| Rgb([(x * y * 7) as u8, (x * 91 + y * 57) as u8, (y * 83) as u8]))
    }

    fn noise() -> Vec<u8> {
        compress(&raw(), 40, 30, PixelFormat::Rgb, 90, Subsampling::S420).unwrap()
    }

    fn pixels(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
        decode(bytes, Decoding::default()).map(|(picture, _)| picture.into_raw())
    }

    #[test]
    fn only_a_whole_file_has_an_end_marker() {
        let bytes = noise();
        assert!(has_end_marker(&bytes));
        for length in 0..bytes.len() {
            assert!(!has_end_marker(&bytes[..length]), "{length} of {}", bytes.len());
        }
        // Bytes after the end are no matter.
        assert!(has_end_marker(&[&bytes[..], b"more"].concat()));
        // A thumbnail that ends within a segment is not the end.
        let thumbnail = [&[0xff, 0xe1, 0, 8][..], &[0xff, 0xd8, 1, 2, 0xff, 0xd9]].concat();
        let nested = [&bytes[..2], &thumbnail, &bytes[2..]].concat();
        assert!(has_end_marker(&nested) && !has_end_marker(&nested[..nested.len() - 1]));
        // Fill bytes before a marker.
        let filled = [&bytes[..bytes.len() - 2], &[0xff, 0xff, 0xff, 0xd9]].concat();
        assert!(has_end_marker(&filled));
    }

    #[test]
    fn sampling_that_the_decoder_cannot_handle_is_refused() {
        let mut bytes = compress(&[7; 16 * 16 * 4], 16, 16, PixelFormat::Cmyk, 90, Subsampling::S444).unwrap();
        assert_eq!(pixels(&bytes).unwrap().len(), 16 * 16 * 3);
        // The sampling factors of the first channel, after the number of channels and its own.
        let frame = bytes.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
        bytes[frame + 11] = 0x22;
        let message = pixels(&bytes).unwrap_err().to_string();
        assert!(message.starts_with("sampling factors [(2, 2), (1, 1), (1, 1), (1, 1)]; expected four "), "{message}");
    }

    #[test]
    fn every_coding_of_the_same_coefficients_gives_the_same_pixels() {
        let baseline = pixels(&noise()).unwrap();
        let (raw, format, sampling) = (raw(), PixelFormat::Rgb, Subsampling::S420);
        assert_eq!(pixels(&compress_progressive(&raw, 40, 30, format, 90, sampling).unwrap()).unwrap(), baseline);
        assert_eq!(pixels(&compress_arithmetic(&raw, 40, 30, format, 90, sampling).unwrap()).unwrap(), baseline);
    }

    #[test]
    fn a_file_is_cut_off_if_data_is_missing() {
        let bytes = noise();
        let whole = pixels(&bytes).unwrap();
        let end = bytes.len() - 2;
        // All data is there, but not the end marker.
        for good in [&bytes[..end], &[&bytes[..end], &[0; 300]].concat(), &[&bytes[..], b"more"].concat()] {
            assert_eq!(pixels(good).unwrap(), whole);
        }
        for length in (0..end - 4).step_by(13) {
            let error = pixels(&bytes[..length]).unwrap_err();
            let damaged = matches!(error, DecodeError::Damaged { .. }) && length < bytes.len() / 2;
            assert!(error == DecodeError::CutOff || damaged, "{length} of {end}: {error}");
        }
        // As in Pillow: data that ends with an end marker is as its writer left it.
        assert!(pixels(&[&bytes[..end / 2], &[0xff, 0xd9]].concat()).is_ok());
    }
}
