//! The commands on runs: train, eval, predict, export, recipes.

mod args;
mod eval;
mod export;
mod predict;
mod progress;
mod recipes;
mod refuse;
mod train;

pub use args::{EvalArguments, ExportArguments, PredictArguments, RecipesArguments, TrainArguments};
pub use eval::run as eval;
pub use export::run as export;
pub use predict::run as predict;
pub use recipes::run as recipes;
pub use train::run as train;
