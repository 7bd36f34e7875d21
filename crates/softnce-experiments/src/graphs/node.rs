//! A node of a graph, as its files have it.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use softnce_store::StoreError;

use crate::StudyError;

/// What a node is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeSplit {
    /// Its label is learned from.
    Train,
    /// Its label chooses the settings.
    Validation,
    /// Its label tests.
    Test,
}

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// Its class; none if it is unknown.
    pub(super) label: Option<usize>,
    pub(super) part: Option<NodeSplit>,
    /// Its features with their values above 0, in the order of the features.
    pub(super) features: Vec<(usize, f32)>,
}

/// What the files of a graph hold.
pub(super) struct Nodes {
    pub(super) nodes: Vec<Node>,
    /// Pairs of nodes. A pair may occur more than once, in either order, and a node may be paired with itself.
    pub(super) edges: Vec<(usize, usize)>,
    /// Number of features.
    pub(super) width: usize,
}

/// Adds the path to an error of the system.
pub(super) fn failed(path: &Path) -> impl FnOnce(io::Error) -> StudyError {
    move |source| StoreError::file("read", path)(source).into()
}
