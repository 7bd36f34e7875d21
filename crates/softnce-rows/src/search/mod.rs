//! Search over all rows of a matrix: the largest scores, the log-sum-exp, the scores of given classes.
//!
//! - [`Scan`]: exact, in one pass over the rows.
//! - `IndexBuilder`, `ApproximateIndex`, with the feature `hnsw`: the largest scores found in a graph, without a pass over
//!   all rows.
//! - [`recall`]: how much of an exact result an approximate one holds.

#[cfg(feature = "hnsw")]
mod approximate;
#[cfg(all(test, feature = "hnsw"))]
mod approximate_tests;
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

#[cfg(feature = "hnsw")]
pub use approximate::{ApproximateIndex, IndexBuilder};
pub use recall::recall;
pub use scan::{Scan, ScanResult};
pub use top::Top;
