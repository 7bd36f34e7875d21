//! Files and folders whose content is refused.

use std::path::{Path, PathBuf};

/// A file or folder whose content is refused: where, what was found, what was expected.
#[derive(Debug, thiserror::Error)]
#[error("{}{place}: {found}; expected {expected}", path.display())]
pub struct ContentError {
    /// The file or folder.
    pub path: PathBuf,
    /// The place in it, such as `, line 3`; empty if it is refused as a whole.
    pub place: String,
    /// What was found there.
    pub found: String,
    /// What should be there.
    pub expected: String,
}

impl ContentError {
    fn at<E: From<Self>>(path: &Path, place: String, found: impl Into<String>, expected: impl Into<String>) -> E {
        ContentError { path: path.to_owned(), place, found: found.into(), expected: expected.into() }.into()
    }

    /// The file or folder as a whole.
    pub(crate) fn whole<E: From<Self>>(path: &Path, found: impl Into<String>, expected: impl Into<String>) -> E {
        ContentError::at(path, String::new(), found, expected)
    }

    /// A file or folder that has no place in the layout.
    pub(crate) fn stray<E: From<Self>>(path: &Path, expected: impl Into<String>) -> E {
        ContentError::whole(path, "does not belong here", expected)
    }

    /// A file or folder without pictures.
    pub(crate) fn empty<E: From<Self>>(path: &Path) -> E {
        ContentError::whole(path, "no pictures", "at least one")
    }

    /// A byte, counted from 0, of the decompressed content if the file is compressed.
    pub(crate) fn byte<E: From<Self>>(
        path: &Path,
        offset: u64,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> E {
        ContentError::at(path, format!(", byte {offset}"), found, expected)
    }

    /// A line, counted from 1.
    pub(crate) fn line<E: From<Self>>(
        path: &Path,
        line: usize,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> E {
        ContentError::at(path, format!(", line {line}"), found, expected)
    }
}
