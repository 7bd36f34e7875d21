//! What the reports of softnce are made of.
//!
//! - [`panel`], [`standalone`], [`sheet()`]: a drawing as inline SVG, as a file of its own, several in one file; [`Area`],
//!   [`x_axis`], [`y_axis`].
//! - [`Scale`], [`Ticks`]: from values to coordinates, and round values on the way.
//! - [`Look`]: colour, dash and shape, so that no figure depends on colour alone; [`marker`], [`line()`], [`whisker`],
//!   [`interval`], [`legend`].
//! - [`page`]: the frame, sections, figures and tables of a page in one file.
//! - [`number`]: numbers as readers expect them.

#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod drawing;
mod look;
mod mark;
pub mod number;
pub mod page;
mod scale;
mod sheet;

pub use drawing::{Area, WIDTH, panel, px, standalone, x_axis, y_axis};
pub use look::{Look, Shape};
pub use mark::{band, interval, legend, legend_height, line, marker, swatch, upright, whisker};
pub use scale::{Scale, Ticks, byte_ticks, log_ticks, spread, ticks};
pub use sheet::sheet;
