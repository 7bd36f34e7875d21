//! The steps from a batch to its plan.

use super::listing::Listing;
use super::merge::merge;
use super::merged::Plan;
use crate::{Accum, Batch};

impl<A: Accum> Plan<A> {
    /// The plan for a batch of compact and hard candidates over `classes` classes.
    pub(crate) fn over_all(batch: &Batch<'_>, classes: usize, positives: &[usize]) -> Self {
        let (lowest, highest) = batch.extent_of_shares();
        // Shares that were meant to be equal may differ by rounding.
        let equal_shares = highest - lowest <= 1e-14;
        let mut listing = Listing::new(batch, equal_shares);
        let columns = listing.take_lines(classes);
        let mut plan = merge(batch, &listing, columns, positives);
        plan.share_extent = highest - lowest;
        plan.mark_folds();
        plan
    }
}
