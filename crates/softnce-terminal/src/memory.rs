//! The allocator: pages that are kept, and the peak of what is allocated.

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

/// Keeps freed memory in the process instead of handing it back to the system after every tensor.
///
/// Where the C library is glibc, freed blocks of any size then serve the next allocation; elsewhere nothing changes.
pub fn keep_freed_pages() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code)]
    {
        // Blocks up to the largest size glibc allows come from the heap, not from a mapping of their own.
        const MAPPING_THRESHOLD: libc::c_int = 32 << 20;
        // SAFETY: mallopt only sets parameters of the allocator, and no other thread runs yet.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPING_THRESHOLD);
            libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
            libc::mallopt(libc::M_TOP_PAD, 64 << 20);
        }
    }
}
