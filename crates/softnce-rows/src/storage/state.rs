//! Which generation the files of a store hold.

use std::path::Path;

use serde::{Deserialize, Serialize};
use softnce_store::{StoreError, checksum_of, read_json, write_sealed_json};

use super::spec::MatrixSpec;

/// The file of the state.
pub(super) const STATE: &str = "rows.json";
/// The version of this format, and of the matrices' files.
const FORMAT: u32 = 1;
const REMEDY: &str = "restore the checkpoint and this folder from the same copy";

/// What the files of a store hold.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    format: u32,
    pub(super) generation: u64,
    /// The generation whose rows are being written, so that any part of them may be in the files.
    pub(super) applying: Option<u64>,
    pub(super) matrices: Vec<MatrixSpec>,
}

impl State {
    pub(super) fn new(generation: u64, applying: Option<u64>, matrices: Vec<MatrixSpec>) -> Self {
        State { format: FORMAT, generation, applying, matrices }
    }

    /// The state of a store.
    pub(super) fn read(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(STATE);
        let Some(state) = read_json::<State>(&path, REMEDY)? else {
            return Err(StoreError::Missing { path: folder.to_owned(), missing: STATE, remedy: REMEDY });
        };
        // A checksum whose key is damaged counts as none.
        if checksum_of(&path, REMEDY)?.is_none() {
            return Err(StoreError::Invalid { path, reason: "it holds no checksum".to_owned(), remedy: REMEDY });
        }
        if state.format != FORMAT {
            let reason = format!("its format is {}, expected {FORMAT}", state.format);
            return Err(StoreError::Invalid { path, reason, remedy: "use the version of softnce that wrote it" });
        }
        Ok(state)
    }

    /// Writes it, atomically.
    pub(super) fn write(&self, folder: &Path) -> Result<(), StoreError> {
        write_sealed_json(&folder.join(STATE), self)
    }
}
