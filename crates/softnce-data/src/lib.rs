//! Pictures and labels for training, without any framework.
//!
//! - [`picture`]: a decoded picture; [`source`]: where pictures and their classes come from.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod picture;
pub mod source;

pub use picture::Picture;
pub use source::PictureSource;
