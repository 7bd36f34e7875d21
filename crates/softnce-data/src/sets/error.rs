//! What can be wrong with the files of a data set.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::Layout;

/// A data set that is rejected: where, what was found, what was expected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SetError {
    /// The system could not read a file or list a folder.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something that the layout needs is not there.
    #[error("{}: missing; expected {expected}", path.display())]
    Missing {
        /// The file or folder.
        path: PathBuf,
        /// What should be there.
        expected: String,
    },
    /// The content of a binary file is not what it should be.
    #[error("{}, byte {offset}: {found}; expected {expected}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, counted from 0; in the unpacked content if the file is packed.
        offset: u64,
        /// What is there.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// A line of a text file is not what it should be.
    #[error("{}, line {line}: '{found}'; expected {expected}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// The line, or the part of it that is wrong.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// A file or folder lies where the layout has no place for it.
    #[error("{}: does not belong there; expected {expected}", path.display())]
    Stray {
        /// The file or folder.
        path: PathBuf,
        /// What may be there.
        expected: String,
    },
    /// Two files that belong together disagree in number.
    #[error("{}: {found} {what}; expected {expected}, as in {}", path.display(), other.display())]
    Count {
        /// The file.
        path: PathBuf,
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many the other file has.
        expected: usize,
        /// The other file.
        other: PathBuf,
    },
    /// A part of a set without pictures.
    #[error("{}: no pictures; expected at least one", path.display())]
    Empty {
        /// The file or folder.
        path: PathBuf,
    },
    /// A picture cannot be decoded.
    #[error("{}: {source}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: image::ImageError,
    },
    /// An index names no picture.
    #[error("index: {index}; expected one of 0..{pictures} ({set})")]
    Index {
        /// The index.
        index: usize,
        /// Number of pictures.
        pictures: usize,
        /// The set.
        set: String,
    },
    /// The parts of a set in memory disagree.
    #[error("{argument}: {found}; expected {expected}")]
    Argument {
        /// Name of the argument.
        argument: &'static str,
        /// What was passed.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// No layout has this name.
    #[error("layout: '{found}'; expected one of {}", names())]
    UnknownLayout {
        /// The name.
        found: String,
    },
    /// A folder fits no layout.
    #[error(
        "{}: fits no known layout; expected train-images-idx3-ubyte (idx), data_batch_1.bin (cifar10), train.bin \
         (cifar100), wnids.txt with train/ (tiny-imagenet) or train/CLASS/ (tree)", path.display()
    )]
    Undetected {
        /// The folder.
        path: PathBuf,
    },
    /// A folder fits more than one layout.
    #[error("{}: fits {first} and {second}; name the layout", path.display())]
    Ambiguous {
        /// The folder.
        path: PathBuf,
        /// One layout.
        first: Layout,
        /// Another.
        second: Layout,
    },
}

fn names() -> String {
    Layout::ALL.map(Layout::name).join(", ")
}

impl SetError {
    /// Names the file or folder in an error of the system.
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
