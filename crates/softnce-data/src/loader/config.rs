//! Settings of the loader.

use serde::{Deserialize, Serialize};

use super::LoaderError;

/// How pictures are put into batches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoaderConfig {
    /// Pictures in a batch. Default: 128.
    pub batch_size: usize,
    /// Threads that prepare batches; 0: the calling thread prepares each batch on request. Default: 2.
    pub workers: usize,
    /// Batches prepared ahead of the requested one. Default: 2.
    pub prefetch: usize,
    /// Whether to leave out a last batch that is not full. Default: false.
    pub drop_last: bool,
    /// Whether each epoch has its own random order. Default: true.
    pub shuffle: bool,
    /// Seed of order, augmentation and mixing. Default: 0.
    pub seed: u64,
}

impl Default for LoaderConfig {
    fn default() -> Self {
        LoaderConfig { batch_size: 128, workers: 2, prefetch: 2, drop_last: false, shuffle: true, seed: 0 }
    }
}

/// Largest number of threads and of batches ahead; a larger one is a mistake.
const MOST: usize = 1024;

impl LoaderConfig {
    pub(super) fn check(&self) -> Result<(), LoaderError> {
        let settings = [
            ("batch_size", self.batch_size, self.batch_size > 0, "at least one picture"),
            ("workers", self.workers, self.workers <= MOST, "at most 1024 threads"),
            ("prefetch", self.prefetch, self.prefetch <= MOST, "at most 1024 batches"),
        ];
        match settings.into_iter().find(|(_, _, fits, _)| !fits) {
            Some((argument, value, _, expected)) => Err(LoaderError::Setting { argument, value, expected }),
            None => Ok(()),
        }
    }
}
