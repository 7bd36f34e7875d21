//! The networks.

mod mlp;

pub use mlp::{Mlp, MlpConfig};
