//! The measurement from end to end: every case, with every number of threads.

use std::time::{Duration, Instant};

use rayon::ThreadPoolBuilder;
use softnce_metrics::Spread;

use crate::agreement::Agreement;
use crate::measure::{Plan, extra_bytes, rounds, time_of_a_call};
use crate::{
    AllocatedBytes, BenchError, BenchSettings, Case, Kept, Machine, Measurement, Path, Results, Skipped, Workload,
};

/// Receives the progress of the measurement; never called while a call is timed.
pub trait Progress {
    /// The measurement of so many cases starts; each counts once for each number of threads.
    fn start(&self, cases: usize);
    /// A case starts.
    fn case(&self, label: &str);
    /// The case is over.
    fn finished(&self);
}

/// Measures paths at cases.
pub struct Bench<'a> {
    settings: &'a BenchSettings,
    progress: &'a dyn Progress,
    memory: Option<AllocatedBytes>,
}

impl<'a> Bench<'a> {
    /// Checks the settings.
    ///
    /// # Errors
    /// A setting out of range.
    pub fn new(
        settings: &'a BenchSettings,
        progress: &'a dyn Progress,
        memory: Option<AllocatedBytes>,
    ) -> Result<Self, BenchError> {
        settings.check()?;
        Ok(Bench { settings, progress, memory })
    }

    /// Measures everything.
    ///
    /// # Errors
    /// Paths that compute the same loss and do not agree; threads that cannot be started.
    pub fn run(&self) -> Result<Results, BenchError> {
        let settings = self.settings;
        let (mut measurements, mut skipped) = (Vec::new(), Vec::new());
        let cases: Vec<Case> =
            settings.cases.iter().copied().filter(|&case| settings.paths_at(case).next().is_some()).collect();
        self.progress.start(cases.len() * settings.threads.len());
        for case in cases {
            let mut paths = Vec::new();
            for path in settings.paths_at(case) {
                match Workload::obstacle(case, path, settings.memory_cap) {
                    Some(reason) => skipped.push(Skipped { case, path, reason }),
                    None => paths.push(path),
                }
            }
            if paths.is_empty() {
                settings.threads.iter().for_each(|_| self.progress.finished());
                continue;
            }
            let workload = Workload::new(case, &paths)?;
            for &threads in &settings.threads {
                self.progress
                    .case(&format!("{case}, {}", softnce_report::number::plural(threads, "thread", "threads")));
                let pool = ThreadPoolBuilder::new().num_threads(threads).build();
                let pool = pool.map_err(|source| BenchError::Threads { threads, source })?;
                let memory = self.memory;
                let measured = pool.install(|| measure(&workload, &paths, threads, settings, memory));
                measurements.extend(measured?);
                self.progress.finished();
            }
        }
        let (version, machine) = (env!("CARGO_PKG_VERSION").to_owned(), Machine::here());
        Ok(Results { version, machine, settings: settings.clone(), measurements, skipped })
    }
}

/// Measures the paths of a case on the threads of rayon's current pool.
fn measure(
    workload: &Workload,
    paths: &[Path],
    threads: usize,
    settings: &BenchSettings,
    memory: Option<AllocatedBytes>,
) -> Result<Vec<Measurement>, BenchError> {
    let mut kept = Kept::new(workload.case(), paths, settings.fresh_memory);
    // The first call of each warms up, and shows whether they agree.
    let mut agreement = Agreement::new(workload.case());
    for &path in paths {
        let output = workload.call(path, &mut kept)?;
        agreement.check(path, output.loss(), output.logits_gradient(&kept))?;
    }
    drop(agreement);
    let mut call = |path: Path| workload.call(path, &mut kept).map(std::hint::black_box);
    let mut plans = Vec::with_capacity(paths.len());
    let mut extra = Vec::with_capacity(paths.len());
    for &path in paths {
        let start = Instant::now();
        extra.push(memory.map(|memory| extra_bytes(memory, || call(path))).transpose()?);
        let took = if memory.is_some() { start.elapsed() } else { Duration::ZERO };
        plans.push(Plan::new(time_of_a_call(took, || call(path).map(drop))?, settings.budget()));
    }
    let samples = rounds(&plans, |index| call(paths[index]).map(drop))?;
    let measured = paths.iter().zip(samples).zip(extra).filter_map(|((&path, samples), extra)| {
        let spread = Spread::of(&samples)?;
        Some(Measurement::new(workload.case(), threads, path, spread, extra))
    });
    Ok(measured.collect())
}
