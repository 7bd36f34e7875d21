//! Checkpoint files: lists their tensors, and reads those that are asked for.

mod content;
mod contents;
mod element;
mod layout;
mod place;
mod safetensors_file;
mod torch;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use content::{Format, LOOKED_AT};
use contents::{Contents, Entry};
use layout::Layout;
use softnce_store::StoreError;

use super::{NamedTensor, WeightsError};

/// A checkpoint: safetensors, or any file that `torch.save` wrote. Its content tells the format, not its name.
///
/// Tensors are listed by their path in the file, joined by dots: `state_dict.conv1.weight`. Their numbers are read when
/// they are asked for. Other objects are not read, and nothing in a file is ever executed.
#[derive(Debug)]
pub struct Checkpoint {
    path: Option<PathBuf>,
    source: Source,
    entries: Vec<Entry>,
}

#[derive(Debug)]
enum Source {
    File(File, Vec<place::Place>, bool),
    Memory(Vec<Vec<f32>>),
}

/// What a file should be.
const EXPECTED: &str = "a checkpoint: safetensors, or a file that torch.save wrote";

impl Checkpoint {
    /// Lists the tensors of a file.
    ///
    /// # Errors
    /// [`WeightsError::Store`] for a file that cannot be read, [`WeightsError::Format`] for one that is no checkpoint or
    /// has no tensors.
    pub fn open(path: &Path) -> Result<Checkpoint, WeightsError> {
        let failed = |source| WeightsError::from(StoreError::file("read", path)(source));
        let wrong = |reason: String| format(path, reason);
        let file = File::open(path).map_err(failed)?;
        let mut start = Vec::new();
        (&file).take(LOOKED_AT).read_to_end(&mut start).map_err(failed)?;
        let contents = match Format::of(&start).map_err(|words| wrong(words.to_owned()))? {
            Format::Safetensors => safetensors_file::open(&file),
            Format::TorchArchive => torch::open_archive(&file),
            Format::TorchStream => torch::open_stream(&file),
            Format::TorchTar => torch::open_tar(&file),
        };
        let Contents { entries, places, big } = contents.map_err(wrong)?;
        if entries.is_empty() {
            return Err(wrong("no tensors".to_owned()));
        }
        Ok(Checkpoint { path: Some(path.to_owned()), source: Source::File(file, places, big), entries })
    }

    /// The file; `None` for tensors in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Path and shape of every tensor that can be read as numbers.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.entries.iter().filter_map(|entry| Some((entry.name.as_str(), entry.shape()?)))
    }

    /// The shape of a tensor by its number.
    ///
    /// # Errors
    /// [`WeightsError::NotNumbers`].
    pub(super) fn shape(&self, number: usize) -> Result<&[usize], WeightsError> {
        let Entry { name, tensor, .. } = &self.entries[number];
        let wrong = |what: &String| WeightsError::NotNumbers { name: name.clone(), what: what.clone() };
        tensor.as_ref().map(|(layout, _)| layout.shape.as_slice()).map_err(wrong)
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Reads tensors by their numbers in [`Checkpoint::entries`], in this order.
    ///
    /// # Errors
    /// [`WeightsError::Format`] for a tensor that is no array of numbers, or a damaged file.
    pub(super) fn read(&self, numbers: &[usize]) -> Result<Vec<NamedTensor>, WeightsError> {
        let mut by_storage: BTreeMap<usize, Vec<(usize, &Entry, &Layout)>> = BTreeMap::new();
        for (order, &number) in numbers.iter().enumerate() {
            let entry = &self.entries[number];
            let (layout, storage) =
                entry.tensor.as_ref().map_err(|what| self.wrong(format!("{} is {what}", entry.name)))?;
            by_storage.entry(*storage).or_default().push((order, entry, layout));
        }
        let mut read = Vec::with_capacity(numbers.len());
        for (storage, wanted) in by_storage {
            let bytes = self.storage(storage, &wanted)?;
            for (order, entry, layout) in wanted {
                let values = match &bytes {
                    Numbers::Bytes(bytes, big) => layout.read(bytes, *big),
                    Numbers::Values(values) => values.to_vec(),
                };
                read.push((order, NamedTensor { name: entry.name.clone(), shape: layout.shape.clone(), values }));
            }
        }
        read.sort_unstable_by_key(|(order, _)| *order);
        Ok(read.into_iter().map(|(_, tensor)| tensor).collect())
    }

    /// The numbers of a storage, as far as these tensors need them.
    fn storage(&self, number: usize, wanted: &[(usize, &Entry, &Layout)]) -> Result<Numbers<'_>, WeightsError> {
        match &self.source {
            Source::Memory(values) => Ok(Numbers::Values(&values[number])),
            Source::File(file, places, big) => {
                let end = wanted.iter().map(|(_, _, layout)| layout.end()).max().unwrap_or(0);
                let needed = wanted.iter().map(|(_, _, layout)| layout.bytes()).sum();
                let bytes = places[number].read(file, end, needed);
                let name = wanted.first().map_or("", |(_, entry, _)| &entry.name);
                Ok(Numbers::Bytes(bytes.map_err(|reason| self.wrong(format!("{name}: {reason}")))?, *big))
            }
        }
    }

    pub(super) fn wrong(&self, reason: String) -> WeightsError {
        format(self.path.as_deref().unwrap_or(Path::new("tensors in memory")), reason)
    }
}

/// The content of a storage.
enum Numbers<'a> {
    /// And whether the most significant byte is first.
    Bytes(Vec<u8>, bool),
    Values(&'a [f32]),
}

impl Entry {
    /// The shape, of a tensor that can be read as numbers.
    pub(super) fn shape(&self) -> Option<&[usize]> {
        self.tensor.as_ref().ok().map(|(layout, _)| layout.shape.as_slice())
    }
}

impl From<BTreeMap<String, NamedTensor>> for Checkpoint {
    fn from(tensors: BTreeMap<String, NamedTensor>) -> Checkpoint {
        let (mut entries, mut values) = (Vec::new(), Vec::new());
        for (name, tensor) in tensors {
            let layout = Layout::whole(element::Element::F32, tensor.shape.clone());
            let count: usize = tensor.shape.iter().product();
            let layout = layout.and_then(|layout| {
                let found = tensor.values.len();
                if found == count {
                    Ok(layout)
                } else {
                    Err(format!("of shape {:?} with {found} values", tensor.shape))
                }
            });
            entries.push(Entry { name, group: 0, tensor: layout.map(|layout| (layout, values.len())) });
            values.push(tensor.values);
        }
        Checkpoint { path: None, source: Source::Memory(values), entries }
    }
}

/// Every tensor of a checkpoint that can be read as numbers, by its path in the file.
///
/// # Errors
/// As [`Checkpoint::open`]; [`WeightsError::Format`] also for a damaged file.
pub fn read_checkpoint(path: &Path) -> Result<BTreeMap<String, NamedTensor>, WeightsError> {
    let checkpoint = Checkpoint::open(path)?;
    let numbers: Vec<usize> =
        (0..checkpoint.entries.len()).filter(|&number| checkpoint.entries[number].tensor.is_ok()).collect();
    let tensors = checkpoint.read(&numbers)?;
    Ok(tensors.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect())
}

/// The metadata of a safetensors file; empty if it has none.
///
/// # Errors
/// A file that cannot be read or is not a safetensors file.
pub fn read_metadata(path: &Path) -> Result<BTreeMap<String, String>, WeightsError> {
    let file = File::open(path).map_err(StoreError::file("read", path))?;
    safetensors_file::metadata(&file).map_err(|reason| format(path, reason))
}

fn format(path: &Path, reason: String) -> WeightsError {
    WeightsError::Format { path: path.to_owned(), reason, expected: EXPECTED }
}
