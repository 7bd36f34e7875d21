//! The study from end to end.

use std::sync::atomic::{AtomicBool, Ordering};

use softnce_report::results::EpochRecord;
use softnce_train::compare::{ComparisonContext, ComparisonProgress, ComparisonRun, Outcome, PeakMemory};
use softnce_train::runs::{self, StepReport};

use super::page;
use super::plan::PicturesConfig;
use super::results::{PicturesResults, SetResults};
use crate::{Budget, Place, Progress, StudyError, folder};

/// Increased with every change of the result of a set.
const REVISION: u32 = 1;

/// Compares what is missing, then writes `results.json`, `results.md`, `claims.svg` and `report.html`. Each set has a
/// comparison's folder of its own within that of the study.
///
/// `memory` counts allocated memory, where the program can.
///
/// # Errors
/// Settings out of range; data or a folder that cannot be used; a run that fails. What was finished stays.
pub fn run(
    config: PicturesConfig,
    command: String,
    place: Place<'_>,
    memory: Option<PeakMemory>,
) -> Result<PicturesResults, StudyError> {
    config.check()?;
    let folder = folder::open(place.out, "pictures", REVISION, &config)?;
    let mut sets = Vec::with_capacity(config.sets.len());
    for set in &config.sets {
        let stop = AtomicBool::new(false);
        let timed = Timed { progress: place.progress, budget: place.budget, stop: &stop };
        place.progress.note(&set.name);
        let context = ComparisonContext {
            data_folder: place.data,
            device: place.device,
            out: &place.out.join(&set.name),
            stop: &stop,
            progress: &timed,
            memory,
            force: true,
        };
        timed.check();
        let changes: Vec<String> = set.changes.iter().map(|change| format!(" --set '{change}'")).collect();
        let again = format!("cargo run --release -- compare {}{}", set.recipe, changes.concat());
        let study = ComparisonRun::open(set.read()?, again, context)?;
        let Outcome::Finished(comparison) = study.run()? else {
            return Err(StudyError::Interrupted { finished: sets.len(), planned: config.sets.len() });
        };
        sets.push(SetResults::new(&set.name, &comparison, config.margin)?);
    }
    let results = PicturesResults { version: env!("CARGO_PKG_VERSION").to_owned(), command, config, sets };
    folder.write_sealed_json("results.json", &results)?;
    for (name, content) in page::files(&results) {
        folder.write(&name, content)?;
    }
    Ok(results)
}

/// Passes a comparison's progress on as a study's, and stops it once the budget is spent.
struct Timed<'a> {
    progress: &'a dyn Progress,
    budget: Budget<'a>,
    stop: &'a AtomicBool,
}

impl Timed<'_> {
    fn check(&self) {
        if self.budget.is_spent() {
            self.stop.store(true, Ordering::SeqCst);
        }
    }
}

impl ComparisonProgress for Timed<'_> {
    fn start_runs(&self, runs: usize, finished: usize) {
        self.progress.start(runs, finished);
    }

    fn run(&self, label: &str) {
        self.check();
        self.progress.part(label);
    }

    fn finish_run(&self) {
        self.progress.finished();
    }
}

impl runs::Progress for Timed<'_> {
    fn start(&self, _: usize, _: usize, _: usize) {}

    fn step(&self, _: &StepReport) {
        self.check();
    }

    fn epoch(&self, record: &EpochRecord) {
        self.progress.detail(format!("epoch {}, loss {:.4}", record.epoch, record.train_loss));
    }

    fn note(&self, text: &str) {
        self.progress.note(text);
    }
}
