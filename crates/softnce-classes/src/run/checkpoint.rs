//! The last checkpoint of a run.

use std::path::Path;

use serde::{Deserialize, Serialize};
use softnce_data::candidates::QueueState;
use softnce_rows::RowStore;
use softnce_store::{Folder, StoreError, read_json};

use crate::ClassesError;
use crate::model::TemperatureState;
use crate::results::Evaluation;

/// The file of the checkpoint.
pub(super) const LAST: &str = "last.json";

const REMEDY: &str = "remove the folder to start again, or name another one with --out";

/// Everything of a run beside its tables.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// Steps that are done: the generation of the tables.
    pub(super) step: u64,
    /// Seconds of training, without evaluations.
    pub(super) seconds: f64,
    /// The learned temperature.
    pub(super) temperature: Option<TemperatureState>,
    /// The targets of past batches.
    pub(super) queue: Option<QueueState>,
    /// Loss of the steps since the last evaluation: sum and number.
    pub(super) losses: (f64, u64),
    /// What is probably a mistake in the recipe; none before the first step.
    #[serde(default)]
    pub(super) warnings: Option<Vec<String>>,
    /// The evaluations so far.
    pub(super) history: Vec<Evaluation>,
}

impl Checkpoint {
    /// The last checkpoint in a folder; the start of a run if there is none.
    pub(super) fn read(folder: &Path) -> Result<Self, StoreError> {
        Ok(read_json(&folder.join(LAST), REMEDY)?.unwrap_or_default())
    }

    /// Commits the tables and the checkpoint together.
    pub(super) fn write(&self, folder: &Folder, store: &mut RowStore) -> Result<(), ClassesError> {
        if store.generation() == self.step {
            return Ok(folder.write_sealed_json(LAST, self)?);
        }
        store.prepare(self.step)?;
        if let Err(error) = folder.write_sealed_json(LAST, self) {
            store.cancel()?;
            return Err(error.into());
        }
        Ok(store.apply()?)
    }
}
