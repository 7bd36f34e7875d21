//! Keeps other crates from implementing [`Loss`](crate::Loss).

/// A type of this crate that is a loss.
pub trait Sealed {}
