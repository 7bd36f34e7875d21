//! Runs whose weights diverge are kept as such and do not cost the others their report.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use softnce_report::results::EpochRecord;
use softnce_train::compare::{CompareError, ComparisonContext, ComparisonProgress, ComparisonRun, Outcome};
use softnce_train::device::DeviceName;
use softnce_train::recipe::Recipe;
use softnce_train::runs::{Progress, StepReport};
use tempfile::TempDir;

struct Silent;

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

/// A weight decay of 30 throws every weight to minus 29 times itself at rate 1, and only shrinks it at rate 0.01.
fn recipe(learning_rates: &str) -> Recipe {
    let changes = [
        "compare.losses=[\"soft-target-infonce\", \"soft-target-cross-entropy\"]",
        "compare.seeds=2",
        "compare.tuning_seeds=1",
        "schedule.epochs=30",
        "training.batch_size=512",
        "network.hidden=[8]",
        "optimizer.weight_decay=30.0",
        &format!("compare.learning_rates={learning_rates}"),
    ];
    Recipe::read("digits", &changes.map(str::to_owned)).unwrap()
}

fn run(recipe: &Recipe, folder: &TempDir) -> Result<Outcome, CompareError> {
    let context = ComparisonContext {
        data_folder: Path::new("nowhere"),
        device: DeviceName::Cpu,
        out: folder.path(),
        stop: &AtomicBool::new(false),
        progress: &Silent,
        memory: None,
    };
    ComparisonRun::open(recipe.clone(), "softnce compare".into(), context)?.run()
}

#[test]
fn a_rate_that_diverges_is_not_chosen() {
    let folder = TempDir::new().unwrap();
    let Outcome::Finished(results) = run(&recipe("[0.01, 1.0]"), &folder).unwrap() else {
        panic!("nothing asked for a stop")
    };
    for trial in &results.tuning {
        assert_eq!(trial.validation.is_none(), trial.learning_rate == 1.0, "{trial:?}");
    }
    assert!(results.summaries.iter().all(|summary| summary.learning_rate == 0.01 && summary.seeds == 2));
    assert!(results.diverged.is_empty());
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("diverged"), "the grid says so");
}

#[test]
fn a_comparison_without_a_finished_run_says_so_and_keeps_what_it_knows() {
    let folder = TempDir::new().unwrap();
    let recipe = recipe("[1.0]");
    for _ in 0..2 {
        assert!(matches!(run(&recipe, &folder), Err(CompareError::AllDiverged { .. })));
    }
    assert_eq!(std::fs::read_dir(folder.path().join("parts")).unwrap().count(), 4);
    let part = std::fs::read_to_string(folder.path().join("parts/run-soft-target-infonce-seed0.json")).unwrap();
    assert!(part.contains("diverged") && part.contains("logits"), "{part}");
}
