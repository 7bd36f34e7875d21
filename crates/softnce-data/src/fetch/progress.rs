//! Progress of a fetch.

/// Progress of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchProgress<'a> {
    /// Name of the file.
    pub file: &'a str,
    /// What is being done with it.
    pub stage: Stage,
    /// Bytes done, those of earlier attempts included.
    pub done: u64,
    /// Bytes of the file; while unpacking, those of the archive.
    pub total: u64,
}

/// What is being done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is being downloaded.
    Downloading,
    /// Its checksum is being computed.
    Checking,
    /// It is being unpacked.
    Unpacking,
}

/// Called with the progress of a fetch.
pub type ReportProgress<'r> = dyn FnMut(FetchProgress<'_>) + 'r;
