//! Errors of array files.

use std::io;
use std::path::PathBuf;

use crate::ContentError;

/// Why a file of arrays is refused.
#[derive(Debug)]
pub(crate) enum ArrayError {
    /// The system could not read the file.
    Io { path: PathBuf, source: io::Error },
    /// The file has another content than expected.
    Content(ContentError),
}

impl ArrayError {
    /// Adds the path to an error of the system.
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

impl From<ContentError> for ArrayError {
    fn from(error: ContentError) -> Self {
        Self::Content(error)
    }
}
