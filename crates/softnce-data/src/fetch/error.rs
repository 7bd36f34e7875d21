//! What can keep a set from coming.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::Checksum;

/// A set that did not come: which file or address, what was found, what was expected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No set has this name.
    #[error("set: '{found}'; expected one of {known}")]
    Unknown {
        /// The name.
        found: String,
        /// The names known.
        known: String,
    },
    /// A file of a set has no address.
    #[error("{file}: no address; expected at least one")]
    NoAddress {
        /// Name of the file.
        file: String,
    },
    /// There is no telling where the cache may lie.
    #[error("cache folder: none of SOFTNCE_DATA, XDG_CACHE_HOME, LOCALAPPDATA and HOME is set; expected one of them")]
    NoCache,
    /// The system could not read or write there; a full disk among the reasons.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process is fetching the same set.
    #[error("{}: locked; another process is fetching this set", path.display())]
    Busy {
        /// The lock.
        path: PathBuf,
    },
    /// The server could not be asked.
    #[error("{url}: {source}")]
    Http {
        /// The address.
        url: String,
        /// What the client said.
        source: Box<ureq::Error>,
    },
    /// The server refused.
    #[error("{url}: status {status}; expected 200 or 206")]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: u16,
    },
    /// The server answered another part than it was asked for.
    #[error("{url}: content range '{found}'; expected bytes from {offset} on, of {bytes}")]
    Range {
        /// The address.
        url: String,
        /// The header.
        found: String,
        /// Where the part should begin.
        offset: u64,
        /// The size of the file.
        bytes: u64,
    },
    /// The server has a file of another size.
    #[error("{url}: {found} bytes; expected {expected}")]
    Size {
        /// The address.
        url: String,
        /// Bytes of the answer, as far as it was read.
        found: u64,
        /// Bytes published.
        expected: u64,
    },
    /// The connection ended before the file did.
    #[error(
        "{url}: ended after {received} of {expected} bytes{}; the next attempt goes on from there",
        because(source)
    )]
    Cut {
        /// The address.
        url: String,
        /// Bytes received, earlier attempts included.
        received: u64,
        /// Bytes expected.
        expected: u64,
        /// What the client said, unless the server just stopped.
        source: Option<io::Error>,
    },
    /// The file is not the one published.
    #[error("{url}: {found}; expected {expected}; what was received is deleted")]
    Mismatch {
        /// The address.
        url: String,
        /// Its checksum.
        found: Checksum,
        /// The published one.
        expected: Checksum,
    },
    /// An archive is damaged.
    #[error("{}: {source}; expected a whole archive", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What the decoder said.
        source: io::Error,
    },
    /// An archive holds what must not be unpacked.
    #[error("{}: entry '{entry}' is {found}; expected files and folders below the archive's own", path.display())]
    Entry {
        /// The archive.
        path: PathBuf,
        /// Name of the entry.
        entry: String,
        /// What is wrong with it.
        found: &'static str,
    },
    /// An archive has not the folder that the set is in.
    #[error("{}: no folder '{expected}' in it", path.display())]
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
    /// Names the file in an error of the system.
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// Whether another server may do better.
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
