//! The rows that changed since the last commit.

use std::collections::HashMap;
use std::ops::Range;

use crate::RowsError;

/// A set of rows: one bit for each row of the matrix.
#[derive(Debug)]
pub(super) struct RowSet {
    words: Vec<u64>,
    count: usize,
}

impl RowSet {
    /// The empty set for a matrix of so many rows.
    pub(super) fn new(rows: usize) -> Self {
        RowSet { words: vec![0; rows.div_ceil(64)], count: 0 }
    }

    pub(super) fn insert(&mut self, row: u32) {
        let (word, bit) = (&mut self.words[row as usize / 64], 1 << (row % 64));
        self.count += usize::from(*word & bit == 0);
        *word |= bit;
    }

    pub(super) fn contains(&self, row: u32) -> bool {
        self.words[row as usize / 64] & (1 << (row % 64)) != 0
    }

    /// How many rows are in it.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn clear(&mut self) {
        self.words.fill(0);
        self.count = 0;
    }

    /// Those of these rows that are in it, ascending.
    pub(super) fn within(&self, rows: Range<usize>) -> impl Iterator<Item = u32> + '_ {
        let words = rows.start / 64..rows.end.div_ceil(64);
        let words = (words.start..).zip(&self.words[words]);
        let all = words.flat_map(|(number, &word)| {
            let next = |&left: &u64| Some(left & left.wrapping_sub(1)).filter(|&left| left != 0);
            let lefts = std::iter::successors(Some(word).filter(|&word| word != 0), next);
            lefts.map(move |left| number * 64 + left.trailing_zeros() as usize)
        });
        all.skip_while(move |&row| row < rows.start).take_while(move |&row| row < rows.end).map(|row| row as u32)
    }
}

/// About so many bytes are allocated at once: growing one vector would copy it, and need both copies for a moment.
const CHUNK: usize = 1 << 20;

/// The new content of rows whose file still has the old one.
#[derive(Debug)]
pub(super) struct Overlay {
    row_bytes: usize,
    /// Rows of a chunk.
    chunk_rows: usize,
    chunks: Vec<Vec<u8>>,
    /// Where the content of each row is, counted in rows.
    slots: HashMap<u32, u32>,
}

impl Overlay {
    pub(super) fn new(row_bytes: usize) -> Self {
        let chunk_rows = (CHUNK / row_bytes).max(1);
        Overlay { row_bytes, chunk_rows, chunks: Vec::new(), slots: HashMap::new() }
    }

    /// Makes room for so many more rows.
    ///
    /// # Errors
    /// Memory that the system refuses.
    pub(super) fn reserve(&mut self, more: usize) -> Result<(), RowsError> {
        let refused = |bytes: usize| RowsError::Memory { purpose: "changed rows", bytes: bytes as u64 };
        self.slots.try_reserve(more).map_err(|_| refused(more * size_of::<(u32, u32)>()))?;
        let chunk = self.chunk_rows * self.row_bytes;
        while self.chunks.len() * self.chunk_rows < self.slots.len() + more {
            self.chunks.push(bytemuck::allocation::try_zeroed_vec(chunk).map_err(|()| refused(chunk))?);
        }
        Ok(())
    }

    /// Sets the content of a row, for which there is room.
    pub(super) fn set(&mut self, row: u32, content: &[u8]) {
        let next = self.slots.len() as u32;
        let slot = *self.slots.entry(row).or_insert(next) as usize;
        let start = slot % self.chunk_rows * self.row_bytes;
        if let Some(chunk) = self.chunks.get_mut(slot / self.chunk_rows) {
            chunk[start..start + self.row_bytes].copy_from_slice(content);
        }
    }

    /// The content of a row; `None` if it did not change.
    pub(super) fn get(&self, row: u32) -> Option<&[u8]> {
        let slot = *self.slots.get(&row)? as usize;
        let start = slot % self.chunk_rows * self.row_bytes;
        self.chunks.get(slot / self.chunk_rows)?.get(start..start + self.row_bytes)
    }

    /// Bytes of memory that it takes.
    pub(super) fn memory(&self) -> u64 {
        // The standard table: a pair and one byte for each place.
        let table = self.slots.capacity() * (size_of::<(u32, u32)>() + 1);
        (self.chunks.len() * self.chunk_rows * self.row_bytes + table) as u64
    }

    /// Forgets all rows, and frees their memory.
    pub(super) fn clear(&mut self) {
        *self = Overlay::new(self.row_bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::collection::{btree_set, vec};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_of_rows_is_that_of_the_standard_library(
            rows in 1..300_u32,
            picks in vec(any::<u32>(), 0..80),
            ends in any::<[u32; 2]>(),
        ) {
            let mut set = RowSet::new(rows as usize);
            let expected: BTreeSet<u32> = picks.iter().map(|pick| pick % rows).collect();
            picks.iter().for_each(|pick| set.insert(pick % rows));
            prop_assert_eq!(set.len(), expected.len());
            prop_assert!((0..rows).all(|row| set.contains(row) == expected.contains(&row)));
            let mut ends = ends.map(|end| end % (rows + 1));
            ends.sort();
            let found: Vec<u32> = set.within(ends[0] as usize..ends[1] as usize).collect();
            let expected: Vec<u32> = expected.range(ends[0]..ends[1]).copied().collect();
            prop_assert_eq!(found, expected);
            set.clear();
            prop_assert_eq!((set.len(), set.within(0..rows as usize).count()), (0, 0));
        }

        #[test]
        fn an_overlay_keeps_the_last_content_of_each_row(batches in vec(btree_set(0..50_u32, 0..20), 0..8)) {
            // Three rows a chunk.
            let mut overlay = Overlay::new(CHUNK / 3);
            let mut expected = BTreeMap::new();
            for (number, rows) in batches.iter().enumerate() {
                overlay.reserve(rows.len()).unwrap();
                for &row in rows {
                    overlay.set(row, &vec![number as u8; CHUNK / 3]);
                    expected.insert(row, number as u8);
                }
            }
            for row in 0..50 {
                let found = overlay.get(row).map(|content| (content.len(), content[0], content[CHUNK / 3 - 1]));
                prop_assert_eq!(found, expected.get(&row).map(|&number| (CHUNK / 3, number, number)));
            }
        }
    }
}
