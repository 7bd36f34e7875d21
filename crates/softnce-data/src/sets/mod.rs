//! Data sets as their publishers lay them out.
//!
//! [`open`] reads one part of a set from the folder that the user names. Small sets lie in memory ([`MemorySet`]);
//! folder trees are listed once and decoded picture by picture ([`FileSet`]).

mod cifar;
mod detect;
mod error;
mod files;
mod idx;
mod jpeg;
mod layout;
mod loose;
mod memory;
mod names;
pub mod optdigits;
mod tiny_imagenet;
mod tree;

use std::path::Path;
use std::sync::Arc;

pub use error::SetError;
pub use files::FileSet;
pub use layout::{Layout, Split};
pub use loose::loose;
pub use memory::MemorySet;

use crate::PictureSource;

/// Opens one part of a data set that lies under `root`.
///
/// What each layout expects there is written at [`Layout`]. Everything is checked that can be without decoding:
/// names, sizes, headers, labels. Optdigits is embedded in the program, so `root` means nothing to it.
///
/// # Errors
/// A file or folder that is missing, cannot be read, is damaged, or does not belong there: its path, and the line or
/// the byte where that says more. Nothing is skipped but hidden files and those in which file managers keep notes
/// (`Thumbs.db`, `desktop.ini`).
pub fn open(layout: Layout, root: &Path, split: Split) -> Result<Arc<dyn PictureSource>, SetError> {
    Ok(match layout {
        Layout::Idx => Arc::new(idx::open(root, split)?),
        Layout::Cifar10 => Arc::new(cifar::open(&cifar::TEN, root, split)?),
        Layout::Cifar100 => Arc::new(cifar::open(&cifar::HUNDRED, root, split)?),
        Layout::Tree => Arc::new(tree::open(root, split)?),
        Layout::TinyImagenet => Arc::new(tiny_imagenet::open(root, split)?),
        Layout::Optdigits => Arc::new(optdigits::open(split)?),
    })
}
