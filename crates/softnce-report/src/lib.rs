//! Reports: figures, tables and HTML pages from results.
//!
//! - [`results`]: the data structures that hold the results of a run and of a comparison of losses.
//! - [`run`], [`comparison`]: their pages, tables and data files.
//! - [`drawing`]: drawings as inline SVG, as SVG files, or several in one SVG file; scales, axes and marks. Its items
//!   are re-exported from the root of this crate.
//! - [`page`]: HTML pages, each a single file: frame, sections, figures and tables.
//! - [`table`]: tables for a terminal.
//! - [`number`]: formatting of numbers.
//! - [`protocol`]: how a recipe trains and evaluates, for the sentences of the pages.

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
pub mod protocol;
pub mod results;
pub mod run;
pub mod table;
#[cfg(test)]
mod wellformed;

pub use drawing::{
    Area, Look, SERIES, Scale, Shape, Ticks, WIDTH, band, byte_ticks, extent, interval, legend, legend_height, line,
    log_ticks, marker, panel, px, sheet, spread, standalone, swatch, ticks, tipped, tips, upright, whisker, x_axis,
    y_axis,
};
pub use error::ReportError;
pub use format::{plus_minus, with_interval};
pub use loss::{look, row_head};
