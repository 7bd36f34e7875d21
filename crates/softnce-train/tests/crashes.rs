//! Runs and comparisons that end between any two operations on files, by a kill or with the power, or on a full disk:
//! nothing is lost, and the end is that of one that was never stopped.

mod common;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use common::{Silent, files, finish, place, recipe};
use softnce_report::results::Comparison;
use softnce_store::faults::{Crash, Journal, failing, record};
use softnce_train::compare::{CompareError, ComparisonContext, ComparisonRun, Outcome};
use softnce_train::device::DeviceName;
use softnce_train::recipe::Recipe;
use softnce_train::runs::{LAST, RunError};
use tempfile::TempDir;

/// Every state of the folder `from` that a crash after any number of operations leaves, each in a folder of its own;
/// states that differ in temporary files alone count once.
fn after_each_crash(journal: &Journal, from: &Path) -> Vec<(TempDir, String)> {
    let (mut seen, mut left) = (BTreeSet::new(), Vec::new());
    for operations in 0..=journal.len() {
        for crash in Crash::ALL {
            let place = common::place();
            journal.leave(operations, crash, from, place.path()).unwrap();
            if seen.insert(files(place.path())) {
                left.push((place, format!("{crash:?} after {operations} of {} operations", journal.len())));
            }
        }
    }
    left
}

#[test]
fn a_run_that_ends_between_any_two_operations_on_files_loses_nothing() {
    let folder = place();
    for (name, changes) in
        [("best", &[][..]), ("last", &["evaluation.best=false"]), ("patience", &["training.patience=1"])]
    {
        let (recipe, out) = (recipe(changes), folder.path().join(name));
        let (expected, journal) = record(|| finish(&recipe, &out));
        let expected = expected.unwrap();
        let left = after_each_crash(&journal, &out);
        assert!(left.len() > 15, "{name}: {} states", left.len());
        let with_checkpoint = left.iter().filter(|(place, _)| place.path().join(LAST).exists()).count();
        assert!(with_checkpoint > 10, "{name}: {with_checkpoint} states with a checkpoint");
        for (place, crash) in left {
            let end = finish(&recipe, place.path()).unwrap_or_else(|error| panic!("{name}, {crash}: {error}"));
            assert_eq!(end, expected, "{name}, {crash}");
        }
    }
}

#[test]
fn a_run_that_ends_again_while_it_goes_on_loses_nothing() {
    let folder = place();
    let (recipe, out) = (recipe(&["schedule.epochs=2"]), folder.path().join("run"));
    let (expected, journal) = record(|| finish(&recipe, &out));
    let expected = expected.unwrap();
    // Between a checkpoint and the weights that it names: what the next start does can be cut off too.
    for (place, crash) in after_each_crash(&journal, &out) {
        if !place.path().join("best.next.safetensors").exists() {
            continue;
        }
        // The manifest takes ten operations; then the weights get their place.
        for operation in 10..14 {
            let (_, failed) = failing(operation, ErrorKind::Interrupted, || finish(&recipe, place.path()));
            assert!(failed);
        }
        let end = finish(&recipe, place.path()).unwrap_or_else(|error| panic!("{crash}: {error}"));
        assert_eq!(end, expected, "{crash}");
    }
}

#[test]
fn a_full_disk_at_any_operation_is_an_error_by_name_and_the_next_start_goes_on() {
    let folder = place();
    let recipe = recipe(&["schedule.epochs=2"]);
    let expected = finish(&recipe, &folder.path().join("whole")).unwrap();
    for operation in 0.. {
        let out = folder.path().join(format!("full-{operation}"));
        let (ended, failed) = failing(operation, ErrorKind::StorageFull, || finish(&recipe, &out));
        if !failed {
            assert_eq!(ended.unwrap(), expected);
            assert!(operation > 60, "{operation} operations");
            break;
        }
        let error = ended.err().unwrap_or_else(|| panic!("operation {operation} failed and nobody said so"));
        assert!(error.is_full_disk() && !error.is_usage(), "operation {operation}: {error}");
        assert!(error.to_string().contains(&folder.path().display().to_string()), "operation {operation}: {error}");
        let end = finish(&recipe, &out).unwrap_or_else(|error| panic!("after operation {operation}: {error}"));
        assert_eq!(end, expected, "after operation {operation}");
    }
}

fn compare(recipe: &Recipe, out: &Path) -> Result<Comparison, CompareError> {
    let context = ComparisonContext {
        data_folder: Path::new("nowhere"),
        device: DeviceName::Cpu,
        out,
        stop: &AtomicBool::new(false),
        progress: &Silent,
        memory: None,
        force: false,
    };
    let Outcome::Finished(mut results) = ComparisonRun::open(recipe.clone(), "the command".into(), context)?.run()?
    else {
        panic!("nothing asked for a stop")
    };
    // What the clock decides.
    for run in &mut results.runs {
        (run.cost.step_ms, run.cost.loss_ms) = (0.0, None);
        run.epochs.clear();
    }
    for summary in &mut results.summaries {
        (summary.step_ms, summary.loss_ms) = (0.0, None);
    }
    Ok(results)
}

#[test]
fn a_comparison_that_ends_between_any_two_operations_on_files_goes_on_and_may_get_more_seeds() {
    let changes = [
        "compare.losses=[\"nll\", \"soft-target-infonce\"]",
        "compare.learning_rates=[0.003, 0.01]",
        "compare.seeds=1",
        "compare.tuning_seeds=1",
        "schedule.epochs=1",
        "training.checkpoint_steps=4",
    ];
    let folder = place();
    let (recipe, out) = (recipe(&changes), folder.path().join("compare"));
    let (expected, journal) = record(|| compare(&recipe, &out));
    let expected = expected.unwrap();
    let left = after_each_crash(&journal, &out);
    assert!(left.len() > 40, "{} states", left.len());
    // Each goes on alike within a run; what differs is what is there of other runs.
    for (place, crash) in left.into_iter().step_by(3) {
        let found = compare(&recipe, place.path()).unwrap_or_else(|error| panic!("{crash}: {error}"));
        assert_eq!(found, expected, "{crash}");
        assert!(!place.path().join("trials").exists(), "{crash}");
    }
    let mut more = recipe.clone();
    more.compare.seeds = 2;
    let found = compare(&more, &out).unwrap();
    assert_eq!(found.runs.len(), 4);
    for run in &expected.runs {
        let same = found.runs.iter().find(|other| (run.loss, run.seed) == (other.loss, other.seed)).unwrap();
        assert_eq!((same.learning_rate, &same.test), (run.learning_rate, &run.test));
    }
    let mut other = recipe.clone();
    other.schedule.epochs = 2;
    assert!(compare(&other, &out).unwrap_err().to_string().contains("schedule.epochs: 1 there, 2 here"));
}

#[test]
fn errors_of_a_full_disk_are_no_errors_of_the_user() {
    let full = |kind: ErrorKind| softnce_store::StoreError::file("write", "best.safetensors")(kind.into());
    for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::FileTooLarge] {
        let of_weights = RunError::Weights(full(kind).into());
        assert!(of_weights.is_full_disk() && !of_weights.is_usage());
        assert!(CompareError::from(RunError::Store(full(kind))).is_full_disk());
    }
    assert!(!RunError::Store(full(ErrorKind::PermissionDenied)).is_full_disk());
}
