//! Requests to the operating system and the C library: large pages, and an allocator that keeps freed memory in the
//! process.

/// From this size on, in bytes, large pages are asked for.
#[cfg(target_os = "linux")]
const LARGE: usize = 4 << 20;

/// Asks Linux for large pages under values that are about to be written; elsewhere, and for small slices, nothing happens.
///
/// Pages that were written before stay as they are.
#[cfg_attr(not(target_os = "linux"), allow(unused_variables))]
pub fn advise_large_pages<E>(values: &[E]) {
    #[cfg(all(target_os = "linux", not(miri)))]
    {
        const PAGE: usize = 4096;
        let bytes = size_of_val(values);
        if bytes < LARGE {
            return;
        }
        let start = values.as_ptr().addr().next_multiple_of(PAGE);
        let length = values.as_ptr().addr() + bytes - start;
        // SAFETY: the range lies inside the slice, and this advice changes no content. If the system refuses it, nothing
        // happens.
        #[allow(unsafe_code)]
        unsafe {
            libc::madvise(std::ptr::with_exposed_provenance_mut(start), length, libc::MADV_HUGEPAGE);
        }
    }
}

/// Lets the allocator keep freed memory in the process instead of returning it to the system after every tensor; new
/// pages cost more time than what is written on them.
///
/// Returns whether the settings were made: only with glibc on Linux, and only while the process has a single thread. Call
/// it first in `main`.
pub fn keep_freed_memory() -> bool {
    #[cfg(all(target_os = "linux", target_env = "gnu", not(miri)))]
    if std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1) {
        // Blocks up to the largest size that glibc allows here come from the heap, not from a mapping of their own.
        const MAPPING_THRESHOLD: libc::c_int = 32 << 20;
        // SAFETY: mallopt only sets parameters of the allocator. It must not run beside another thread that allocates, and
        // this process has no other thread.
        #[allow(unsafe_code)]
        let set = unsafe {
            [
                libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPING_THRESHOLD),
                libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX),
                libc::mallopt(libc::M_TOP_PAD, 64 << 20),
            ]
        };
        return set == [1; 3];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_changes_no_content() {
        for bytes in [0, 1, 5 << 20] {
            let values = vec![7_u8; bytes];
            advise_large_pages(&values);
            // A slice that begins inside a page.
            advise_large_pages(values.get(3..).unwrap_or_default());
            assert!(values.iter().all(|&value| value == 7));
        }
    }

    #[test]
    fn the_allocator_is_left_alone_once_there_are_threads() {
        // The test harness runs this test on a thread of its own.
        assert!(std::thread::spawn(|| !keep_freed_memory()).join().unwrap());
    }
}
