//! What a checkpoint file holds.

use super::layout::Layout;
use super::place::Place;

/// The tensors of a file, not yet read.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) entries: Vec<Entry>,
    /// The storages.
    pub(super) places: Vec<Place>,
    /// Whether numbers have their most significant byte first.
    pub(super) big: bool,
}

/// A tensor.
#[derive(Debug)]
pub(in super::super) struct Entry {
    /// Its path in the file, joined by dots.
    pub(in super::super) name: String,
    /// Number of the dictionary that it is in.
    pub(in super::super) group: usize,
    /// Its layout and the number of its storage; or, in words, what it is if it cannot be read as numbers.
    pub(super) tensor: Result<(Layout, usize), String>,
}
