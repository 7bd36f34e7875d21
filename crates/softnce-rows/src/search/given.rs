//! Pairs of a query and a class whose scores are asked for.

use std::ops::Range;

use crate::RowsError;

/// One of the pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub class: u32,
    pub query: u32,
    /// Its place in the list that was asked for.
    place: usize,
}

/// Pairs by block of classes and by query, so that a block finds its own in one range.
#[derive(Debug)]
pub(super) struct Pairs(Vec<Pair>);

impl Pairs {
    /// Sorts the pairs.
    ///
    /// # Errors
    /// A query or a class that does not exist.
    pub(super) fn new(
        pairs: &[(usize, u32)],
        queries: usize,
        classes: usize,
        block_rows: usize,
    ) -> Result<Self, RowsError> {
        let mut sorted = Vec::with_capacity(pairs.len());
        for (place, &(query, class)) in pairs.iter().enumerate() {
            if query >= queries || class as usize >= classes {
                let found = format!("query {query}, class {class} at {place}");
                let expected = format!("queries of 0..{queries} and classes of 0..{classes}");
                return Err(RowsError::argument("pairs", found, expected));
            }
            sorted.push(Pair { class, query: query as u32, place });
        }
        sorted.sort_unstable_by_key(|pair| (pair.class as usize / block_rows, pair.query, pair.class, pair.place));
        Ok(Pairs(sorted))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Those whose classes are these, which make up a block, in the order of the queries.
    pub(super) fn of_block(&self, classes: &Range<usize>) -> &[Pair] {
        let start = self.0.partition_point(|pair| (pair.class as usize) < classes.start);
        let end = self.0.partition_point(|pair| (pair.class as usize) < classes.end);
        &self.0[start..end]
    }

    /// Scores in the order of [`of_block`](Self::of_block), block after block, to the order of the list.
    pub(super) fn in_order(&self, scores: &[f32]) -> Vec<f32> {
        let mut ordered = vec![0.0; scores.len()];
        self.0.iter().zip(scores).for_each(|(pair, &score)| ordered[pair.place] = score);
        ordered
    }
}
