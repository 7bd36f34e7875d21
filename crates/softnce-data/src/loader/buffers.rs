//! Memory of used batches, for new ones.

use std::sync::{Mutex, PoisonError};

/// A few buffers for reuse.
#[derive(Debug)]
pub(super) struct Buffers {
    free: Mutex<Vec<Vec<f32>>>,
    most: usize,
}

impl Buffers {
    /// Keeps at most `most` buffers.
    pub(super) fn new(most: usize) -> Self {
        Buffers { free: Mutex::default(), most }
    }

    /// A buffer of this length with arbitrary values.
    pub(super) fn take(&self, length: usize) -> Vec<f32> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = free.iter().position(|buffer| buffer.capacity() >= length);
        let found = fitting.map(|place| free.swap_remove(place));
        drop(free);
        // The system zeroes new memory page by page, when it is first written.
        let Some(mut buffer) = found else { return vec![0.0; length] };
        buffer.resize(length, 0.0);
        buffer
    }

    pub(super) fn put(&self, buffer: Vec<f32>) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < self.most {
            free.push(buffer);
        }
    }
}
