//! Exclusive use by one process.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use crate::StoreError;

/// Exclusive use of something by one process, until the value is dropped or the process ends, however it ends.
///
/// It is the system's lock on an empty file, which stays. Other programs are not kept out.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock in `file` on whatever `guarded` names. `remedy` tells the user what to do where another process
    /// has it. Where the file system has no locks, a warning is logged and nothing is locked.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process, or another value in this one, holds it; [`StoreError::File`] if the
    /// file cannot be made.
    pub fn take(file: &Path, guarded: &Path, remedy: &'static str) -> Result<Self, StoreError> {
        let options = File::options().create(true).truncate(false).write(true).open(file);
        let open = options.map_err(StoreError::file("write", file))?;
        match open.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked { path: guarded.to_owned(), remedy }),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                log::warn!("{}: this file system has no locks; let no other process use it", guarded.display());
            }
            Err(TryLockError::Error(source)) => return Err(StoreError::file("lock", file)(source)),
        }
        Ok(Lock { file: open })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process that was started by another thread has the same open file until
        // it runs its own program. An error changes nothing, since the file is closed next.
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_lock_is_free_although_a_child_process_still_has_the_file_open() {
        let place = tempfile::tempdir().unwrap();
        let take = || Lock::take(&place.path().join("set.lock"), Path::new("set"), "");
        let held = take().unwrap();
        // As a process that is being started has it.
        let copy = held.file.try_clone().unwrap();
        drop(held);
        take().unwrap();
        drop(copy);
    }
}
