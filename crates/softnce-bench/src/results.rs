//! What a measurement writes down: plain data, the schema of `results.json`.

use serde::{Deserialize, Serialize};
use softnce_metrics::Spread;

use crate::{BenchSettings, Case, Machine, Path};

/// One path at one case with one number of threads: an entry of `results.json`, a row of `results.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// Rows of the logits, N.
    pub n: usize,
    /// Candidate targets, M.
    pub m: usize,
    /// Classes, d.
    pub d: usize,
    /// Width of the features of a linear head, D; `None` if the logits are given.
    pub features: Option<usize>,
    /// Number of threads.
    pub threads: usize,
    /// The path.
    pub path: Path,
    /// Median of the samples, in milliseconds a call.
    pub median_ms: f64,
    /// Smallest sample.
    pub min_ms: f64,
    /// A quarter of the samples lies below.
    pub lower_quartile_ms: f64,
    /// Three quarters of the samples lie below.
    pub upper_quartile_ms: f64,
    /// Largest sample.
    pub max_ms: f64,
    /// Number of samples.
    pub samples: usize,
    /// Most bytes that a call has allocated at once, minus what was allocated before it and what it returns; `None`
    /// where no counting allocator is installed.
    pub extra_bytes: Option<u64>,
}

impl Measurement {
    pub(crate) fn new(case: Case, threads: usize, path: Path, spread: Spread, extra_bytes: Option<u64>) -> Self {
        Measurement {
            n: case.rows,
            m: case.candidates,
            d: case.classes,
            features: case.features,
            threads,
            path,
            median_ms: spread.median,
            min_ms: spread.min,
            lower_quartile_ms: spread.lower_quartile,
            upper_quartile_ms: spread.upper_quartile,
            max_ms: spread.max,
            samples: spread.samples,
            extra_bytes,
        }
    }

    /// The sizes.
    pub fn case(&self) -> Case {
        Case { rows: self.n, candidates: self.m, classes: self.d, features: self.features }
    }
}

/// A path that was not measured at a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The case.
    pub case: Case,
    /// The path.
    pub path: Path,
    /// Why not.
    pub reason: String,
}

/// Everything that was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// Version of softnce that was measured.
    pub version: String,
    /// On what.
    pub machine: Machine,
    /// How.
    pub settings: BenchSettings,
    /// One entry a case, number of threads and path, in this order.
    pub measurements: Vec<Measurement>,
    /// What was not measured.
    pub skipped: Vec<Skipped>,
}

impl Results {
    /// The measurements of each case and number of threads, in the order they were made.
    pub fn groups(&self) -> impl Iterator<Item = &[Measurement]> {
        self.measurements.chunk_by(|left, right| left.case() == right.case() && left.threads == right.threads)
    }
}
