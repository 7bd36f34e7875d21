//! The settings of the loader.

use serde::{Deserialize, Serialize};

use super::LoaderError;

/// How pictures are put into batches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoaderConfig {
    /// Pictures a batch. Default: 128.
    pub batch_size: usize,
    /// Threads that make batches; 0: the calling thread makes each when it is asked for. Default: 2.
    pub workers: usize,
    /// Batches made ahead of the one asked for. Default: 2.
    pub prefetch: usize,
    /// Whether a last batch that is not full is left out. Default: false.
    pub drop_last: bool,
    /// Whether every epoch has an order of its own. Default: true.
    pub shuffle: bool,
    /// Seed of the order, the augmentation and the mixing. Default: 0.
    pub seed: u64,
}

impl Default for LoaderConfig {
    fn default() -> Self {
        LoaderConfig { batch_size: 128, workers: 2, prefetch: 2, drop_last: false, shuffle: true, seed: 0 }
    }
}

/// More threads than this, or more batches ahead, are a slip of the pen.
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
