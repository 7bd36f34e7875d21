//! Why a file or folder could not be used.

use std::io;
use std::path::{Path, PathBuf};

use crate::holder::Holder;

/// Why a file or folder could not be used: the path, what was found, what was expected, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The system refused to read or write.
    #[error("cannot {action} {path}: {source}", path = .path.display())]
    File {
        /// What was attempted: "read", "write".
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file was read, but its content is not what belongs there.
    #[error("{path} is not valid: {reason}; {remedy}", path = .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A file is not there.
    #[error("{path} holds no {missing}; {remedy}", path = .path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
        /// Name of the file.
        missing: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// Another version of softnce wrote it. Its content may mean something else now, so it is not continued.
    #[error("{path} was written by softnce {found}, this is softnce {expected}; {remedy}", path = .path.display())]
    OtherVersion {
        /// The file or folder.
        path: PathBuf,
        /// The version that wrote it.
        found: String,
        /// The version of this program.
        expected: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The folder holds work of the same kind with other settings.
    #[error(
        "{path} holds a {kind} with other settings ({differences}); name another folder with --out, or remove this one",
        path = .path.display()
    )]
    OtherSettings {
        /// The folder.
        path: PathBuf,
        /// What it holds: "run", "comparison".
        kind: &'static str,
        /// Which settings differ, and how.
        differences: String,
    },
    /// The folder holds work on other data.
    #[error("{path} holds a {kind} on other data ({differences}); {remedy}", path = .path.display())]
    OtherData {
        /// The folder.
        path: PathBuf,
        /// What it holds: "run", "comparison".
        kind: &'static str,
        /// How the data differ.
        differences: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The folder holds something that softnce did not write.
    #[error("{path} is not empty and holds no {kind}; name a new or empty folder with --out", path = .path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// What was expected: "run", "comparison".
        kind: &'static str,
    },
    /// Another process uses the folder.
    #[error("another process is using {path}{}; {remedy}", in_brackets(holder.as_ref()), path = .path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// The process, where its name can be read.
        holder: Option<Holder>,
        /// What to do.
        remedy: &'static str,
    },
}

impl StoreError {
    /// Adds the action and the path to an error of the system; for `map_err`.
    pub fn file(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| StoreError::File { action, path: path.as_ref().to_owned(), source }
    }

    /// Whether the reader of a pipe has ended; the program then ends without a message.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, StoreError::File { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Whether the arguments or the folder are wrong, rather than the system failing.
    pub fn is_usage(&self) -> bool {
        match self {
            // A path below a file, or a file in place of a folder.
            StoreError::File { source, .. } => {
                matches!(source.kind(), io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists)
            }
            _ => true,
        }
    }

    /// Whether the disk is full, or the user may not write more or larger files.
    pub fn is_full_disk(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let full = |kind| matches!(kind, FileTooLarge | QuotaExceeded | StorageFull);
        matches!(self, StoreError::File { source, .. } if full(source.kind()))
    }
}

fn in_brackets(holder: Option<&Holder>) -> String {
    holder.map_or_else(String::new, |holder| format!(" ({holder})"))
}
