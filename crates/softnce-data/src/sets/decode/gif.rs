//! The first frame of a GIF.

use std::borrow::Cow;

use image::RgbImage;

use super::error::DecodeError;
use super::settings::Decoding;

/// The first frame on its canvas. As in Pillow: a frame that is larger than the canvas enlarges it; the canvas around the
/// frame has the transparent colour, or else the first one; a colour without an entry in the palette is black.
pub(super) fn decode(bytes: &[u8], how: Decoding) -> Result<RgbImage, DecodeError> {
    let bytes = with_palette(bytes);
    let mut options = gif::DecodeOptions::new();
    // The size is checked here.
    options.set_memory_limit(gif::MemoryLimit::Unlimited);
    options.allow_unknown_blocks(true);
    let mut decoder = options.read_info(&*bytes).map_err(error)?;
    let frame =
        decoder.next_frame_info().map_err(error)?.ok_or_else(|| DecodeError::damaged("a GIF without a frame"))?;
    let [left, top, across, down] = [frame.left, frame.top, frame.width, frame.height].map(usize::from);
    let (transparent, local) = (frame.transparent, frame.palette.clone());
    let palette = local.or_else(|| decoder.global_palette().map(<[u8]>::to_vec)).unwrap_or_default();
    let width = usize::from(decoder.width()).max(left + across);
    let height = usize::from(decoder.height()).max(top + down);
    how.check(width as u64, height as u64)?;
    let mut frame = vec![0; across * down];
    if frame.is_empty() {
        return Err(DecodeError::damaged("a GIF frame without pixels"));
    }
    decoder.read_into_buffer(&mut frame).map_err(error)?;
    let mut canvas = vec![transparent.unwrap_or(0); width * height];
    for (row, pixels) in frame.chunks_exact(across).enumerate() {
        let start = (top + row) * width + left;
        canvas[start..start + across].copy_from_slice(pixels);
    }
    let colours = palette.as_chunks::<3>().0;
    let pixels = canvas.into_iter().flat_map(|index| colours.get(usize::from(index)).copied().unwrap_or_default());
    let pixels = pixels.collect();
    // Sides have at most 17 bits.
    RgbImage::from_raw(width as u32, height as u32, pixels).ok_or_else(|| DecodeError::damaged("size"))
}

/// The file, with a palette of 256 grey levels for all frames if it has none. The decoder refuses frames without any
/// palette; Pillow reads their values as levels of grey.
fn with_palette(bytes: &[u8]) -> Cow<'_, [u8]> {
    // The header, with its flags in byte 10.
    const HEADER: usize = 13;
    match bytes.get(10) {
        Some(flags) if bytes.len() > HEADER && flags & 0x80 == 0 => {
            let mut content = bytes[..HEADER].to_vec();
            // A palette of 2^(7 + 1) colours.
            content[10] |= 0x80 | 7;
            content.extend((0..=u8::MAX).flat_map(|shade| [shade; 3]));
            content.extend_from_slice(&bytes[HEADER..]);
            content.into()
        }
        _ => bytes.into(),
    }
}

fn error(error: gif::DecodingError) -> DecodeError {
    match error {
        gif::DecodingError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => DecodeError::CutOff,
        error => DecodeError::damaged(error),
    }
}
