//! A layout of the files of a data set: how it is detected, and how it is read.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::decode::Decoding;
use super::error::SetError;
use super::feature_set::FeatureSet;
use super::file_set::FileSet;
use super::memory::MemorySet;
use super::split::Split;
use crate::PictureSource;

/// One way to lay out the files of a data set. [`Layout::ALL`] lists those that this crate reads.
#[derive(Clone, Copy)]
pub struct Layout(&'static Rules);

/// Reads one part of a set from a folder.
pub(super) enum Open {
    /// Pictures that fit in memory.
    Memory(fn(&Path, Split) -> Result<MemorySet, SetError>),
    /// Pictures in files of their own.
    Files(fn(&Path, Split) -> Result<FileSet, SetError>),
    /// Rows of features.
    Features(fn(&Path, Split) -> Result<FeatureSet, SetError>),
}

/// All that the rest of the program asks of a layout. To add one, write its rules in a file of `layouts/` and list them
/// in `layouts/mod.rs`.
pub(super) struct Rules {
    /// The name in recipes and on the command line.
    pub(super) name: &'static str,
    /// What it is, for the help and the documents: a phrase that starts with a capital letter and has no full stop.
    pub(super) title: &'static str,
    /// The files or folders that show the layout, for the error where a folder shows none; empty for an embedded set.
    pub(super) sign: &'static str,
    /// The parts that such sets may have, in the order in which they are shown.
    pub(super) parts: &'static [Split],
    /// Source and terms of a set that is embedded in the program; `None` for sets that lie in a folder.
    pub(super) origin: Option<&'static str>,
    /// Whether a folder shows the layout.
    pub(super) detect: fn(&Path) -> bool,
    /// The reliability of `detect`: of several layouts that are detected, the one with the largest number is taken. 2:
    /// file names that the publisher chose; 1: names of folders; 0: anything weaker.
    pub(super) proof: u8,
    /// Reads one of `parts` from a folder.
    pub(super) open: Open,
}

impl Layout {
    pub(super) const fn new(rules: &'static Rules) -> Self {
        Self(rules)
    }

    pub(super) fn rules(self) -> &'static Rules {
        self.0
    }

    /// The name of the layout, as in recipes and on the command line.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// What the layout is, in a few words.
    pub fn title(self) -> &'static str {
        self.0.title
    }

    /// The parts that such sets may have.
    pub fn parts(self) -> &'static [Split] {
        self.0.parts
    }

    /// Source and terms of a set that is embedded in the program and needs no folder; `None` for all other layouts.
    pub fn origin(self) -> Option<&'static str> {
        self.0.origin
    }

    /// Opens one part of the set in the folder `root`; an embedded set ignores `root`.
    ///
    /// Checks everything that can be checked without decoding pictures: names, sizes, headers, labels.
    /// [`PictureSource::warnings`] names what lies in the folders and is not read.
    ///
    /// # Errors
    /// [`SetError::NoPart`] for a part that the set does not have. A file or folder that is missing, unreadable or
    /// damaged, or that contradicts the others: its path, and the line or the byte where known.
    pub fn open(self, root: &Path, split: Split) -> Result<Arc<dyn PictureSource>, SetError> {
        self.open_with(root, split, Decoding::default())
    }

    /// The same, with files of pictures decoded as `decoding` says.
    ///
    /// # Errors
    /// As [`Layout::open`].
    pub fn open_with(self, root: &Path, split: Split, decoding: Decoding) -> Result<Arc<dyn PictureSource>, SetError> {
        if !self.parts().contains(&split) {
            let reason = format!("sets laid out as {self} have none");
            return Err(SetError::NoPart { path: root.to_owned(), part: split, reason });
        }
        Ok(match self.0.open {
            Open::Memory(open) => Arc::new(open(root, split)?),
            Open::Features(open) => Arc::new(open(root, split)?),
            Open::Files(open) => Arc::new(open(root, split)?.with_decoding(decoding)),
        })
    }
}

impl PartialEq for Layout {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Layout {}

impl Hash for Layout {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Debug for Layout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Layout").field(&self.name()).finish()
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl Serialize for Layout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
