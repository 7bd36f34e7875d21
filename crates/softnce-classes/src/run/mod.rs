//! A training from its recipe to its results, in a folder that a later call continues.
//!
//! The folder holds the recipe (`run.json`), the tables in `rows/` (see [`softnce_rows::RowStore`]), the last checkpoint
//! (`last.json`), and at the end `results.json` and the files of [`crate::report`]. A checkpoint is committed by
//! `last.json`, which names the generation of the tables: a run that is killed at any moment continues from the last
//! checkpoint, with the same bits. [`TrainedRun`] opens a finished run for predictions and export.

mod batches;
mod build;
mod checkpoint;
mod evaluate;
mod export;
mod predict;
mod size;
mod sources;
#[cfg(test)]
mod tests;
mod train;

pub use build::{ClassesData, Parts};
pub use predict::TrainedRun;
pub use size::Size;
pub use train::{ClassesRun, Outcome, Progress, StepReport, is_run};

pub use crate::results::{Evaluation, RunResults};
