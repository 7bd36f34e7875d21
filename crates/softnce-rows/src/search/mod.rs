//! Search over all rows of a matrix: the largest scores, the log-sum-exp, the scores of given classes.
//!
//! - [`Scan`]: exact, in one pass over the rows.
//! - [`recall`]: how much of an exact result an approximate one holds.

mod array;
mod block;
mod given;
mod log_sum;
mod queries;
mod recall;
mod scan;
#[cfg(test)]
mod tests;
mod top;

pub use recall::recall;
pub use scan::{Scan, ScanResult};
pub use top::Top;
