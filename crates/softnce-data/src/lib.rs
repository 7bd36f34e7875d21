//! Images (in the code: pictures) and labels for training, without any framework.
//!
//! - [`Picture`]: a decoded picture; [`PictureSource`]: a source of labelled pictures.
//! - [`Fingerprint`]: tells whether a set is still the same.
//! - [`sets`]: data sets as their publishers lay them out; [`subset`]: subsets of them.
//! - [`fetch`]: downloads freely available data sets; [`info`]: describes a data set: counts, sizes, and a sheet of
//!   sample pictures.
//! - [`labels`]: soft labels from files.
//! - [`features`]: rows of features of a pretrained network instead of pictures.
//! - [`augmentation`]: from a decoded picture to normalised pixels; [`mixing`]: MixUp and CutMix; [`candidates`]:
//!   targets beyond the batch; [`loader`]: batches.

#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arrays;
pub mod augmentation;
pub mod candidates;
mod content;
pub mod features;
pub mod fetch;
mod fingerprint;
pub mod info;
pub mod labels;
pub mod loader;
pub mod mixing;
pub mod sets;
mod source;
pub mod subset;

pub use arrays::read_exact_at;
pub use content::ContentError;
pub use fingerprint::Fingerprint;
pub use source::{Picture, PictureSource};
