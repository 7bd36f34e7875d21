//! One training run: a network under one loss, epoch by epoch.

mod batches;
mod error;
mod predict;
mod run;
mod settings;
mod timing;

pub use error::TrainError;
pub use predict::predict;
pub use run::{EpochRecord, Trained, train};
pub use settings::{TrainingSettings, build_loss};
