//! What a set holds: figures, and some of its pictures side by side.

mod describe;
mod error;
mod sheet;

pub use describe::{SetInfo, Spread, describe};
pub use error::InfoError;
pub use sheet::{contact_sheet, png, write_png};
