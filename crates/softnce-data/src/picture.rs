//! A decoded picture.

use std::borrow::Cow;

/// A decoded picture of 8 bits per channel, as `[height, width, channels]`, rows from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture<'p> {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// `height * width * channels` values.
    pub pixels: Cow<'p, [u8]>,
}
