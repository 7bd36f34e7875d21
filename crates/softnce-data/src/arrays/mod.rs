//! Arrays of numbers in files: NumPy's `.npy` and safetensors.

pub(crate) mod element;
mod error;
pub(crate) mod npy;
mod row_file;
pub(crate) mod safetensors;

pub(crate) use error::ArrayError;
pub(crate) use row_file::RowFile;
