//! Simulated crashes and full disks, for tests of programs that write their files with this crate.
//!
//! [`record`] lists the file operations that this thread makes through this crate. [`Journal::leave`] writes the files
//! that remain if the process is killed, or the power is cut, after some of them. [`failing`] makes one of them fail,
//! as on a full disk.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// An operation on files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Makes an empty file.
    Create(PathBuf),
    /// Appends to a file, which is made if it is not there.
    Append(PathBuf, Vec<u8>),
    /// Writes from a byte of a file on.
    WriteAt(PathBuf, u64, Vec<u8>),
    /// Cuts a file, or fills it up with zeros.
    SetLength(PathBuf, u64),
    /// Writes the content of a file, or of everything in a folder, to the disk.
    Sync(PathBuf),
    /// Renames a file or a folder.
    Rename(PathBuf, PathBuf),
    /// Makes a folder.
    CreateFolder(PathBuf),
    /// Removes a file or an empty folder.
    Remove(PathBuf),
    /// Writes the names in a folder to the disk.
    SyncFolder(PathBuf),
}

#[derive(Default)]
struct Watch {
    operations: Vec<Operation>,
    /// The number of the operation that fails, and how.
    failure: Option<(usize, io::ErrorKind)>,
}

thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

/// Called before each operation.
pub(crate) fn before(operation: impl FnOnce() -> Operation) -> io::Result<()> {
    WATCH.with_borrow_mut(|watch| {
        let Some(watch) = watch else { return Ok(()) };
        if let Some((_, kind)) = watch.failure.filter(|(at, _)| *at == watch.operations.len()) {
            watch.failure = None;
            return Err(kind.into());
        }
        watch.operations.push(operation());
        Ok(())
    })
}

/// As [`before`], before a folder is removed with its content: one operation for each file and folder.
pub(crate) fn before_each(path: &Path) -> io::Result<()> {
    if !WATCH.with_borrow(Option::is_some) {
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => before_each(&entry.path())?,
            false => before(|| Operation::Remove(entry.path()))?,
        }
    }
    before(|| Operation::Remove(path.to_owned()))
}

fn watched<T>(failure: Option<(usize, io::ErrorKind)>, work: impl FnOnce() -> T) -> (T, Watch) {
    WATCH.set(Some(Watch { failure, ..Watch::default() }));
    let done = work();
    (done, WATCH.take().unwrap_or_default())
}

/// Does the work and returns the operations on files that it made through this crate, on this thread.
pub fn record<T>(work: impl FnOnce() -> T) -> (T, Journal) {
    let (done, watch) = watched(None, work);
    (done, Journal { operations: watch.operations })
}

/// Does the work; the operation of this number, from 0, fails with an error of this kind. The second value tells
/// whether there was such an operation.
pub fn failing<T>(operation: usize, kind: io::ErrorKind, work: impl FnOnce() -> T) -> (T, bool) {
    let (done, watch) = watched(Some((operation, kind)), work);
    (done, watch.failure.is_none())
}

/// How a program is ended between two operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// The process is killed: everything that it wrote is there.
    Kill,
    /// The power is cut, and nothing that was not synced is on the disk.
    PowerCut,
    /// The power is cut after the names reached the disk, but not the content that was not synced.
    NamesOnly,
}

impl Crash {
    /// Every kind.
    pub const ALL: [Crash; 3] = [Crash::Kill, Crash::PowerCut, Crash::NamesOnly];
}

/// Operations on files, in their order.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    operations: Vec<Operation>,
}

impl Journal {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Writes into the folder `to` what the folder `from`, which did not exist before the first operation, holds if the
    /// program ends after so many of them.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn leave(&self, operations: usize, crash: Crash, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = Disk::default();
        for operation in &self.operations[..operations.min(self.operations.len())] {
            disk.apply(operation);
        }
        let names = if crash == Crash::PowerCut { &disk.synced } else { &disk.names };
        // Parents come before what is in them.
        for (path, node) in names {
            let Ok(below) = path.strip_prefix(from) else { continue };
            // The name of a folder that was not synced takes what is in it along.
            if !path.ancestors().skip(1).take_while(|path| path.starts_with(from)).all(|path| names.contains_key(path))
            {
                continue;
            }
            match node {
                None => fs::create_dir_all(to.join(below))?,
                Some(file) => {
                    let File { content, synced } = &disk.files[*file];
                    fs::write(to.join(below), if crash == Crash::Kill { content } else { synced })?;
                }
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct File {
    content: Vec<u8>,
    /// As it was at its last sync.
    synced: Vec<u8>,
}

/// Files and names, as programs see them and as the disk holds them.
#[derive(Default)]
struct Disk {
    files: Vec<File>,
    /// The file of each name; none for a folder.
    names: BTreeMap<PathBuf, Option<usize>>,
    synced: BTreeMap<PathBuf, Option<usize>>,
}

impl Disk {
    fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Create(path) => {
                self.create(path);
            }
            Operation::Append(path, content) => {
                let file = self.names.get(path).copied().flatten().unwrap_or_else(|| self.create(path));
                self.files[file].content.extend(content);
            }
            Operation::WriteAt(path, start, bytes) => {
                if let Some(file) = self.names.get(path).copied().flatten() {
                    let content = &mut self.files[file].content;
                    let range = *start as usize..*start as usize + bytes.len();
                    content.resize(content.len().max(range.end), 0);
                    content[range].copy_from_slice(bytes);
                }
            }
            Operation::SetLength(path, length) => {
                if let Some(file) = self.names.get(path).copied().flatten() {
                    self.files[file].content.resize(*length as usize, 0);
                }
            }
            Operation::Sync(path) => {
                let files: Vec<usize> = below(&self.names, path).filter_map(|(_, file)| file).collect();
                for file in files {
                    self.files[file].synced = self.files[file].content.clone();
                }
            }
            Operation::Rename(from, to) => {
                let moved: Vec<_> = below(&self.names, from).collect();
                for (path, node) in moved {
                    self.names.remove(&path);
                    let rest = path.strip_prefix(from).unwrap_or(Path::new(""));
                    let path = if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) };
                    self.names.insert(path, node);
                }
            }
            Operation::CreateFolder(path) => {
                self.names.insert(path.clone(), None);
            }
            Operation::Remove(path) => {
                self.names.remove(path);
            }
            Operation::SyncFolder(folder) => {
                self.synced.retain(|path, _| path.parent() != Some(folder));
                let there = self.names.iter().filter(|(path, _)| path.parent() == Some(folder));
                self.synced.extend(there.map(|(path, node)| (path.clone(), *node)));
            }
        }
    }

    /// Gives a new, empty file its name; returns its index.
    fn create(&mut self, path: &Path) -> usize {
        self.names.insert(path.to_owned(), Some(self.files.len()));
        self.files.push(File::default());
        self.files.len() - 1
    }
}

/// The names of a file, or of a folder and all that is in it.
fn below<'n>(
    names: &'n BTreeMap<PathBuf, Option<usize>>,
    path: &'n Path,
) -> impl Iterator<Item = (PathBuf, Option<usize>)> + 'n {
    names.iter().filter(move |(name, _)| name.starts_with(path)).map(|(name, node)| (name.clone(), *node))
}
