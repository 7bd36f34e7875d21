//! Several matrices in a folder that are committed together.

use std::path::{Path, PathBuf};

use softnce_store::{
    Lock, NewFile, RandomAccessFile, StoreError, create_folder, differences, free_space, remove_file, remove_temporary,
    write_zeros,
};

use super::journal;
use super::matrix::RowMatrix;
use super::spec::{Init, MatrixSpec, fill};
use super::state::{STATE, State};
use crate::RowsError;

/// The file of the journal.
const JOURNAL: &str = "journal";
/// About so many bytes of first values are computed at once.
const PART: usize = 4 << 20;

/// A folder of matrices that are committed together with a checkpoint of the caller, so that a crash at any moment
/// leaves all rows as they were at the commit that the checkpoint names.
///
/// Each commit has a number, its generation; a new store has generation 0. A commit takes three steps:
///
/// 1. [`RowStore::prepare`] writes the rows that changed since the last commit to a journal beside the files.
/// 2. The caller writes its checkpoint, atomically, with the number of the generation in it. This is the moment of the
///    commit.
/// 3. [`RowStore::apply`] writes the rows to their places in the files, and removes the journal.
///
/// [`RowStore::open`] with the generation of the caller's checkpoint (0 if there is none yet) finishes what a crash
/// interrupted, or undoes it. Between commits nothing on the disk changes.
///
/// The files hold no checksums of the matrices' values, which change in place; a disk that returns other values than
/// were written is not noticed. Sizes, the journal and the state are verified.
#[derive(Debug)]
pub struct RowStore {
    folder: PathBuf,
    matrices: Vec<(MatrixSpec, RowMatrix)>,
    generation: u64,
    /// The generation of the journal that is to be applied.
    prepared: Option<u64>,
    /// Whether rows of it may be in the files.
    is_applying: bool,
    _lock: Lock,
}

/// The rows that changed since the last commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// How many, in all matrices.
    pub rows: u64,
    /// Bytes of memory that they take until the next commit, beyond the matrices in memory.
    pub memory: u64,
    /// Bytes of the next journal, at most.
    pub journal: u64,
}

impl RowStore {
    /// Whether a folder holds a store. It does once [`RowStore::create`] has finished.
    pub fn exists(folder: &Path) -> bool {
        folder.join(STATE).exists()
    }

    /// Makes a store of generation 0 in a folder, which is made if it is not there. What an interrupted creation left
    /// behind is replaced.
    ///
    /// # Errors
    /// No matrices, two of one name, or one with a name, size or first values that no matrix can have; a store that
    /// exists; too little space on the disk for all rows; a folder that cannot be written or that another process uses;
    /// memory that the system refuses.
    pub fn create(folder: &Path, matrices: &[MatrixSpec]) -> Result<Self, RowsError> {
        let sizes = sizes(matrices)?;
        create_folder(folder)?;
        let lock = locked(folder)?;
        if RowStore::exists(folder) {
            let found = folder.display().to_string();
            return Err(RowsError::argument("folder", found, "one without a store; open the one that is there"));
        }
        remove_temporary(folder);
        for spec in matrices {
            remove_file(&file_of(folder, spec))?;
        }
        let needed = sizes.iter().try_fold(0_u64, |sum, &size| sum.checked_add(size)).unwrap_or(u64::MAX);
        if let Some(free) = free_space(folder).filter(|&free| free < needed) {
            return Err(RowsError::Space { path: folder.to_owned(), needed, free });
        }
        for (spec, &size) in matrices.iter().zip(&sizes) {
            write_first(&file_of(folder, spec), spec, size)?;
        }
        State::new(0, None, matrices.to_vec()).write(folder)?;
        RowStore::load(folder, matrices, &sizes, 0, lock)
    }

    /// Opens the store of the generation that the caller's checkpoint names: finishes a commit of it that was prepared,
    /// and removes the journal of one that is not part of the checkpoint.
    ///
    /// # Errors
    /// - No store, or one of other matrices than these ([`StoreError::OtherSettings`]); only
    ///   [`Place`](super::Place) may differ.
    /// - [`RowsError::Generation`]: the files hold another generation, or parts of one.
    /// - [`StoreError::Invalid`]: a file of another size, a journal or state that is damaged.
    /// - [`StoreError::Locked`]: another process uses it.
    /// - A full disk while a commit is finished; opening it again once there is space continues.
    pub fn open(folder: &Path, matrices: &[MatrixSpec], generation: u64) -> Result<Self, RowsError> {
        let sizes = sizes(matrices)?;
        // Without a store there is no folder to be locked either.
        State::read(folder)?;
        let lock = locked(folder)?;
        let state = State::read(folder)?;
        let differences = differences(&listed(&state.matrices), &listed(matrices));
        if !differences.is_empty() {
            let (path, differences) = (folder.to_owned(), differences.join("; "));
            return Err(StoreError::OtherSettings { path, kind: "store of matrices", differences }.into());
        }
        let journal = folder.join(JOURNAL);
        let other = |found: String| RowsError::Generation { path: folder.to_owned(), found, expected: generation };
        let redo = match state.applying {
            None if state.generation == generation => None,
            Some(applying) if applying != generation => {
                return Err(other(format!("parts of generation {applying}")));
            }
            _ => {
                let found = format!("generation {}", state.generation);
                let journal = journal::open(&journal)?.ok_or_else(|| other(format!("{found} and no journal")))?;
                let (base, leads) = (journal.header.base, journal.header.generation);
                if (base, leads) != (state.generation, generation) {
                    return Err(other(format!("{found} and a journal from {base} to {leads}")));
                }
                Some(journal)
            }
        };
        remove_temporary(folder);
        let mut store = RowStore::load(folder, matrices, &sizes, state.generation, lock)?;
        match redo {
            None => remove_file(&journal)?,
            Some(journal) => {
                journal.restore(store.matrices.iter_mut().map(|(spec, matrix)| (&*spec.name, matrix)))?;
                store.prepared = Some(generation);
                store.apply()?;
            }
        }
        Ok(store)
    }

    /// Opens the files.
    fn load(
        folder: &Path,
        matrices: &[MatrixSpec],
        sizes: &[u64],
        generation: u64,
        lock: Lock,
    ) -> Result<Self, RowsError> {
        let open = |(spec, &size): (&MatrixSpec, &u64)| {
            let file = RandomAccessFile::open(&file_of(folder, spec))?;
            let found = file.length()?;
            if found != size {
                let (path, reason) = (file.path().to_owned(), format!("it has {found} bytes, expected {size}"));
                let remedy = "restore the checkpoint and this folder from the same copy";
                return Err(StoreError::Invalid { path, reason, remedy }.into());
            }
            Ok((spec.clone(), RowMatrix::open(spec, file)?))
        };
        let mut matrices = matrices.iter().zip(sizes).map(open).collect::<Result<Vec<_>, RowsError>>()?;
        // A journal has them in this order, whatever the order of the caller.
        matrices.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
        let folder = folder.to_owned();
        Ok(RowStore { folder, matrices, generation, prepared: None, is_applying: false, _lock: lock })
    }

    /// The generation that the matrices hold, but for the rows that changed since.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// A matrix by its name.
    ///
    /// # Errors
    /// A name that no matrix has.
    pub fn matrix(&self, name: &str) -> Result<&RowMatrix, RowsError> {
        let found = self.matrices.iter().find(|(spec, _)| spec.name == name);
        found.map(|(_, matrix)| matrix).ok_or_else(|| self.unknown(name))
    }

    /// Matrices by their names, to change them.
    ///
    /// # Errors
    /// A name that no matrix has; one that is given twice.
    pub fn matrices_mut<const N: usize>(&mut self, names: [&str; N]) -> Result<[&mut RowMatrix; N], RowsError> {
        let places = names.map(|name| self.matrices.iter().position(|(spec, _)| spec.name == name));
        if let Some(number) = places.iter().position(Option::is_none) {
            return Err(self.unknown(names[number]));
        }
        let places = places.map(|place| place.unwrap_or(usize::MAX));
        let found = self.matrices.get_disjoint_mut(places);
        let found = found.map_err(|_| RowsError::argument("names", format!("{names:?}"), "each name once"))?;
        Ok(found.map(|(_, matrix)| matrix))
    }

    fn unknown(&self, name: &str) -> RowsError {
        let names: Vec<&str> = self.named().map(|(name, _)| name).collect();
        RowsError::argument("name", format!("{name:?}"), format!("one of {}", names.join(", ")))
    }

    fn named(&self) -> impl Iterator<Item = (&str, &RowMatrix)> + Clone {
        self.matrices.iter().map(|(spec, matrix)| (spec.name.as_str(), matrix))
    }

    /// The rows that changed since the last commit, and what they take, so that a program can commit before memory or
    /// disk space runs out.
    pub fn changed(&self) -> Changed {
        Changed {
            rows: self.named().map(|(_, matrix)| matrix.changes() as u64).sum(),
            memory: self.named().map(|(_, matrix)| matrix.overlay_bytes()).sum(),
            journal: journal::size(self.named()),
        }
    }

    /// Bytes that the store takes on the disk during the next commit, at most: all rows of all matrices, and the
    /// journal. Rows of zeros that never changed take none of it where the file system knows holes.
    pub fn disk_bytes(&self) -> u64 {
        let rows = self.named().map(|(_, matrix)| matrix.rows() as u64 * matrix.row_bytes() as u64);
        rows.sum::<u64>() + self.changed().journal
    }

    /// Writes the rows that changed since the last commit to the journal, which survives a loss of power once this
    /// returns. Rows cannot change until [`RowStore::apply`] or [`RowStore::cancel`].
    ///
    /// # Errors
    /// A generation that is not after the last one; a commit that was prepared before; a full disk. After an error the
    /// store is as before.
    pub fn prepare(&mut self, generation: u64) -> Result<(), RowsError> {
        if self.prepared.is_some() {
            let reason = "a commit is prepared: apply or cancel it first";
            return Err(RowsError::Order { call: "prepare", reason });
        }
        if generation <= self.generation {
            return Err(RowsError::argument("generation", generation, format!("one after {}", self.generation)));
        }
        journal::write(&self.folder.join(JOURNAL), self.generation, generation, self.named())?;
        self.prepared = Some(generation);
        self.matrices.iter_mut().for_each(|(_, matrix)| matrix.freeze(true));
        Ok(())
    }

    /// Writes the rows of the commit that was prepared to their places. To be called once the caller's checkpoint names
    /// its generation.
    ///
    /// # Errors
    /// No commit that was prepared; a full or failing disk. Matrices can then be read, and the call can be repeated.
    pub fn apply(&mut self) -> Result<(), RowsError> {
        let Some(generation) = self.prepared else {
            return Err(RowsError::Order { call: "apply", reason: "no commit is prepared" });
        };
        self.is_applying = true;
        self.write_state(Some(generation))?;
        for (_, matrix) in &mut self.matrices {
            matrix.write_changed()?;
        }
        self.generation = generation;
        self.write_state(None)?;
        remove_file(&self.folder.join(JOURNAL))?;
        for (_, matrix) in &mut self.matrices {
            matrix.settle();
            matrix.freeze(false);
        }
        (self.prepared, self.is_applying) = (None, false);
        Ok(())
    }

    /// Removes the journal of the commit that was prepared, because the caller's checkpoint could not be written. The
    /// changed rows stay changed, and rows can change again.
    ///
    /// # Errors
    /// No commit that was prepared; one of which [`RowStore::apply`] may have written parts; a failing disk.
    pub fn cancel(&mut self) -> Result<(), RowsError> {
        if self.prepared.is_none() || self.is_applying {
            let reason = if self.is_applying { "rows may have been written already" } else { "no commit is prepared" };
            return Err(RowsError::Order { call: "cancel", reason });
        }
        remove_file(&self.folder.join(JOURNAL))?;
        self.prepared = None;
        self.matrices.iter_mut().for_each(|(_, matrix)| matrix.freeze(false));
        Ok(())
    }

    fn write_state(&self, applying: Option<u64>) -> Result<(), StoreError> {
        let matrices = self.matrices.iter().map(|(spec, _)| spec.clone()).collect();
        State::new(self.generation, applying, matrices).write(&self.folder)
    }
}

fn locked(folder: &Path) -> Result<Lock, StoreError> {
    Lock::folder(folder, "wait until it has ended")
}

/// The bytes of each matrix.
fn sizes(matrices: &[MatrixSpec]) -> Result<Vec<u64>, RowsError> {
    if matrices.is_empty() {
        return Err(RowsError::argument("matrices", "empty", "at least one matrix"));
    }
    for (number, spec) in matrices.iter().enumerate() {
        if matrices[..number].iter().any(|other| other.name.eq_ignore_ascii_case(&spec.name)) {
            let expected = "names that also differ where upper and lower case are the same";
            return Err(RowsError::argument("matrices", format!("two called '{}'", spec.name), expected));
        }
    }
    matrices.iter().map(MatrixSpec::bytes).collect()
}

fn listed(matrices: &[MatrixSpec]) -> std::collections::BTreeMap<&str, &MatrixSpec> {
    matrices.iter().map(|spec| (spec.name.as_str(), spec)).collect()
}

fn file_of(folder: &Path, spec: &MatrixSpec) -> PathBuf {
    folder.join(format!("{}.rows", spec.name))
}

/// Writes the file of a new matrix.
fn write_first(path: &Path, spec: &MatrixSpec, size: u64) -> Result<(), RowsError> {
    if matches!(spec.init, Init::Zero) {
        return Ok(write_zeros(path, size)?);
    }
    let row_bytes = spec.width * spec.element.size();
    let part = (PART / row_bytes).max(1);
    let (mut file, mut bytes) = (NewFile::create(path)?, Vec::new());
    for first in (0..spec.rows).step_by(part) {
        let rows = first as u32..(first + part).min(spec.rows) as u32;
        bytes.resize(rows.len() * row_bytes, 0);
        fill(spec.init, spec.element, spec.width, rows, &mut bytes);
        file.append(&bytes)?;
    }
    Ok(file.finish()?)
}
