//! Runs: training, evaluation, prediction and export of one recipe, in a folder that holds everything.
//!
//! - [`Run`]: a recipe with its data, network and folder; [`Run::train`] starts or continues it.
//! - [`RunData`]: the pictures and labels of a recipe.
//! - [`TrainState`]: all that a step changes; a checkpoint is this, written atomically.

mod adjustment;
mod bad_pictures;
mod best;
mod candidates;
mod changes;
mod checkpoint;
mod checks;
mod data;
mod epoch;
mod error;
mod evaluate;
mod export;
mod files;
mod fingerprints;
mod finish;
mod fitted;
mod history;
mod initial;
mod manifest;
mod meter;
mod plan;
mod progress;
mod queue;
mod setup;
mod state;
mod step;
mod summary;
mod times;
mod train;
mod trained;
mod usable;
mod wall;

pub(crate) use changes::unaffected;
pub use checks::notes;
pub use data::{Labelled, RunData};
pub use error::RunError;
pub use evaluate::{TestResult, test_network};
pub use export::ExportFormat;
pub use files::{BEST, LAST};
pub use fingerprints::Fingerprints;
pub use initial::{InitialWeights, weights_file};
pub use manifest::RunInfo;
pub(crate) use manifest::RunManifest;
pub use plan::Plan;
pub use progress::{Progress, StepReport};
pub use state::TrainState;
pub use summary::Summary;
pub use times::Times;
pub use train::{Outcome, Run};
pub use trained::{Scores, TrainedRun};
pub use usable::LeftOut;

pub use softnce_nn::models::Library;
