//! The peak of what is allocated, as the comparison and the benchmark ask for it.

use softnce_bench::AllocatedBytes;
use softnce_terminal::{peak_memory, reset_peak_memory};
use softnce_train::compare::PeakMemory;

/// The peak counted by the program's allocator: of a run that is compared, or of a call that is measured.
pub struct AllocatorPeak;

impl PeakMemory for AllocatorPeak {
    fn reset(&self) {
        reset_peak_memory();
    }

    fn peak(&self) -> u64 {
        peak_memory()
    }
}

impl AllocatedBytes for AllocatorPeak {
    fn reset(&self) {
        reset_peak_memory();
    }

    fn peak(&self) -> u64 {
        peak_memory()
    }
}
