//! Pictures and labels for training, without any framework.
//!
//! - [`picture`]: a decoded picture; [`source`]: where pictures and their classes come from.
//! - [`sets`]: data sets as their publishers lay them out.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod picture;
pub mod sets;
pub mod source;

pub use picture::Picture;
pub use source::PictureSource;
