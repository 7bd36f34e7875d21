//! Memory of batches that are done with.

use std::sync::{Mutex, PoisonError};

/// A few buffers to be used again.
#[derive(Debug)]
pub(super) struct Buffers {
    free: Mutex<Vec<Vec<f32>>>,
    most: usize,
}

impl Buffers {
    /// Keeps at most so many.
    pub(super) fn new(most: usize) -> Self {
        Buffers { free: Mutex::default(), most }
    }

    /// A buffer of this length; what it holds is to be overwritten.
    pub(super) fn take(&self, length: usize) -> Vec<f32> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = free.iter().position(|buffer| buffer.capacity() >= length);
        let found = fitting.map(|place| free.swap_remove(place));
        drop(free);
        // New memory comes zeroed from the system, page by page as it is touched.
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
