//! Convolution on slices, without im2col.
//!
//! For a stride s a picture is parted into s x s phases (the rows and columns with the same remainder), so that the
//! kernel's every entry, a *tap*, reads one phase contiguously, at a fixed distance from the place written. Phases lie
//! in zeroed planes that serve as padding. A convolution is then, place by place, a sum over planes and taps of a
//! weight times a shifted vector ([`places`]); so is its gradient by the input, with the upstream gradient as planes;
//! its gradient by the weight is a dot product of an upstream plane and a shifted plane for each weight ([`weights`]).

mod geometry;
mod passes;
mod places;
mod planes;
mod weights;

pub(crate) use geometry::Geometry;
pub(crate) use passes::{by_input, by_weight, forward};

#[cfg(test)]
mod tests;
