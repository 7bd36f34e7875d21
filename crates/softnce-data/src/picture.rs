//! A decoded picture.

use std::borrow::Cow;

/// A decoded picture: 8 bits a channel, rows from the top, channels together (height, width, channels).
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
