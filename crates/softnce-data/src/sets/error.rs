//! What can be wrong with the files of a data set.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::decode::DecodeError;
use super::split::Split;
use crate::ContentError;
use crate::arrays::ArrayError;

/// Why a data set is refused: where, what was found, what was expected.
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
    /// A file or folder that the layout needs does not exist.
    #[error("{}: missing; expected {expected}", path.display())]
    Missing {
        /// The file or folder.
        path: PathBuf,
        /// What should be there.
        expected: String,
    },
    /// A file or folder has another content than expected.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A picture cannot be decoded.
    #[error("{}: {source}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// Why.
        source: DecodeError,
    },
    /// The set has no picture of this index.
    #[error("index {index}: {set} has {pictures} pictures")]
    Index {
        /// The index.
        index: usize,
        /// Number of pictures.
        pictures: usize,
        /// Name of the set.
        set: String,
    },
    /// The arguments of a set in memory contradict each other.
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
    #[error("no layout is named '{found}'; expected one of {known}")]
    UnknownLayout {
        /// The name.
        found: String,
        /// The names of all layouts.
        known: String,
    },
    /// A folder fits no layout.
    #[error(
        "{}: fits no known layout; expected one of {known}; {}{}",
        path.display(),
        match below {
            Some(below) => format!("{} fits one: name that folder", below.display()),
            None => "or name the layout (data.layout in a recipe, --layout for `data info`)".to_owned(),
        },
        unread.as_ref().map(|unread| format!("; {unread}")).unwrap_or_default()
    )]
    Undetected {
        /// The folder.
        path: PathBuf,
        /// What shows each layout.
        known: String,
        /// A folder in it that fits a layout.
        below: Option<PathBuf>,
        /// A picture in it in a format that is not read, in words.
        unread: Option<String>,
    },
    /// A folder fits several layouts.
    #[error(
        "{}: fits the layouts {first} and {second}; name one of them (data.layout in a recipe, --layout for `data info`)",
        path.display()
    )]
    Ambiguous {
        /// The folder.
        path: PathBuf,
        /// Name of one layout.
        first: &'static str,
        /// Name of another.
        second: &'static str,
    },
    /// The set does not have the part.
    #[error("{}: no {part} part: {reason}; {}", path.display(), remedy(*part))]
    NoPart {
        /// The folder.
        path: PathBuf,
        /// The part.
        part: Split,
        /// How that is known.
        reason: String,
    },
}

/// What a recipe can do without a part.
fn remedy(part: Split) -> &'static str {
    match part {
        Split::Train => "name another one (data.train_part)",
        Split::Validation => "set the share of the training pictures to validate on (data.validation_share)",
        Split::Test => "set the share of the pictures to test on (data.test_share)",
    }
}

impl SetError {
    /// Adds the path to an error of the system.
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

impl From<ArrayError> for SetError {
    fn from(error: ArrayError) -> Self {
        match error {
            ArrayError::Io { path, source } => SetError::Io { path, source },
            ArrayError::Content(error) => error.into(),
        }
    }
}
