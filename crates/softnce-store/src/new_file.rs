//! Large files that are written part by part and get their name once they are complete.

use std::fmt;
use std::hash::Hasher;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use twox_hash::XxHash3_64;

use crate::checksum::{UNSEALED, place};
use crate::file::{is_device, named, parent};
use crate::{StoreError, disk};

/// A file that is written part by part. [`NewFile::finish`] gives it its name, as [`write()`](crate::write()) does:
/// until then its path holds the old content, if any. Dropped before, it is removed.
///
/// If the first part has a place for a checksum (see [`seal`](crate::seal)), the checksum of the whole file is written
/// there.
pub struct NewFile {
    file: NamedTempFile,
    path: PathBuf,
    hash: XxHash3_64,
    /// The byte where the checksum goes; `None` without a place for it, or before the first part.
    seal: Option<u64>,
    is_empty: bool,
}

impl fmt::Debug for NewFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl NewFile {
    /// Begins a file that will have this path.
    ///
    /// # Errors
    /// [`StoreError::File`]: no such folder, a folder or a device at this path, no permission.
    pub fn create(path: &Path) -> Result<NewFile, StoreError> {
        let path = named(path, "write")?;
        let refused = if path.is_dir() {
            Some(io::ErrorKind::IsADirectory.into())
        } else {
            is_device(path).then(|| io::Error::other("it is a device or a pipe, expected a file"))
        };
        let file = refused.map_or_else(|| disk::create(parent(path)), Err).map_err(StoreError::file("write", path))?;
        Ok(NewFile { file, path: path.to_owned(), hash: XxHash3_64::new(), seal: None, is_empty: true })
    }

    /// Appends a part.
    ///
    /// # Errors
    /// [`StoreError::File`]: a full disk.
    pub fn append(&mut self, content: &[u8]) -> Result<(), StoreError> {
        let sealed = if self.is_empty { place(content) } else { None };
        match sealed {
            Some(place) => {
                self.hash.write(&content[..place.start]);
                self.hash.write(UNSEALED.as_bytes());
                self.hash.write(&content[place.end..]);
                self.seal = Some(place.start as u64);
            }
            None => self.hash.write(content),
        }
        self.is_empty = false;
        disk::append(&mut self.file, content).map_err(StoreError::file("write", &self.path))
    }

    /// Gives the file its name. When this returns, the file survives a loss of power.
    ///
    /// # Errors
    /// [`StoreError::File`]: a full disk, a path that cannot be replaced. Unless only the last sync failed, the path
    /// has its old content.
    pub fn finish(self) -> Result<(), StoreError> {
        let NewFile { file, path, hash, seal, .. } = self;
        let finished = || -> io::Result<()> {
            if let Some(start) = seal {
                let checksum = format!("{:016x}", hash.finish());
                disk::write_at(file.as_file(), file.path(), start, checksum.as_bytes())?;
            }
            put(file, &path)
        };
        finished().map_err(StoreError::file("write", &path))
    }
}

/// Writes a file of this many zeros, as [`write()`](crate::write()) does. Where the file system knows holes, they take
/// no space until something is written there.
///
/// # Errors
/// As [`NewFile::create`]; a file that is too large for the file system.
pub fn write_zeros(path: &Path, length: u64) -> Result<(), StoreError> {
    let NewFile { file, path, .. } = NewFile::create(path)?;
    let written = disk::set_length(file.as_file(), file.path(), length).and_then(|()| put(file, &path));
    written.map_err(StoreError::file("write", &path))
}

/// Syncs a temporary file, gives it its name, and syncs that.
fn put(file: NamedTempFile, path: &Path) -> io::Result<()> {
    disk::sync(file.as_file(), file.path())?;
    disk::persist(file, path)?;
    disk::sync_folder(parent(path))
}
