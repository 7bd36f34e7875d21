//! Files that are read and changed in place.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::positioned::read_exact_at;
use crate::{StoreError, disk};

/// A file that is read and changed in place. Threads can read it at the same time.
///
/// A crash may leave any part of what was written since the last [`RandomAccessFile::sync`], so whoever changes a file
/// in place needs a journal beside it.
#[derive(Debug)]
pub struct RandomAccessFile {
    file: File,
    path: PathBuf,
}

impl RandomAccessFile {
    /// Opens a file that exists, for reading and writing.
    ///
    /// # Errors
    /// [`StoreError::File`]: no such file, no permission.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::options().read(true).write(true).open(path).map_err(StoreError::file("open", path))?;
        Ok(RandomAccessFile { file, path: path.to_owned() })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length in bytes.
    ///
    /// # Errors
    /// [`StoreError::File`]: a failing disk.
    pub fn length(&self) -> Result<u64, StoreError> {
        Ok(self.file.metadata().map_err(StoreError::file("read", &self.path))?.len())
    }

    /// Fills `bytes` from byte `start` of the file on.
    ///
    /// # Errors
    /// [`StoreError::File`]: a file that ends before, a failing disk.
    pub fn read(&self, start: u64, bytes: &mut [u8]) -> Result<(), StoreError> {
        read_exact_at(&self.file, bytes, start).map_err(StoreError::file("read", &self.path))
    }

    /// Writes `bytes` from byte `start` of the file on. After an error any part of them may have been written.
    ///
    /// # Errors
    /// [`StoreError::File`]: a full disk (where the file has a hole), a failing disk.
    pub fn write(&mut self, start: u64, bytes: &[u8]) -> Result<(), StoreError> {
        disk::write_at(&self.file, &self.path, start, bytes).map_err(StoreError::file("write", &self.path))
    }

    /// Waits until what was written is on the disk.
    ///
    /// # Errors
    /// [`StoreError::File`]: a failing disk.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        disk::sync(&self.file, &self.path).map_err(StoreError::file("sync", &self.path))
    }
}
