//! The allocator: pages that are kept, and the peak of what is allocated.

use softnce_bench::AllocatedBytes;
use softnce_train::compare::PeakMemory;

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

/// The peak counted by the program's allocator: of a run that is compared, or of a call that is measured.
pub struct AllocatorPeak;

impl PeakMemory for AllocatorPeak {
    fn reset(&self) {
        crate::ALLOCATOR.reset_peak_usage();
    }

    fn peak(&self) -> u64 {
        crate::ALLOCATOR.peak_usage() as u64
    }
}

impl AllocatedBytes for AllocatorPeak {
    fn reset(&self) {
        crate::ALLOCATOR.reset_peak_usage();
    }

    fn peak(&self) -> u64 {
        crate::ALLOCATOR.peak_usage() as u64
    }
}
