//! Describes a set: figures, and some of its pictures side by side.

mod describe;
mod error;
mod sheet;

pub use describe::{SetInfo, SizeSpread, describe};
pub use error::InfoError;
pub use sheet::{contact_sheet, png, write_png};
