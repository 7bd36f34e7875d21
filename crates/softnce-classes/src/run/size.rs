//! What a run takes, before it is started.

use softnce_rows::{Element, MatrixSpec, Place};

use super::build::{ClassesData, Parts};
use crate::ClassesError;
use crate::recipe::ClassesRecipe;

/// What a run takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Weights that are trained.
    pub parameters: u64,
    /// Bytes of memory: tables in memory, the noise distribution, and the rows that change until a checkpoint.
    pub memory: u64,
    /// Bytes on the disk, at most: all tables, and a journal of all rows that changed. Rows that never change take none.
    pub disk: u64,
}

/// Bytes of memory for each class beyond the tables: its frequency, its noise probability and its column of the sampler.
const BYTES_A_CLASS: u64 = 32;

impl Size {
    /// The size of a run.
    ///
    /// # Errors
    /// Data and encoder that do not fit together.
    pub fn new(recipe: &ClassesRecipe, data: &ClassesData) -> Result<Self, ClassesError> {
        let matrices = Parts::matrices(recipe, data)?;
        let bytes = |matrix: &MatrixSpec| (matrix.rows * matrix.width * matrix.element.size()) as u64;
        let values = |matrix: &MatrixSpec| (matrix.rows * matrix.width) as u64;
        let weights = matrices.iter().filter(|matrix| matrix.name.ends_with("-weights"));
        let in_memory =
            matrices.iter().filter(|matrix| matrix.place == Place::Memory || matrix.element == Element::U32);
        let tables: u64 = matrices.iter().map(bytes).sum();
        let changed = (recipe.training.changed_mib as u64) << 20;
        Ok(Size {
            parameters: weights.map(values).sum(),
            memory: in_memory.map(bytes).sum::<u64>()
                + BYTES_A_CLASS * data.train.classes() as u64
                + changed.min(tables),
            disk: 2 * tables,
        })
    }

    /// Refuses a run that takes more memory than is available.
    ///
    /// # Errors
    /// More than is available; `available` is `None` where the system does not say.
    pub fn check_memory(&self, available: Option<u64>) -> Result<(), ClassesError> {
        match available.filter(|&available| self.memory > available) {
            Some(available) => Err(ClassesError::setting(
                "memory of the run",
                format!("about {} MiB", self.memory >> 20),
                format!(
                    "at most {} MiB, as available; head.storage.place = \"disk\", head.storage.weights = \"bf16\" or another \
                     optimizer.kind take less, --force tries it all the same",
                    available >> 20
                ),
            )),
            None => Ok(()),
        }
    }
}
