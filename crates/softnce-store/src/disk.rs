//! The operations on files and folders that this crate makes, one by one: [`crate::faults`] records them, or makes one
//! fail.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::faults::{Operation, before};
use crate::positioned::write_all_at;

/// How the names of temporary files and folders begin: those of this version, and those of earlier ones.
pub(crate) const TEMPORARY: [&str; 2] = [".softnce-", ".atomicwrite"];

/// A new, empty file with a temporary name in a folder. It is removed when the value is dropped.
pub(crate) fn create(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY[0]).suffix(".tmp");
    // Opened here, because `tempfile_in` adds the temporary path to an error, which says nothing to a user, and gives
    // the file other permissions than those of the user's umask.
    let open = |path: &Path| File::options().read(true).write(true).create_new(true).open(path);
    let file = builder.make_in(folder, open).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            io::Error::new(error.kind(), format!("the folder {} does not exist", folder.display()))
        }
        _ => error,
    })?;
    before(|| Operation::Create(file.path().to_owned()))?;
    Ok(file)
}

/// Appends to a file.
pub(crate) fn append(file: &mut NamedTempFile, content: &[u8]) -> io::Result<()> {
    before(|| Operation::Append(file.path().to_owned(), content.to_vec()))?;
    file.write_all(content)
}

/// Appends to a file that has its name already, or makes it. After an error the file has its old content, if the system
/// lets it be cut.
pub(crate) fn append_to(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::options().append(true).create(true).open(path)?;
    before(|| Operation::Append(path.to_owned(), content.to_vec()))?;
    let length = file.metadata()?.len();
    let written = file.write_all(content);
    if written.is_err() {
        let _ = file.set_len(length);
    }
    written
}

/// Writes at a place in a file.
pub(crate) fn write_at(file: &File, path: &Path, start: u64, content: &[u8]) -> io::Result<()> {
    before(|| Operation::WriteAt(path.to_owned(), start, content.to_vec()))?;
    write_all_at(file, content, start)
}

/// Cuts a file, or fills it up with zeros.
pub(crate) fn set_length(file: &File, path: &Path, length: u64) -> io::Result<()> {
    before(|| Operation::SetLength(path.to_owned(), length))?;
    file.set_len(length)
}

/// Waits until the content of a file is on the disk.
pub(crate) fn sync(file: &File, path: &Path) -> io::Result<()> {
    before(|| Operation::Sync(path.to_owned()))?;
    file.sync_all()
}

/// Gives a temporary file its name; what had it is replaced.
pub(crate) fn persist(file: NamedTempFile, to: &Path) -> io::Result<()> {
    before(|| Operation::Rename(file.path().to_owned(), to.to_owned()))?;
    file.persist(to).map(drop).map_err(|error| error.error)
}

/// Renames a file or folder; a file that had the name is replaced.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    before(|| Operation::Rename(from.to_owned(), to.to_owned()))?;
    fs::rename(from, to)
}

/// Makes a folder.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    before(|| Operation::CreateFolder(path.to_owned()))?;
    fs::create_dir(path)
}

/// Removes a file.
pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    before(|| Operation::Remove(path.to_owned()))?;
    fs::remove_file(path)
}

/// Removes a folder with all that is in it.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    crate::faults::before_each(path)?;
    fs::remove_dir_all(path)
}

/// Waits until the names in a folder are on the disk.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    before(|| Operation::SyncFolder(path.to_owned()))?;
    // Folders cannot be opened to be synced on Windows, whose file system keeps a log of its renames.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Waits until the content of a file, or everything in a folder, is on the disk.
pub(crate) fn sync_content(path: &Path) -> io::Result<()> {
    before(|| Operation::Sync(path.to_owned()))?;
    if path.is_dir() {
        return sync_tree(path);
    }
    // Some systems sync only files that are open for writing.
    File::options().write(true).open(path)?.sync_all()
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
