//! Pictures and labels for training, without any framework.
//!
//! - [`picture`]: a decoded picture; [`source`]: where pictures and their classes come from.
//! - [`pictures`]: from a decoded picture to normalised pixels; [`mixing`]: MixUp and CutMix; [`candidates`]: targets
//!   beyond the batch; [`loader`]: batches.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod candidates;
pub mod loader;
pub mod mixing;
pub mod picture;
pub mod pictures;
pub mod source;

pub use picture::Picture;
pub use source::PictureSource;
