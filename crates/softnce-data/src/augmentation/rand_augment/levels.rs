//! Operations that map each level to another, as PIL's `ImageOps`.

use std::array::from_fn;

use super::Canvas;

/// Stretches each channel to the full range.
pub(super) fn auto_contrast(canvas: &mut Canvas<'_>) {
    let channels = canvas.channels;
    canvas.look_up(|pixels, channel| {
        let counts = Canvas::histogram(pixels, channel, channels);
        let low = counts.iter().position(|&count| count > 0).unwrap_or(0);
        let high = counts.iter().rposition(|&count| count > 0).unwrap_or(0);
        if high <= low {
            return from_fn(|level| level as u8);
        }
        let scale = 255.0 / (high - low) as f64;
        let offset = -(low as f64) * scale;
        from_fn(|level| (level as f64 * scale + offset).clamp(0.0, 255.0) as u8)
    });
}

/// Equalises the histogram of each channel.
pub(super) fn equalize(canvas: &mut Canvas<'_>) {
    let channels = canvas.channels;
    canvas.look_up(|pixels, channel| {
        let counts = Canvas::histogram(pixels, channel, channels);
        let last = counts.iter().rev().find(|&&count| count > 0).copied().unwrap_or(0);
        let step = (counts.iter().sum::<usize>() - last) / 255;
        if step == 0 {
            return from_fn(|level| level as u8);
        }
        let mut below = step / 2;
        from_fn(|level| {
            let spread = (below / step).min(255) as u8;
            below += counts[level];
            spread
        })
    });
}

/// Inverts all levels.
pub(super) fn invert(canvas: &mut Canvas<'_>) {
    canvas.pixels.iter_mut().for_each(|level| *level = 255 - *level);
}

/// Keeps the highest `bits` bits of each level; 8 or more keep all.
pub(super) fn posterize(canvas: &mut Canvas<'_>, bits: u32) {
    let mask = 0xff_u8.checked_shl(8_u32.saturating_sub(bits)).unwrap_or(0);
    canvas.pixels.iter_mut().for_each(|level| *level &= mask);
}

/// Inverts the levels from the threshold on.
pub(super) fn solarize(canvas: &mut Canvas<'_>, threshold: u32) {
    canvas.pixels.iter_mut().filter(|level| u32::from(**level) >= threshold).for_each(|level| *level = 255 - *level);
}

/// Adds to the levels below 128.
pub(super) fn solarize_add(canvas: &mut Canvas<'_>, add: u8) {
    canvas.pixels.iter_mut().filter(|level| **level < 128).for_each(|level| *level = level.saturating_add(add));
}
