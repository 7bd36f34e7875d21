//! A folder that one process at a time works in, and the manifest in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::csv::write_csv;
use crate::differences::listed;
use crate::disk::remove_tree;
use crate::file::{create_folder, is_temporary, write, write_json, write_sealed, write_sealed_json};
use crate::lock::LOCK;
use crate::parts::PARTS;
use crate::{Lock, Parts, StoreError, VERSION};

/// The settings that produced the content of a folder. A later call may continue it with the same settings.
pub trait Manifest: Sized {
    /// The manifest in a folder; `None` if the folder has none.
    ///
    /// # Errors
    /// A file that cannot be read, or is no such manifest.
    fn read(folder: &Path) -> Result<Option<Self>, StoreError>;

    /// Writes it into the folder.
    ///
    /// # Errors
    /// A file that cannot be written.
    fn write(&self, folder: &Folder) -> Result<(), StoreError>;

    /// The version of softnce that made it; `None` where the version does not matter.
    fn version(&self) -> Option<&str> {
        None
    }

    /// Describes how `found`, the manifest in the folder, differs from this one. Empty if it does not.
    fn differences(&self, found: &Self) -> Vec<String>;

    /// Describes how the data of `found` differ from those of this one, and what the user can do about it.
    fn other_data(&self, _found: &Self) -> Option<(Vec<String>, &'static str)> {
        None
    }

    /// Whether the folder holds results that depend on its manifest. If not, for example after a start that failed,
    /// another manifest replaces it.
    fn has_work(_folder: &Path) -> bool {
        true
    }
}

/// A folder in which this process alone works: it holds the lock and has written the manifest.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: Lock,
}

impl Folder {
    /// Opens a folder to start or continue its work; makes it if it does not exist.
    ///
    /// Takes the lock, compares the manifest in the folder with `manifest`, removes what killed processes left behind,
    /// and writes the manifest, so a folder that cannot be written is noticed before any work. A folder that is refused
    /// as foreign is not changed. `kind` names what the folder holds, for messages: "run", "study".
    ///
    /// # Errors
    /// - [`StoreError::Foreign`]: there are files but no manifest.
    /// - [`StoreError::Locked`]: another process works in it.
    /// - [`StoreError::OtherVersion`], [`StoreError::OtherSettings`], [`StoreError::OtherData`]: the manifest in it is
    ///   another, and there is work that was done under it.
    /// - [`StoreError::Invalid`]: the manifest in it cannot be read.
    /// - [`StoreError::File`]: a file in its place, no permission, a full disk.
    pub fn open<M: Manifest>(path: &Path, kind: &'static str, manifest: &M) -> Result<Folder, StoreError> {
        if M::read(path)?.is_none() && is_occupied(path)? {
            return Err(StoreError::Foreign { path: path.to_owned(), kind });
        }
        create_folder(path)?;
        let lock = Lock::folder(path, "wait until it has ended, or name another folder with --out")?;
        // Read once more: another process may have written it before this one had the lock.
        if let Some(found) = M::read(path)?.filter(|_| M::has_work(path)) {
            check(path, kind, manifest, &found)?;
        }
        remove_temporary(path);
        remove_temporary(&path.join(PARTS));
        let folder = Folder { path: path.to_owned(), _lock: lock };
        manifest.write(&folder)?;
        Ok(folder)
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file in it, as [`write()`] does.
    ///
    /// # Errors
    /// As [`write()`].
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<(), StoreError> {
        write(&self.file(name), content.as_ref())
    }

    /// Writes a value in it, as [`write_json`] does.
    ///
    /// # Errors
    /// As [`write_json`].
    pub fn write_json<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), StoreError> {
        write_json(&self.file(name), value)
    }

    /// Writes a value in it, as [`write_sealed_json`] does.
    ///
    /// # Errors
    /// As [`write_sealed_json`].
    pub fn write_sealed_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), StoreError> {
        write_sealed_json(&self.file(name), value)
    }

    /// Writes JSON in it, as [`write_sealed`] does.
    ///
    /// # Errors
    /// As [`write_sealed`].
    pub fn write_sealed(&self, name: &str, json: &str) -> Result<(), StoreError> {
        write_sealed(&self.file(name), json)
    }

    /// Writes rows as CSV in it, as [`write_csv`] does.
    ///
    /// # Errors
    /// As [`write_csv`].
    pub fn write_csv<R: Serialize>(&self, name: &str, rows: impl IntoIterator<Item = R>) -> Result<(), StoreError> {
        write_csv(&self.file(name), rows)
    }

    /// Its finished parts, in the folder `parts`.
    pub fn parts(&self) -> Parts {
        Parts::of(&self.path)
    }
}

/// Refuses to continue the work of another manifest.
fn check<M: Manifest>(path: &Path, kind: &'static str, manifest: &M, found: &M) -> Result<(), StoreError> {
    let path = path.to_owned();
    if let Some(found) = found.version().filter(|&found| found != VERSION) {
        let (found, remedy) = (found.to_owned(), "name another folder with --out, or remove this one");
        return Err(StoreError::OtherVersion { path, found, expected: VERSION, remedy });
    }
    let differences = manifest.differences(found);
    if !differences.is_empty() {
        return Err(StoreError::OtherSettings { path, kind, differences: listed(&differences) });
    }
    match manifest.other_data(found) {
        Some((differences, remedy)) => {
            Err(StoreError::OtherData { path, kind, differences: listed(&differences), remedy })
        }
        None => Ok(()),
    }
}

/// Whether a folder holds anything but a lock and what killed processes left behind. A folder that is not there does
/// not.
///
/// # Errors
/// [`StoreError::File`] if it cannot be read, or is a file.
pub fn is_occupied(path: &Path) -> Result<bool, StoreError> {
    let mut entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(StoreError::file("read", path)(source)),
    };
    Ok(entries.any(|entry| entry.is_ok_and(|entry| !is_temporary(&entry.file_name()))))
}

/// Removes a folder with all that is in it; does nothing if it is not there.
///
/// # Errors
/// [`StoreError::File`] if it cannot be removed.
pub fn remove_folder(path: &Path) -> Result<(), StoreError> {
    match remove_tree(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(StoreError::file("remove", path)(source)),
        _ => Ok(()),
    }
}

/// Removes the temporary files that killed processes left in a folder; only the process that has its [`Lock`] may call
/// it.
pub fn remove_temporary(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_temporary(&entry.file_name()) && entry.file_name() != LOCK {
            // A file that cannot be removed only takes space.
            let _ = match entry.file_type() {
                Ok(kind) if kind.is_dir() => fs::remove_dir_all(entry.path()),
                _ => fs::remove_file(entry.path()),
            };
        }
    }
}
