//! Data sets as their publishers lay them out.
//!
//! A [`Layout`] knows its name, how a folder shows it and how to read one part of the set ([`Layout::open`]). Small
//! sets lie in memory ([`MemorySet`]); folders of pictures are listed once and decoded picture by picture
//! ([`FileSet`]); rows of features are read from their file when they are needed ([`FeatureSet`]).

mod bad;
mod class_folders;
mod decode;
mod error;
mod feature_set;
mod file_set;
mod layout;
mod layouts;
mod listing;
mod lookup;
mod memory;
mod names;
mod parts;
mod split;
mod unlabelled;

pub(crate) use bad::visit;
pub use bad::{BadPicture, BadPictures, find_bad};
pub use decode::{DecodeError, Decoding};
pub use error::SetError;
pub use feature_set::FeatureSet;
pub use file_set::FileSet;
pub use layout::Layout;
pub use lookup::exists;
pub use memory::MemorySet;
pub use split::Split;
pub use unlabelled::unlabelled;
