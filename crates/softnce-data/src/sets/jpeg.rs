//! Whether a JPEG file is whole. The decoder fills what is missing with grey and says nothing.

/// Whether the end marker follows the scans: segments are passed over by their lengths, since a thumbnail in one of
/// them has an end marker of its own. Source: ITU-T T.81, annex B.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
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
    use std::io::Cursor;

    use image::{ImageFormat, RgbImage};

    use super::*;

    #[test]
    fn only_a_whole_file_is_whole() {
        let noise =
            RgbImage::from_fn(40, 30, |x, y| image::Rgb([(x * y * 7) as u8, (x * 91 + y * 57) as u8, (y * 83) as u8]));
        let mut bytes = Vec::new();
        noise.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Jpeg).unwrap();
        assert!(is_whole(&bytes));
        for length in 0..bytes.len() {
            assert!(!is_whole(&bytes[..length]), "{length} of {}", bytes.len());
        }
        // Bytes after the end are no matter.
        assert!(is_whole(&[&bytes[..], b"more"].concat()));
        // A thumbnail that ends within a segment is not the end.
        let thumbnail = [&[0xff, 0xe1, 0, 8][..], &[0xff, 0xd8, 1, 2, 0xff, 0xd9]].concat();
        let nested = [&bytes[..2], &thumbnail, &bytes[2..]].concat();
        assert!(is_whole(&nested) && !is_whole(&nested[..nested.len() - 1]));
        // Fill bytes before a marker.
        let filled = [&bytes[..bytes.len() - 2], &[0xff, 0xff, 0xff, 0xd9]].concat();
        assert!(is_whole(&filled));
    }
}
