//! What a call allocates.

use crate::Output;

/// Counts allocated memory; the program installs the allocator.
#[derive(Debug, Clone, Copy)]
pub struct AllocatedBytes {
    /// Restarts the count of the peak from what is allocated now.
    pub reset: fn(),
    /// Largest number of bytes allocated at once since the reset.
    pub peak: fn() -> u64,
}

/// Most bytes that a call has allocated at once, minus what was allocated before it and the arrays that it returns.
pub(crate) fn extra_bytes<E>(memory: AllocatedBytes, call: impl FnOnce() -> Result<Output, E>) -> Result<u64, E> {
    (memory.reset)();
    let before = (memory.peak)();
    let output = call()?;
    let peak = (memory.peak)();
    Ok(peak.saturating_sub(before).saturating_sub(output.bytes()))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU64, Ordering};

    use ndarray::Array2;

    use super::*;

    #[test]
    fn what_was_there_and_what_is_returned_do_not_count() {
        // As if every call allocated 1000 bytes, on top of 500 that are there.
        static PEAK: AtomicU64 = AtomicU64::new(9000);
        let reset = || PEAK.store(500, Ordering::Relaxed);
        let memory = AllocatedBytes { reset, peak: || PEAK.swap(1500, Ordering::Relaxed) };
        let copy =
            |entries: usize| extra_bytes(memory, || Ok::<_, Infallible>(Output::Copy(Array2::zeros((1, entries)))));
        assert_eq!(copy(10).unwrap(), 960);
        assert_eq!(copy(1000).unwrap(), 0);
    }
}
