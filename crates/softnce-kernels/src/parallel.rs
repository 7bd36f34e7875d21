//! Work shared among the threads of rayon's current pool.
//!
//! What the parts are never depends on the number of threads, and no part's result on another's: with any number of
//! threads the results are the same, bit for bit.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Work that takes less than waking another thread, in vector operations: some twenty microseconds of them.
pub const WAKING: usize = 30_000;
/// The same where the threads read what another has just written, which comes to them line by line.
pub const SHARING: usize = 300_000;

/// How many threads `work` vector operations in so many parts are worth, where less than `least` is worth one alone.
pub fn threads_for(work: usize, least: usize, parts: usize) -> usize {
    if work < least { 1 } else { rayon::current_num_threads().min(parts).max(1) }
}

/// Hands the parts to the threads; each thread has working memory of its own from `init`.
///
/// The calling thread works too. Every thread has a stretch of the parts to itself, so that in the next call it finds the
/// same memory in its own cache; one that is done helps the others from their far ends. Errors of the parts come back; of
/// several the first part's.
pub fn for_each<T: Send, W, E: Send>(
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
    let parts: Vec<_> = parts.collect();
    let stretch = parts.len().div_ceil(threads).max(1);
    let mut parts = parts.into_iter();
    let stretches: Vec<Mutex<VecDeque<(usize, T)>>> =
        (0..threads).map(|_| Mutex::new(parts.by_ref().take(stretch).collect())).collect();
    let failed: Mutex<Option<(usize, E)>> = Mutex::new(None);
    // A panic elsewhere leaves a stretch as it was.
    let take = |thread: usize, own: bool| {
        let mut stretch = stretches[thread].lock().unwrap_or_else(PoisonError::into_inner);
        if own { stretch.pop_front() } else { stretch.pop_back() }
    };
    let one = |thread: usize| {
        let mut own = init();
        loop {
            let others = (1..threads).map(|step| (thread + step) % threads);
            let next = take(thread, true).or_else(|| others.into_iter().find_map(|other| take(other, false)));
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
        let one = &one;
        for thread in 1..threads {
            scope.spawn(move |_| one(thread));
        }
        one(0);
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
