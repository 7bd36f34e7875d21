//! Time and memory of calls that take turns.

mod memory;
mod plan;
mod rounds;

pub use memory::AllocatedBytes;
pub(crate) use memory::extra_bytes;
pub(crate) use plan::{Plan, time_of_a_call};
pub(crate) use rounds::rounds;
