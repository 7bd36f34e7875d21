//! Pictures and labels for training, without any framework.
//!
//! - [`picture`]: a decoded picture; [`source`]: where pictures and their classes come from.
//! - [`sets`]: data sets as their publishers lay them out; [`subset`]: parts of them.
//! - [`fetch`]: downloads the freely downloadable sets; [`info`]: what a set holds, in figures and as a picture.
//! - [`labels`]: soft labels from files beside the class labels.
//! - [`pictures`]: from a decoded picture to normalised pixels; [`mixing`]: MixUp and CutMix; [`candidates`]: targets
//!   beyond the batch; [`loader`]: batches.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod candidates;
pub mod fetch;
pub mod info;
pub mod labels;
pub mod loader;
pub mod mixing;
pub mod picture;
pub mod pictures;
pub mod sets;
pub mod source;
pub mod subset;

pub use picture::Picture;
pub use source::PictureSource;
