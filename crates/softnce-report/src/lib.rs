//! Reports: figures, tables and pages from plain results.
//!
//! - [`results`]: the plain results of a run and of a comparison of losses.
//! - [`run`], [`comparison`]: their pages, tables and data files.
//! - [`drawing`]: a drawing as inline SVG, as a file of its own, several in one file; scales, axes and marks. Re-exported
//!   here.
//! - [`page`]: the frame, sections, figures and tables of a page in one file.
//! - [`table`]: tables for a terminal.
//! - [`number`]: numbers as readers expect them.

#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod comparison;
pub mod drawing;
mod error;
mod figures;
mod format;
mod loss;
pub mod number;
pub mod page;
pub mod results;
pub mod run;
pub mod table;
#[cfg(test)]
mod wellformed;

pub use drawing::{
    Area, Look, SERIES, Scale, Shape, Ticks, WIDTH, band, byte_ticks, extent, interval, legend, legend_height, line,
    log_ticks, marker, panel, px, sheet, spread, standalone, swatch, ticks, upright, whisker, x_axis, y_axis,
};
pub use error::ReportError;
pub use format::{plus_minus, with_interval};
pub use loss::look;
