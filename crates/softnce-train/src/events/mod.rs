//! Event files, which TensorBoard shows.
//!
//! An event file is a sequence of TFRecords ([`record`]), each a protocol buffer of TensorFlow's type `Event`
//! ([`message`]).

mod message;
mod record;

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use softnce_store::{StoreError, append, write};

/// What the names of event files begin with; TensorBoard looks for the second part.
const NAME: &str = "events.out.tfevents.";

/// An event file of scalars.
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
}

impl EventFile {
    /// Starts an event file in a folder, beside those that are there. Readers drop the events from step `first` on that
    /// they find in those: they are written again.
    ///
    /// # Errors
    /// [`StoreError::File`]: a folder that cannot be written.
    pub fn start(folder: &Path, first: i64) -> Result<EventFile, StoreError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // TensorBoard reads the files of a folder in the order of their names.
        let name = format!("{NAME}{:010}.{:09}.{}", now.as_secs(), now.subsec_nanos(), std::process::id());
        let (path, time) = (folder.join(name), now.as_secs_f64());
        write(&path, &framed(&[message::version(time), message::start(first, time)]))?;
        Ok(EventFile { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a folder has an event file.
    ///
    /// # Errors
    /// [`StoreError::File`]: a folder that cannot be read.
    pub fn exist(folder: &Path) -> Result<bool, StoreError> {
        let mut entries = std::fs::read_dir(folder).map_err(StoreError::file("read", folder))?.flatten();
        Ok(entries.any(|entry| entry.file_name().to_string_lossy().starts_with(NAME)))
    }

    /// Writes scalars at a step. `time`: seconds since 1970.
    ///
    /// # Errors
    /// [`StoreError::File`]: a full disk.
    pub fn scalars(&self, step: i64, time: f64, scalars: &[(&str, f64)]) -> Result<(), StoreError> {
        // One write, so that a killed process leaves whole records.
        append(&self.path, &framed(&[message::scalars(step, time, scalars)]))
    }
}

fn framed(events: &[Vec<u8>]) -> Vec<u8> {
    events.iter().flat_map(|event| record::framed(event)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_new_file_sorts_after_the_old_ones() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("history.jsonl"), "").unwrap();
        assert!(!EventFile::exist(folder.path()).unwrap());
        let first = EventFile::start(folder.path(), 1).unwrap();
        assert!(EventFile::exist(folder.path()).unwrap());
        let second = EventFile::start(folder.path(), 3).unwrap();
        assert!(second.path > first.path);
        let before = second.path.metadata().unwrap().len();
        second.scalars(1, 2.0, &[("train/loss", 0.5)]).unwrap();
        // Length, its checksum, checksum of the data; then time, step and summary: 9 + 2 + 2 + (2 + (2 + 10) + 5).
        assert_eq!(second.path.metadata().unwrap().len() - before, 16 + 32);
    }
}
