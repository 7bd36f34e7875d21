//! Optimisation: the optimiser with its parameter groups, the learning-rate schedule, clipping, weight averaging.
//!
//! The updates are Burn's ([`burn::optim::AdamW`], [`burn::optim::Sgd`]); what Burn lacks is here.

mod average;
mod clip;
mod config;
mod groups;
mod kinds;
mod scaled;
mod schedule;

pub use average::WeightAverage;
pub use clip::{clip_global_norm, clip_global_norm_unread};
pub use config::{OptimizerConfig, OptimizerKind};
pub use groups::{Parameter, build};
pub(crate) use kinds::adamw;
pub use scaled::Scaled;
pub use schedule::Schedule;
