//! Downloads the freely downloadable sets into a cache folder.
//!
//! [`find`] knows a set by its name; [`fetch`] brings it into a folder, from where [`crate::sets::open`] reads it. A
//! download that was cut off goes on where it ended; nothing is put in place before its checksum is right.

mod cache;
mod checksum;
mod download;
mod error;
mod pump;
mod registry;
mod unpack;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use softnce_store::file;
use ureq::Agent;

pub use cache::{cache_folder, data_folder};
pub use checksum::Checksum;
pub use error::FetchError;
pub use registry::{ArchiveFormat, Content, KnownSet, RemoteFile, find, known};

/// How far a fetch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file at hand.
    pub file: &'a str,
    /// What is done with it.
    pub stage: Stage,
    /// Bytes of it done, those of an earlier attempt included.
    pub done: u64,
    /// Its bytes; for [`Stage::Unpacking`] those of the packed file.
    pub total: u64,
}

/// What is done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is being received.
    Downloading,
    /// Its checksum is being computed.
    Checking,
    /// It is being unpacked.
    Unpacking,
}

/// Is told how far a fetch is.
pub type Report<'r> = dyn FnMut(Progress<'_>) + 'r;

/// Downloads a set into `cache/NAME`, unless it is there, and returns that folder.
///
/// Files that are there already are checked and kept. While it runs, a part of a download is called `*.part`, and the
/// next call goes on with it where the server can send parts of a file. An archive is unpacked beside the folder,
/// which is put in place whole, and is then deleted.
///
/// # Errors
/// A folder that cannot be written, the disk being full among the reasons; another fetch of the same set at the same
/// time; a server that cannot be reached, has not the file, or breaks off; a wrong size or checksum; an archive that
/// is damaged or would write outside its folder. What was received before stays, except where its checksum is wrong.
pub fn fetch(set: &KnownSet, cache: &Path, report: &mut Report<'_>) -> Result<PathBuf, FetchError> {
    fetch_with(&agent(Agent::config_builder()), set, cache, report)
}

/// The client; a server may be slow, but not silent.
fn agent(config: ureq::config::ConfigBuilder<ureq::typestate::AgentScope>) -> Agent {
    let agent = config
        .timeout_resolve(Some(Duration::from_secs(30)))
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .timeout_per_read(Some(Duration::from_secs(60)))
        .http_status_as_error(false)
        .user_agent(concat!("softnce/", env!("CARGO_PKG_VERSION")));
    agent.build().into()
}

fn fetch_with(agent: &Agent, set: &KnownSet, cache: &Path, report: &mut Report<'_>) -> Result<PathBuf, FetchError> {
    fs::create_dir_all(cache).map_err(FetchError::io(cache))?;
    let _lock = lock(&cache.join(format!("{}.lock", set.name)))?;
    let folder = cache.join(&set.name);
    match &set.content {
        Content::Files { files, class_names } => {
            fs::create_dir_all(&folder).map_err(FetchError::io(&folder))?;
            for file in files {
                download::download(agent, file, &folder.join(&file.name), report)?;
            }
            if !class_names.is_empty() {
                let path = folder.join("classes.txt");
                file::write(&path, (class_names.join("\n") + "\n").as_bytes()).map_err(FetchError::io(&path))?;
            }
        }
        // A folder is there whole or not at all.
        Content::Archive { .. } if folder.is_dir() => {}
        Content::Archive { file, format, top } => {
            let archive = cache.join(&file.name);
            download::download(agent, file, &archive, report)?;
            unpack::unpack(&archive, *format, top, &folder, report)?;
            fs::remove_file(&archive).map_err(FetchError::io(&archive))?;
        }
    }
    Ok(folder)
}

/// Holds a file's lock until dropped; the empty file stays.
fn lock(path: &Path) -> Result<File, FetchError> {
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(FetchError::io(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FetchError::Busy { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(FetchError::Io { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;
