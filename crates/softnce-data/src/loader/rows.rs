//! A batch's pixels while several threads fill them.
#![allow(unsafe_code)] // Threads that outlive the call write disjoint parts of one buffer: a copy of the batch is saved.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The rows of a batch, given out a few at a time, each once.
pub(super) struct Rows {
    /// Not touched before all chunks are gone: they write through `start`.
    pixels: Vec<f32>,
    start: *mut f32,
    row_length: usize,
    rows: usize,
    claimed: AtomicUsize,
}

// SAFETY: `start` points into `pixels`, which moves with it between threads as any vector does.
unsafe impl Send for Rows {}
// SAFETY: shared, the pixels are reached through `Chunk`s alone, whose ranges are disjoint.
unsafe impl Sync for Rows {}

impl fmt::Debug for Rows {
    /// Without the pixels, which others may be writing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rows { row_length, rows, claimed, .. } = self;
        f.debug_struct("Rows").field("rows", rows).field("row_length", row_length).field("claimed", claimed).finish()
    }
}

/// Some rows, to be written by whoever holds this.
#[derive(Debug)]
pub(super) struct Chunk {
    rows: Arc<Rows>,
    range: Range<usize>,
}

impl Rows {
    /// `pixels`: `rows * row_length` values.
    pub(super) fn new(mut pixels: Vec<f32>, row_length: usize) -> Self {
        let (rows, start) = (pixels.len() / row_length.max(1), pixels.as_mut_ptr());
        Rows { pixels, start, row_length, rows, claimed: AtomicUsize::new(0) }
    }

    /// The next rows, at most so many; `None` when all are given out.
    pub(super) fn claim(self: &Arc<Self>, most: usize) -> Option<Chunk> {
        let taken = self.claimed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |claimed| {
            (claimed < self.rows).then(|| self.rows.min(claimed.saturating_add(most.max(1))))
        });
        let start = taken.ok()?;
        let end = self.rows.min(start.saturating_add(most.max(1)));
        Some(Chunk { rows: Arc::clone(self), range: start..end })
    }

    /// The pixels, when no chunk is out any more.
    pub(super) fn into_pixels(self: Arc<Self>) -> Option<Vec<f32>> {
        Arc::into_inner(self).map(|rows| rows.pixels)
    }
}

impl Chunk {
    /// Which rows of the batch these are.
    pub(super) fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// Their pixels.
    pub(super) fn pixels(&mut self) -> &mut [f32] {
        let length = self.rows.row_length;
        // SAFETY: `range` ends within the rows, so the part lies in the vector, which does not move its values while
        // the chunk keeps `rows` alive. No other chunk has these rows, for `claim` gives each out once; the values are
        // initialised; and the vector itself is touched only by who owns `Rows` alone, when no chunk is left.
        unsafe {
            std::slice::from_raw_parts_mut(self.rows.start.add(self.range.start * length), self.range.len() * length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_given_out_once_and_all_come_back() {
        let rows = Arc::new(Rows::new(vec![0.0; 7 * 3], 3));
        let mut chunks: Vec<Chunk> = std::iter::from_fn(|| rows.claim(2)).collect();
        assert_eq!(chunks.iter().map(Chunk::range).collect::<Vec<_>>(), [0..2, 2..4, 4..6, 6..7]);
        std::thread::scope(|scope| {
            for chunk in &mut chunks {
                scope.spawn(|| {
                    let first = chunk.range().start * 3;
                    chunk.pixels().iter_mut().enumerate().for_each(|(place, pixel)| *pixel = (first + place) as f32);
                });
            }
        });
        assert!(Arc::clone(&rows).into_pixels().is_none(), "chunks are still out");
        drop(chunks);
        let pixels = rows.into_pixels().unwrap();
        assert!(pixels.into_iter().eq((0..21).map(|value| value as f32)));
    }
}
