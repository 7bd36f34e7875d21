//! What the tests of runs that end and go on share.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use softnce_nn::weights::{self, NamedTensor};
use softnce_report::results::{EpochRecord, RunReport};
use softnce_train::compare::ComparisonProgress;
use softnce_train::device::DeviceName;
use softnce_train::recipe::Recipe;
use softnce_train::runs::{BEST, Outcome, Progress, Run, RunData, RunError, StepReport};
use tempfile::TempDir;

/// Shows nothing.
pub struct Silent;

impl Progress for Silent {
    fn start(&self, _: usize, _: usize, _: usize) {}
    fn step(&self, _: &StepReport) {}
    fn epoch(&self, _: &EpochRecord) {}
    fn note(&self, _: &str) {}
}

impl ComparisonProgress for Silent {
    fn start_runs(&self, _: usize, _: usize) {}
    fn run(&self, _: &str) {}
    fn finish_run(&self) {}
}

/// A folder for a test: in memory where the system has such a place, since these tests sync thousands of files.
pub fn place() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

/// Few digits, a small network, three epochs: some 57 optimiser steps, and a checkpoint after every other.
pub fn recipe(changes: &[&str]) -> Recipe {
    let base = [
        "network.hidden=[8]",
        "schedule.epochs=3",
        "data.imbalance=20.0",
        "training.batch_size=64",
        "training.checkpoint_steps=2",
        "training.workers=0",
        "optimizer.average=0.9",
        "candidates={kind=\"queue\", size=100}",
        "evaluation.best=true",
        "evaluation.pictures=1",
    ];
    let changes: Vec<String> = base.iter().chain(changes).map(|change| (*change).to_owned()).collect();
    Recipe::read("digits", &changes).unwrap()
}

/// The digits, which are read once.
fn data() -> RunData {
    static DATA: OnceLock<RunData> = OnceLock::new();
    DATA.get_or_init(|| RunData::open(&recipe(&[]).data, Path::new("nowhere")).unwrap()).clone()
}

pub fn open(recipe: &Recipe, out: &Path) -> Result<Run, RunError> {
    Run::with_data(recipe.clone(), data(), Path::new("nowhere"), DeviceName::Cpu, out)
}

/// What does not depend on the clock: the weights, those of the best epoch, the epochs, the test results.
#[derive(Debug, PartialEq)]
pub struct End {
    weights: Vec<NamedTensor>,
    average: Vec<NamedTensor>,
    best: BTreeMap<String, NamedTensor>,
    best_epoch: Option<String>,
    losses: Vec<f64>,
    report: (softnce_metrics::EvaluationResult, Option<softnce_metrics::EvaluationResult>),
}

/// Trains to the end.
pub fn finish(recipe: &Recipe, out: &Path) -> Result<End, RunError> {
    let mut run = open(recipe, out)?;
    let Outcome::Finished(report) = run.train(&AtomicBool::new(false), &())? else {
        panic!("nothing asked for a stop")
    };
    let best = weights::read_metadata(&out.join(BEST)).unwrap();
    let written: RunReport = serde_json::from_slice(&fs::read(out.join("metrics.json")).unwrap()).unwrap();
    assert_eq!(written.result, report.result);
    assert!(!fs::read_dir(out).unwrap().flatten().any(|entry| entry.file_name() == "best.next.safetensors"));
    let state = run.state();
    let history = fs::read_to_string(out.join("history.jsonl")).unwrap();
    let history: Vec<serde_json::Value> = history.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let epochs = history.iter().map(|line| (line["epoch"].as_u64().unwrap(), line["train_loss"].as_f64().unwrap()));
    assert!(epochs.eq(state.history.iter().map(|record| (record.epoch as u64, record.train_loss))), "{history:?}");
    // Wherever it was stopped, it knows its times.
    assert!(state.history.iter().all(|record| record.seconds > 0.0 && record.samples_per_second < 1e8));
    assert!(run.times().is_some());
    Ok(End {
        weights: weights::named(&state.network).unwrap(),
        average: state.average.as_ref().map_or(Vec::new(), |average| weights::named(&average.network).unwrap()),
        best: weights::read_checkpoint(&out.join(BEST)).unwrap(),
        best_epoch: best.get("epoch").cloned(),
        losses: state.history.iter().map(|record| record.train_loss).collect(),
        report: (report.result, report.scaled.map(|scaled| scaled.result)),
    })
}

/// The files below a folder, without temporary ones and locks.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()).into_iter().map(|(path, content)| (format!("{name}/{path}"), content)));
        } else if !name.starts_with(".softnce-") {
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    found
}
