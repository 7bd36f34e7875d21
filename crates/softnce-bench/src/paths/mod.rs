//! The calls that are measured, and the data they are made on.

mod output;
mod products;
mod reference;
mod workload;

pub use output::{Kept, Output};
pub use workload::Workload;
