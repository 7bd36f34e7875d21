//! Matrices that are kept in files, changed row by row, and committed together.

mod changes;
mod element;
mod journal;
mod matrix;
mod random;
mod safetensors;
mod spec;
mod state;
mod store;

pub(crate) use element::encode;
pub use element::{Element, Rounding};
pub use matrix::RowMatrix;
pub use safetensors::{StoredRows, write_safetensors};
pub use spec::{Init, MatrixSpec, Place};
pub use store::{Changed, RowStore};
