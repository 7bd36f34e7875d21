//! Requests to the operating system and the C library: large pages, an allocator that keeps freed memory in the process,
//! and signals that the process was started to ignore.

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

/// Whether the process ignores the hangup signal, as one that `nohup` started does.
pub fn ignores_hangup() -> bool {
    #[cfg(all(unix, not(miri)))]
    {
        let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: without a new action, the call only writes the present one, into memory of the right size. All zeros are a
        // value of this structure of integers and pointers, so it may be read even if the call fails.
        #[allow(unsafe_code)]
        let action = unsafe {
            libc::sigaction(libc::SIGHUP, std::ptr::null(), action.as_mut_ptr());
            action.assume_init()
        };
        action.sa_sigaction == libc::SIG_IGN
    }
    #[cfg(not(all(unix, not(miri))))]
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(all(unix, not(miri)))]
    fn a_process_that_nohup_started_ignores_the_hangup_signal() {
        const ASKS: &str = "SOFTNCE_KERNELS_ASKS_FOR_HANGUP";
        if std::env::var_os(ASKS).is_some() {
            println!("\nignores: {}", ignores_hangup());
            return;
        }
        let name = "a_process_that_nohup_started_ignores_the_hangup_signal";
        for (trap, expected) in [("trap '' HUP; ", true), ("trap - HUP; ", false)] {
            // A shell cannot restore a signal that whoever runs the tests ignores.
            let linux = cfg!(target_os = "linux");
            let mut command = std::process::Command::new(if linux { "env" } else { "sh" });
            if linux {
                command.args(["--default-signal=HUP", "sh"]);
            }
            let program = std::env::current_exe().unwrap();
            command.args(["-c", &format!("{trap}exec \"$0\" \"$@\"")]).arg(program).args([name, "--nocapture"]);
            let output = command.env(ASKS, "").output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains(&format!("ignores: {expected}")), "{trap}{text}");
        }
    }

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
