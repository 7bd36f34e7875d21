//! Data sets as their publishers lay them out.
//!
//! A [`Layout`] knows its name, how a folder shows it and how to read one part of the set ([`Layout::open`]). Small
//! sets lie in memory ([`MemorySet`]); folders of pictures are listed once and decoded picture by picture
//! ([`FileSet`]).

mod error;
mod files;
mod jpeg;
mod layout;
mod layouts;
mod lookup;
mod loose;
mod memory;
mod names;
mod split;

pub use error::SetError;
pub use files::FileSet;
pub use layout::Layout;
pub use loose::loose;
pub use memory::MemorySet;
pub use split::Split;
