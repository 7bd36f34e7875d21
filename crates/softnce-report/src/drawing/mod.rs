//! Drawings as SVG: frames and axes, scales, marks, several panels in one file.

mod frame;
mod look;
mod mark;
mod scale;
mod sheet;

pub(crate) use frame::STYLE;
pub use frame::{Area, WIDTH, panel, px, standalone, x_axis, y_axis};
pub use look::{Look, SERIES, Shape};
pub use mark::{band, interval, legend, legend_height, line, marker, swatch, tipped, tips, upright, whisker};
pub use scale::{Scale, Ticks, byte_ticks, extent, log_ticks, spread, ticks};
pub use sheet::sheet;
