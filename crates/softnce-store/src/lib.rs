//! Files that are written atomically, and folders with a lock, a manifest and finished parts.
//!
//! - [`write()`], [`write_json`], [`write_csv`], [`put_in_place`]: at any moment the file has either its old content or
//!   the complete new content; once the call returns, the new content survives a loss of power. [`check_writable`]
//!   tests beforehand whether a file can be written at a path.
//! - [`NewFile`], [`write_zeros`]: large files, written atomically too, in parts or as a hole; [`free_space`].
//! - [`append`], [`sync`]: files that grow.
//! - [`RandomAccessFile`]: a file that is changed in place.
//! - [`CsvStream`]: a CSV file that grows row by row and gets its name once it is complete.
//! - [`seal`], [`read_sealed`], [`checksum_of`], [`write_sealed_json`]: files that hold a checksum of themselves.
//! - [`Folder::open`]: a folder in which one process at a time works ([`Lock`]), whose [`Manifest`] has the settings
//!   that produced its content, and which keeps finished [`Parts`], so that an interrupted program continues after
//!   them.
//! - [`StoreError`]: each error names the path, what was found, and what to do.
//! - [`faults`]: crashes and full disks, for tests.
//!
//! What is synced: the content of a file before it gets its name, the folder after that, and the parents of folders
//! that are made. On Windows folders cannot be synced: after a loss of power a file may have its old content again.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![forbid(unsafe_code)]

mod checksum;
mod csv;
mod differences;
mod disk;
mod error;
pub mod faults;
mod file;
mod folder;
mod holder;
mod lock;
mod new_file;
mod parts;
mod positioned;
mod random_access;
mod space;
mod stream;

pub use checksum::{CHECKSUM, UNSEALED, seal, sealed};
pub use csv::{csv, write_csv};
pub use differences::differences;
pub use error::StoreError;
pub use file::{
    append, check_writable, checksum_of, create_folder, put_in_place, read, read_json, read_sealed, remove_file, sync,
    write, write_json, write_sealed, write_sealed_json,
};
pub use folder::{Folder, Manifest, is_occupied, remove_folder, remove_temporary};
pub use holder::Holder;
pub use lock::Lock;
pub use new_file::{NewFile, write_zeros};
pub use parts::Parts;
pub use positioned::read_exact_at;
pub use random_access::RandomAccessFile;
pub use space::free_space;
pub use stream::CsvStream;

/// The version of softnce, which every crate of it has.
const VERSION: &str = env!("CARGO_PKG_VERSION");
