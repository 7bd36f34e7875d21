//! Blocks of rows for the losses that go through the classes of each row: how many rows a block has, and the working
//! memory of a thread.

use super::scores::{Scores, zeroed};
use crate::{Accum, Element};

/// Rows per block: enough that handing out the blocks costs little compared with the work on them.
pub(crate) fn rows_at_once(classes: usize) -> usize {
    (1 << 14) / classes.clamp(1, 1 << 14)
}

/// Working memory of a thread.
pub(crate) struct Working<A> {
    /// Copy of a row of logits, used if they are of another type or not contiguous. Shape `[d]`.
    pub(crate) logits: Vec<A>,
    /// A row of terms or of the gradient, used if it cannot be computed in the gradient's own memory. Shape `[d]`.
    pub(crate) terms: Vec<A>,
}

impl<A: Accum> Working<A> {
    pub(crate) fn new<E: Element<Accum = A>>(scores: &Scores<'_, E>) -> Self {
        Working { logits: zeroed(scores.classes()), terms: zeroed(scores.classes()) }
    }
}
