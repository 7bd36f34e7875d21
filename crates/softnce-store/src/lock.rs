//! Locks: exclusive use by one process.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

use crate::StoreError;
use crate::holder::Holder;

/// Name of the lock of a folder. It begins as temporary names do, so that a folder with nothing else counts as empty.
pub(crate) const LOCK: &str = ".softnce-lock";

/// Exclusive use of something by one process, until the value is dropped or the process ends, however it ends.
///
/// It is the system's lock on a file. The file stays, and names the process while it holds the lock. Other programs are
/// not kept from using what is locked.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock on a folder, which [`Folder::open`](crate::Folder::open) holds. `remedy`: see [`Lock::take`].
    ///
    /// # Errors
    /// As [`Lock::take`].
    pub fn folder(path: &Path, remedy: &'static str) -> Result<Self, StoreError> {
        Lock::take(&path.join(LOCK), path, remedy)
    }

    /// Takes the lock in `file` on whatever `guarded` names. `remedy` tells the user what to do if another process
    /// holds it. If the file system has no locks, a warning is logged and nothing is locked.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process, or another value in this one, holds it; [`StoreError::File`] if the
    /// file cannot be made.
    pub fn take(file: &Path, guarded: &Path, remedy: &'static str) -> Result<Self, StoreError> {
        let options = File::options().create(true).truncate(false).read(true).write(true).open(file);
        let open = options.map_err(StoreError::file("write", file))?;
        match open.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked { path: guarded.to_owned(), holder: Holder::read(&open), remedy });
            }
            Err(TryLockError::Error(error)) if is_without_locks(&error) => {
                let last =
                    Holder::read(&open).map_or_else(String::new, |holder| format!(" (the last one was {holder})"));
                let guarded = guarded.display();
                log::warn!("{guarded}: this file system has no locks; let no other process use it{last}");
            }
            Err(TryLockError::Error(source)) => return Err(StoreError::file("lock", file)(source)),
        }
        let lock = Lock { file: open };
        // Only for messages of other processes, so an error changes nothing.
        let _ = lock.name(&Holder::this());
        Ok(lock)
    }

    /// Names the holder in the file.
    fn name(&self, holder: &Holder) -> io::Result<()> {
        self.file.set_len(0)?;
        (&self.file).write_all(&serde_json::to_vec(holder)?)
    }
}

/// Whether the error says that the file system has no locks. A network file system without a lock server reports
/// `ENOLCK`.
fn is_without_locks(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(rustix::io::Errno::NOLCK.raw_os_error()) {
        return true;
    }
    error.kind() == io::ErrorKind::Unsupported
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A free lock names no process. An error changes nothing: the lock is free whatever its file says.
        let _ = self.file.set_len(0);
        // Closing the file is not enough: a child process that another thread has just started still has it open, until
        // it executes its own program.
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

    #[test]
    fn a_lock_names_its_holder_while_it_is_held() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("set.lock");
        // What a killed process left, longer than what takes its place.
        std::fs::write(&file, format!("{{\"process\": 1, \"since\": \"{}\"}}", "long ago ".repeat(50))).unwrap();
        let held = Lock::take(&file, Path::new("set"), "").unwrap();
        let holder: Holder = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(holder.process, std::process::id());
        assert!(humantime::parse_rfc3339(&holder.since).is_ok(), "{holder:?}");
        match Lock::take(&file, Path::new("set"), "").unwrap_err() {
            StoreError::Locked { holder: found, .. } => assert_eq!(found, Some(holder)),
            other => unreachable!("{other}"),
        }
        drop(held);
        assert_eq!(std::fs::read(&file).unwrap(), b"");
    }

    #[test]
    #[cfg(unix)]
    fn a_file_system_without_locks_is_told_from_other_errors() {
        let of = |errno: rustix::io::Errno| is_without_locks(&errno.into());
        assert!(of(rustix::io::Errno::NOLCK) && of(rustix::io::Errno::OPNOTSUPP) && of(rustix::io::Errno::NOSYS));
        assert!(!of(rustix::io::Errno::IO) && !of(rustix::io::Errno::ACCESS));
    }
}
