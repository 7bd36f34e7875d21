//! Files that are written atomically: whole, or as they were before.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use atomicwrites::{AllowOverwrite, AtomicFile};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

/// How the names of temporary files and folders begin: those of this version, and those of 0.1.0.
const TEMPORARY: [&str; 2] = [".atomicwrite", ".softnce-"];

/// Writes a file atomically: at every moment the path holds either its old content or all of the new one.
///
/// The content goes to a temporary file in the same folder, is synced to disk, and is then renamed; the folder is synced
/// after that. When the function returns `Ok`, the content survives a loss of power. A process that is killed leaves the
/// old content, and at most a temporary folder that [`is_occupied`](crate::is_occupied) ignores and
/// [`Folder::open`](crate::Folder::open) removes. The new file has the permissions that the user's umask gives.
///
/// # Errors
/// [`StoreError::File`]: no such folder, a folder at this path, no permission, a full disk. The old content stays.
pub fn write(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let file = AtomicFile::new(named(path, "write")?, AllowOverwrite);
    let written: Result<(), io::Error> = file.write(|file| file.write_all(content)).map_err(io::Error::from);
    written.map_err(StoreError::file("write", path))
}

/// Writes a value as indented JSON with a final line break, as [`write()`] does.
///
/// # Errors
/// [`StoreError::File`]: as [`write()`]; a value that JSON cannot hold.
pub fn write_json<T: Serialize + ?Sized>(path: &Path, value: &T) -> Result<(), StoreError> {
    let bytes = serde_json::to_vec_pretty(value).map(|mut bytes| {
        bytes.push(b'\n');
        bytes
    });
    write(path, &bytes.map_err(io::Error::from).map_err(StoreError::file("write", path))?)
}

/// Reads a file; `None` if it does not exist.
///
/// # Errors
/// [`StoreError::File`] if it exists and cannot be read.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::File { action: "read", path: path.to_owned(), source }),
    }
}

/// Reads a value from JSON; `None` if the file does not exist. `remedy` tells the user what to do about a damaged file.
///
/// # Errors
/// [`StoreError::File`] if it cannot be read, [`StoreError::Invalid`] if it does not hold such a value.
pub fn read_json<T: DeserializeOwned>(path: &Path, remedy: &'static str) -> Result<Option<T>, StoreError> {
    let invalid =
        |error: serde_json::Error| StoreError::Invalid { path: path.to_owned(), reason: error.to_string(), remedy };
    read(path)?.map(|bytes| serde_json::from_slice(&bytes).map_err(invalid)).transpose()
}

/// Checks that [`write()`] can write to this path, so that a program learns of it before a long computation.
///
/// # Errors
/// [`StoreError::File`] as [`write()`] would give.
pub fn check_writable(path: &Path) -> Result<(), StoreError> {
    let path = named(path, "write")?;
    if path.is_dir() {
        return Err(StoreError::file("write", path)(io::ErrorKind::IsADirectory.into()));
    }
    let folder = parent(path);
    tempfile::Builder::new().prefix(TEMPORARY[0]).tempdir_in(folder).map(drop).map_err(StoreError::file("write", path))
}

/// Moves a finished file, or a folder to where nothing is, atomically and durably: all content is synced to disk before
/// the rename, both parent folders after it. Both paths must be on one file system.
///
/// # Errors
/// [`StoreError::File`]: a content that cannot be synced, a path that cannot be replaced.
pub fn put_in_place(from: &Path, to: &Path) -> Result<(), StoreError> {
    let (from, to) = (named(from, "move")?, named(to, "write")?);
    sync_content(from).map_err(StoreError::file("sync", from))?;
    atomicwrites::replace_atomic(from, to).map_err(StoreError::file("write", to))
}

/// Makes a folder with its parents, and syncs the folders that the new ones are in. Does nothing if it exists.
///
/// # Errors
/// [`StoreError::File`]: a file in its place, no permission, a full disk.
pub fn create_folder(path: &Path) -> Result<(), StoreError> {
    let new: Vec<&Path> = path.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
    fs::create_dir_all(path).map_err(StoreError::file("make the folder", path))?;
    new.into_iter().try_for_each(|new| sync_folder(parent(new)).map_err(StoreError::file("sync", parent(new))))
}

/// Whether this is the name of a temporary file or folder, which a killed process may have left, or of a lock.
pub(crate) fn is_temporary(name: &std::ffi::OsStr) -> bool {
    let name = name.to_string_lossy();
    TEMPORARY.iter().any(|prefix| name.starts_with(prefix))
}

/// A path that ends in a name: not `/` or `..`.
fn named<'p>(path: &'p Path, action: &'static str) -> Result<&'p Path, StoreError> {
    match path.file_name() {
        Some(_) => Ok(path),
        None => Err(StoreError::file(action, path)(io::ErrorKind::IsADirectory.into())),
    }
}

/// The folder of a path; the current one where its name alone is given.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Syncs a file, or everything in a folder.
fn sync_content(path: &Path) -> io::Result<()> {
    if !path.is_dir() {
        // Some systems sync only files that are open for writing.
        return File::options().write(true).open(path)?.sync_all();
    }
    sync_tree(path)
}

/// One call for the whole file system: a sync for each of 100,000 pictures would take minutes.
#[cfg(target_os = "linux")]
fn sync_tree(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(path)?)?)
}

#[cfg(not(target_os = "linux"))]
fn sync_tree(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        sync_content(&entry?.path())?;
    }
    sync_folder(path)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Folders cannot be opened to be synced here; renames are written through.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
