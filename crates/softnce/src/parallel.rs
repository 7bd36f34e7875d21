//! Work shared among the threads of rayon's current pool.
//!
//! What the parts are never depends on the number of threads, and no part's result on another's: with any number of
//! threads the results are the same, bit for bit.

use std::sync::{Mutex, PoisonError};

/// Work that takes less than waking another thread, in vector operations: some twenty microseconds of them.
const ALONE: usize = 30_000;

/// How many threads `work` vector operations in so many parts are worth.
pub(crate) fn threads_for(work: usize, parts: usize) -> usize {
    if work < ALONE { 1 } else { rayon::current_num_threads().min(parts).max(1) }
}

/// Hands the parts one by one to the threads; each thread has working memory of its own from `init`.
///
/// The calling thread works too. Errors of the parts come back; of several the first part's.
pub(crate) fn for_each<T: Send, W, E: Send>(
    threads: usize,
    parts: impl Iterator<Item = T> + Send,
    init: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, T) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let mut parts = parts.enumerate();
    if threads <= 1 {
        let mut own = init();
        return parts.try_for_each(|(_, part)| work(&mut own, part));
    }
    let parts = Mutex::new(parts);
    let failed: Mutex<Option<(usize, E)>> = Mutex::new(None);
    let one = || {
        let mut own = init();
        loop {
            // A panic elsewhere leaves the iterator as it was.
            let next = parts.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((number, part)) = next else { return };
            if let Err(error) = work(&mut own, part) {
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                if failed.as_ref().is_none_or(|(first, _)| number < *first) {
                    *failed = Some((number, error));
                }
            }
        }
    };
    rayon::in_place_scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| one());
        }
        one();
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn every_part_is_worked_once() {
        for threads in [1, 2, 5] {
            let mut seen = vec![0; 1000];
            for_each(
                threads,
                seen.iter_mut(),
                || 0,
                |_, part| {
                    *part += 1;
                    Ok::<(), ()>(())
                },
            )
            .unwrap();
            assert!(seen.iter().all(|&times| times == 1));
        }
    }

    #[test]
    fn the_first_error_comes_back() {
        for threads in [1, 3] {
            let worked = AtomicUsize::new(0);
            let outcome = for_each(
                threads,
                0..100,
                || (),
                |(), part| {
                    worked.fetch_add(1, Ordering::Relaxed);
                    if part % 7 == 6 { Err(part) } else { Ok(()) }
                },
            );
            assert_eq!(outcome, Err(6));
            assert!(worked.load(Ordering::Relaxed) >= 7);
        }
    }
}
