//! The comparison of losses: one recipe, the same network, data and budget under each loss, paired by seed.

mod error;
mod folder;
mod progress;
mod run;
mod trial;

pub use error::CompareError;
pub use progress::{ComparisonProgress, PeakMemory};
pub use run::{ComparisonContext, ComparisonRun, FIRST_TUNING_SEED, Outcome};
