//! Rows with sparse or dense inputs and weighted labels: files, text, and generated rows.
//!
//! - [`Source`]: rows that are read one by one into an [`Example`], from several threads at a time; [`Subset`]: some of
//!   the rows of another source; [`class_mass`], [`relevant_counts`]: how often each class occurs.
//! - [`Minibatch`]: the inputs of some rows as a matrix or as bags, and their labels as [`softnce::Targets`].
//! - [`Order`]: the shuffled order of an epoch, which takes no memory and can be entered at any place.
//! - [`MemoryRows`]: rows in memory.
//! - [`FeatureRows`]: rows of features in `.npy` and `.safetensors` files.
//! - [`generated`]: clustered classes of a long tail, whose posterior is known, in any number.
//! - [`mulan`]: sets with several labels a row in Mulan's files.
//! - [`sparse_text`]: the text format of the Extreme Classification Repository and of LIBSVM.
//! - [`text`]: labelled text as hashed n-grams, and the next word of running text.

mod error;
mod example;
mod features;
pub mod generated;
mod lines;
mod memory;
mod minibatch;
pub mod mulan;
mod order;
mod source;
pub mod sparse_text;
pub mod text;

pub use error::DataError;
pub use example::Example;
pub use features::FeatureRows;
pub use memory::MemoryRows;
pub use minibatch::{Bags, InputRows, Minibatch};
pub use order::Order;
pub(crate) use source::class_totals;
pub use source::{Inputs, Source, Subset, class_mass, relevant_counts};
