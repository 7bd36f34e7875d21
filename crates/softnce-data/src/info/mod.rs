//! Describes a data set: counts, sizes, and a sheet of sample pictures.

mod describe;
mod error;
mod sheet;

pub use describe::{SetInfo, SizeSpread, describe};
pub use error::InfoError;
pub use sheet::{contact_sheet, png, thumbnail, write_png};
