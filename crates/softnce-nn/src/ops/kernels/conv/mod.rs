//! Convolution on slices, without im2col.
//!
//! With stride s, a picture is divided into s x s phases: the pixels whose row and column have the same remainders by s.
//! Each entry of the kernel, a *tap*, then reads one phase contiguously, at a fixed distance from the place that it writes.
//! Phases lie in planes whose zeros serve as padding. The convolution is a sum over planes and taps of a weight times a
//! shifted vector ([`places`]). So is the gradient with respect to the input, with the upstream gradient as planes. The
//! gradient with respect to each weight is the dot product of an upstream plane and a shifted plane ([`weights`]).

mod geometry;
mod passes;
mod places;
mod planes;
mod weights;

pub(crate) use geometry::Geometry;
pub(crate) use passes::{by_input, by_weight, forward};

#[cfg(test)]
mod tests;
