//! Files that are written atomically: whole, or as they were before.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;
use crate::checksum::{CHECKSUM, UNSEALED, seal, sealed, sealed_stream};
use crate::disk::{self, TEMPORARY};

/// Writes a file atomically: at every moment the path holds either its old content or all of the new one.
///
/// The content goes to a temporary file in the same folder, is synced to disk, and is then renamed; the folder is
/// synced after that. When the function returns `Ok`, the content survives a loss of power. A process that is killed
/// leaves the old content, and at most a temporary file that [`is_occupied`](crate::is_occupied) ignores and
/// [`Folder::open`](crate::Folder::open) removes. The new file has the permissions that the user's umask gives. A
/// device or a named pipe at this path, such as `/dev/null`, is written directly.
///
/// # Errors
/// [`StoreError::File`]: no such folder, a folder at this path, no permission, a full disk. The old content stays.
pub fn write(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let path = named(path, "write")?;
    let written = || -> io::Result<()> {
        if let Some(mut device) = device(path)? {
            return device.write_all(content);
        }
        let mut file = disk::create(parent(path))?;
        disk::append(&mut file, content)?;
        disk::sync(file.as_file(), file.path())?;
        disk::persist(file, path)?;
        disk::sync_folder(parent(path))
    };
    written().map_err(StoreError::file("write", path))
}

/// Appends to a file, which is made if it is not there. A crash may lose what was appended since the last [`sync`].
///
/// # Errors
/// [`StoreError::File`]: no permission, a full disk. The old content stays.
pub fn append(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    disk::append_to(path, content).map_err(StoreError::file("write", path))
}

/// Waits until the content of a file is on the disk.
///
/// # Errors
/// [`StoreError::File`]: no such file, a failing disk.
pub fn sync(path: &Path) -> Result<(), StoreError> {
    disk::sync_content(path).map_err(StoreError::file("sync", path))
}

/// Writes a value as indented JSON with a final line break, as [`write()`] does.
///
/// # Errors
/// [`StoreError::File`]: as [`write()`]; a value that JSON cannot hold.
pub fn write_json<T: Serialize + ?Sized>(path: &Path, value: &T) -> Result<(), StoreError> {
    write(path, indented(path, value)?.as_bytes())
}

/// Writes a value as [`write_json`] does, with a checksum of the file as its first entry; [`read_json`] verifies it.
///
/// # Errors
/// [`StoreError::File`]: as [`write()`]; a value that is not a map in JSON.
pub fn write_sealed_json<T: Serialize>(path: &Path, value: &T) -> Result<(), StoreError> {
    write_sealed(path, &indented(path, value)?)
}

/// Writes JSON as [`write()`] does, with a checksum of the file as its first entry; [`read_json`] verifies it.
///
/// # Errors
/// [`StoreError::File`]: as [`write()`]; a text that is not a map in JSON.
pub fn write_sealed(path: &Path, json: &str) -> Result<(), StoreError> {
    let Some(entries) = json.strip_prefix('{') else {
        return Err(StoreError::file("write", path)(io::Error::other("its content is not a map")));
    };
    let comma = if entries.trim_start().starts_with('}') { "" } else { "," };
    let mut content = format!("{{\n  \"{CHECKSUM}\": \"{UNSEALED}\"{comma}{entries}").into_bytes();
    seal(&mut content);
    write(path, &content)
}

fn indented<T: Serialize + ?Sized>(path: &Path, value: &T) -> Result<String, StoreError> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::from).map_err(StoreError::file("write", path))?;
    Ok(text + "\n")
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

/// Reads a file and verifies its checksum; `None` if it does not exist. A file without a checksum is returned as it is.
/// `remedy` tells the user what to do about a damaged file.
///
/// # Errors
/// [`StoreError::File`] if it exists and cannot be read, [`StoreError::Invalid`] if it is damaged.
pub fn read_sealed(path: &Path, remedy: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
    let content = read(path)?;
    content.as_deref().map_or(Ok(None), sealed).map_err(|_| damaged(path, remedy))?;
    Ok(content)
}

/// Verifies the checksum of a file without holding it in memory, and returns it; `None` if the file has none.
///
/// # Errors
/// [`StoreError::File`] if the file cannot be read, [`StoreError::Invalid`] if it is damaged.
pub fn checksum_of(path: &Path, remedy: &'static str) -> Result<Option<String>, StoreError> {
    let verified = fs::File::open(path).and_then(sealed_stream).map_err(StoreError::file("read", path))?;
    verified.map_err(|_| damaged(path, remedy))
}

fn damaged(path: &Path, remedy: &'static str) -> StoreError {
    let reason = "its content does not match its checksum, so it was damaged or edited".to_owned();
    StoreError::Invalid { path: path.to_owned(), reason, remedy }
}

/// Reads a value from JSON and verifies the checksum of the file, if it has one; `None` if the file does not exist.
/// `remedy` tells the user what to do about a damaged file.
///
/// # Errors
/// [`StoreError::File`] if it cannot be read, [`StoreError::Invalid`] if it is damaged or does not hold such a value.
pub fn read_json<T: DeserializeOwned>(path: &Path, remedy: &'static str) -> Result<Option<T>, StoreError> {
    let invalid =
        |error: serde_json::Error| StoreError::Invalid { path: path.to_owned(), reason: error.to_string(), remedy };
    read_sealed(path, remedy)?.map(|bytes| serde_json::from_slice(&bytes).map_err(invalid)).transpose()
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
    if is_device(path) {
        return Ok(());
    }
    disk::create(parent(path)).map(drop).map_err(StoreError::file("write", path))
}

/// Moves a finished file, or a folder to where nothing is, atomically and durably: all content is synced to disk before
/// the rename, both parent folders after it. Both paths must be on one file system.
///
/// # Errors
/// [`StoreError::File`]: a content that cannot be synced, a path that cannot be replaced.
pub fn put_in_place(from: &Path, to: &Path) -> Result<(), StoreError> {
    let (from, to) = (named(from, "move")?, named(to, "write")?);
    sync(from)?;
    let moved = || -> io::Result<()> {
        disk::rename(from, to)?;
        disk::sync_folder(parent(to))?;
        if parent(from) == parent(to) { Ok(()) } else { disk::sync_folder(parent(from)) }
    };
    moved().map_err(StoreError::file("write", to))
}

/// Removes a file durably; does nothing if it is not there.
///
/// # Errors
/// [`StoreError::File`] if it cannot be removed.
pub fn remove_file(path: &Path) -> Result<(), StoreError> {
    match disk::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| disk::sync_folder(parent(path))).map_err(StoreError::file("remove", path)),
    }
}

/// Makes a folder with its parents, and syncs the folders that the new ones are in. Does nothing if it exists.
///
/// # Errors
/// [`StoreError::File`]: a file in its place, no permission, a full disk.
pub fn create_folder(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() || path.as_os_str().is_empty() {
        return Ok(());
    }
    create_folder(parent(path))?;
    match disk::create_folder(path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made.map_err(StoreError::file("make the folder", path)),
    }?;
    disk::sync_folder(parent(path)).map_err(StoreError::file("sync", parent(path)))
}

/// The device or named pipe at a path, open for writing: a file must not take its place. `None` for anything else.
pub(crate) fn device(path: &Path) -> io::Result<Option<File>> {
    is_device(path).then(|| File::options().write(true).open(path)).transpose()
}

pub(crate) fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Whether this is the name of a temporary file or folder, which a killed process may have left, or of a lock.
pub(crate) fn is_temporary(name: &std::ffi::OsStr) -> bool {
    let name = name.to_string_lossy();
    TEMPORARY.iter().any(|prefix| name.starts_with(prefix))
}

/// A path that ends in a name: not `/` or `..`.
pub(crate) fn named<'p>(path: &'p Path, action: &'static str) -> Result<&'p Path, StoreError> {
    match path.file_name() {
        Some(_) => Ok(path),
        None => Err(StoreError::file(action, path)(io::ErrorKind::IsADirectory.into())),
    }
}

/// The folder of a path; the current one where its name alone is given.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
