//! How a study ended.

/// How a study ended.
#[derive(Debug)]
pub enum Outcome<T> {
    /// All trainings are there and the page is written.
    Finished(T),
    /// Stopped, or out of time; what is finished is kept, and the same command continues after it.
    Interrupted {
        /// Parts finished.
        finished: usize,
        /// Parts planned.
        planned: usize,
    },
}
