//! Errors of fetching a set.

use std::io;
use std::path::{Path, PathBuf};

use softnce_store::StoreError;
use thiserror::Error;

use super::Checksum;

/// Why a set could not be fetched: which file or address, what was found, what was expected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No set has this name.
    #[error("no set is named '{found}'; expected one of {known}{nearest}")]
    Unknown {
        /// The name.
        found: String,
        /// The known names.
        known: String,
        /// The nearest of them, as a question; empty if none is near.
        nearest: String,
    },
    /// A file of a set has no address.
    #[error("{file}: no address; expected at least one")]
    NoAddress {
        /// Name of the file.
        file: String,
    },
    /// No environment variable tells where the cache folder is.
    #[error("cache folder: none of SOFTNCE_DATA, XDG_CACHE_HOME, LOCALAPPDATA and HOME is set; expected one of them")]
    NoCache,
    /// A file or folder could not be read or written, or another process is fetching the same set.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The request failed.
    #[error("{url}: {source}")]
    Http {
        /// The address.
        url: String,
        /// The error of the HTTP client.
        source: Box<ureq::Error>,
    },
    /// The server answered with an error status.
    #[error("{url}: status {status}; expected 200 or 206")]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: u16,
    },
    /// The server sent another part of the file than requested.
    #[error("{url}: content range '{found}'; expected bytes from {offset} on, of {bytes}")]
    Range {
        /// The address.
        url: String,
        /// The header.
        found: String,
        /// First byte of the requested part.
        offset: u64,
        /// The size of the file.
        bytes: u64,
    },
    /// The server has a file of another size.
    #[error("{url}: {found} bytes; expected {expected}")]
    Size {
        /// The address.
        url: String,
        /// Bytes of the answer, as far as read.
        found: u64,
        /// Bytes of the published file.
        expected: u64,
    },
    /// The connection ended before the end of the file.
    #[error("{url}: ended after {received} of {expected} bytes{}; run the command again to continue", because(source))]
    Cut {
        /// The address.
        url: String,
        /// Bytes received, earlier attempts included.
        received: u64,
        /// Bytes expected.
        expected: u64,
        /// The error of the HTTP client, unless the server just stopped.
        source: Option<io::Error>,
    },
    /// The file is not the one published.
    #[error("{url}: {found}; expected {expected}; the received file was deleted")]
    Mismatch {
        /// The address.
        url: String,
        /// Its checksum.
        found: Checksum,
        /// The published one.
        expected: Checksum,
    },
    /// An archive is damaged.
    #[error("{}: {source}; expected a complete archive", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// The error of the decoder.
        source: io::Error,
    },
    /// An archive has an entry that must not be unpacked.
    #[error("{}: entry '{entry}' is {found}; expected files and folders below the archive's own", path.display())]
    Entry {
        /// The archive.
        path: PathBuf,
        /// Name of the entry.
        entry: String,
        /// What is wrong with it.
        found: &'static str,
    },
    /// An archive lacks the folder of the set.
    #[error("{}: no folder '{expected}' in the archive", path.display())]
    NoFolder {
        /// The archive.
        path: PathBuf,
        /// The folder.
        expected: String,
    },
}

fn because(source: &Option<io::Error>) -> String {
    source.as_ref().map_or_else(String::new, |error| format!(" ({error})"))
}

impl FetchError {
    /// Adds the action and the path to an error of the system.
    pub(super) fn file(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| StoreError::file(action, path)(source).into()
    }

    /// Whether another server may succeed.
    pub(super) fn is_the_servers(&self) -> bool {
        matches!(
            self,
            Self::Http { .. }
                | Self::Status { .. }
                | Self::Range { .. }
                | Self::Size { .. }
                | Self::Cut { .. }
                | Self::Mismatch { .. }
        )
    }
}
