//! The loss module: one implementation for all losses.

mod config;
mod head;
mod module;

pub use config::{ComputePath, LossConfig};
pub use head::{HeadOutput, HeadRows};
pub use module::LossModule;
