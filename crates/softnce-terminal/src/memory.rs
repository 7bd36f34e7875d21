//! The allocator, which counts the peak of what is allocated.

/// Counts what the program allocates, so that a report can state the peak of a run or a call.
#[global_allocator]
static ALLOCATOR: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// Starts counting the peak anew.
pub fn reset_peak_memory() {
    ALLOCATOR.reset_peak_usage();
}

/// Largest number of bytes allocated at once since the last reset.
pub fn peak_memory() -> u64 {
    ALLOCATOR.peak_usage() as u64
}
