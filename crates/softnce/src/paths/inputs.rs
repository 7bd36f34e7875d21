//! What the paths read.

use super::scores::Scores;
use crate::{Batch, Element};

/// The scores and the label side of consecutive rows, checked.
#[derive(Clone, Copy)]
pub struct Inputs<'a, E: Element> {
    pub(crate) scores: &'a Scores<'a, E>,
    pub(crate) batch: &'a Batch<'a>,
    /// Each row's positive among the candidates. Shape `[N]`.
    pub(crate) positives: &'a [usize],
}
