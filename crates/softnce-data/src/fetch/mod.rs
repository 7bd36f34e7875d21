//! Downloads free data sets into a cache folder.
//!
//! [`Registry`] knows the sets and where they are in the data folder; [`fetch`] downloads one into it. An interrupted
//! download continues where it stopped. No file is used before its checksum is verified.

mod cache;
mod checksum;
mod download;
mod error;
mod known;
mod lookup;
mod missing;
mod progress;
mod pump;
mod registry;
mod set;
mod unpack;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use softnce_store::{Lock, StoreError, create_folder, write};
use ureq::Agent;

pub use cache::{cache_folder, data_folder};
pub use checksum::Checksum;
pub use error::FetchError;
pub use missing::MissingData;
pub use progress::{FetchProgress, ReportProgress, Stage};
pub use registry::Registry;
pub use set::{ArchiveFormat, Content, KnownSet, RemoteFile, SetKind};

/// Downloads a set into `cache/NAME`, unless it is already there, and returns that folder.
///
/// Existing files are verified and kept. An unfinished download is named `*.part`; the next call continues it if the
/// server can send parts of a file. An archive is unpacked beside the folder, renamed when complete, and then deleted.
///
/// # Errors
/// A folder that cannot be written, for example on a full disk; another process that fetches the same set; a server
/// that cannot be reached, does not have the file, or breaks off; a wrong size or checksum; an archive that is damaged
/// or would write outside its folder. Received data is kept, unless its checksum is wrong.
pub fn fetch(set: &KnownSet, cache: &Path, report: &mut ReportProgress<'_>) -> Result<PathBuf, FetchError> {
    let agent = agent();
    create_folder(cache)?;
    let folder = cache.join(&set.name);
    let _lock = lock(&folder)?;
    match &set.content {
        Content::Files { files, class_names } => {
            create_folder(&folder)?;
            for file in files {
                download::download(&agent, file, &folder.join(&file.name), report)?;
            }
            if !class_names.is_empty() {
                write(&folder.join("classes.txt"), (class_names.join("\n") + "\n").as_bytes())?;
            }
        }
        // An existing folder is complete.
        Content::Archive { .. } if folder.is_dir() => {}
        Content::Archive { file, format, top } => {
            let archive = cache.join(&file.name);
            download::download(&agent, file, &archive, report)?;
            unpack::unpack(&archive, *format, top, &folder, report)?;
            fs::remove_file(&archive).map_err(FetchError::file("remove", &archive))?;
        }
    }
    Ok(folder)
}

/// The HTTP client. A server may be slow, but must not stay silent for a minute.
fn agent() -> Agent {
    let config = Agent::config_builder()
        .timeout_resolve(Some(Duration::from_secs(30)))
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .timeout_per_read(Some(Duration::from_secs(60)))
        .http_status_as_error(false)
        .user_agent(concat!("softnce/", env!("CARGO_PKG_VERSION")));
    config.build().into()
}

/// The lock of a set: a file beside its folder, because an archive's folder is put in place whole.
fn lock(folder: &Path) -> Result<Lock, StoreError> {
    Lock::take(&folder.with_added_extension("lock"), folder, "wait until it has fetched the set")
}

#[cfg(test)]
mod tests;
