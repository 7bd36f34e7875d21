//! Runs whose weights diverge are kept as such and do not cost the others their report.

mod common;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use common::Silent;
use softnce_train::compare::{CompareError, ComparisonContext, ComparisonRun, Outcome};
use softnce_train::device::DeviceName;
use softnce_train::recipe::Recipe;
use softnce_train::runs::{Run, RunError};
use tempfile::TempDir;

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
        force: false,
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
        let error = run(&recipe, &folder).unwrap_err();
        assert!(matches!(error, CompareError::AllDiverged { .. }));
        let message = error.to_string();
        assert!(message.contains("soft-target-infonce, seed 0: the training diverged in epoch "), "{message}");
    }
    assert_eq!(std::fs::read_dir(folder.path().join("parts")).unwrap().count(), 4);
    let part = std::fs::read_to_string(folder.path().join("parts/run-soft-target-infonce-seed0.json")).unwrap();
    assert!(part.contains("diverged") && part.contains("logits"), "{part}");
}

#[test]
fn one_diverged_seed_is_counted_and_does_not_end_the_comparison() {
    let folder = TempDir::new().unwrap();
    let recipe = recipe("[0.01]");
    run(&recipe, &folder).unwrap();
    // As if this seed had diverged; the others are kept.
    let part = folder.path().join("parts/run-soft-target-infonce-seed1.json");
    let mut kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&part).unwrap()).unwrap();
    let reason = "the training diverged in epoch 2, step 3, at learning rate 1.00e-2: the loss is NaN";
    let lost = serde_json::json!({"loss": "soft-target-infonce", "seed": 1, "learning_rate": 0.01, "reason": reason});
    kept["content"] = serde_json::json!({"diverged": lost});
    // Without its checksum, as earlier revisions wrote it.
    kept.as_object_mut().unwrap().remove("softnce_checksum").unwrap();
    std::fs::write(&part, kept.to_string()).unwrap();
    let Outcome::Finished(results) = run(&recipe, &folder).unwrap() else { panic!("nothing asked for a stop") };
    assert_eq!((results.runs.len(), results.diverged.len()), (3, 1));
    assert_eq!(results.diverged[0].reason, reason);
    assert_eq!(results.summaries.iter().map(|summary| summary.seeds).collect::<Vec<_>>(), [1, 2]);
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("Soft target InfoNCE diverged with 1 of 2 seeds (seed 1)"), "the page says so");
}

#[test]
fn a_run_that_diverges_names_the_step_and_the_learning_rate() {
    let folder = TempDir::new().unwrap();
    let mut recipe = recipe("[1.0]");
    recipe.optimizer.learning_rate = Some(1.0);
    let mut run = Run::open(recipe, Path::new("nowhere"), DeviceName::Cpu, folder.path()).unwrap();
    let error = run.train(&AtomicBool::new(false), &()).unwrap_err();
    assert!(error.is_divergence() && !error.is_usage());
    let RunError::Diverged { epoch, step, learning_rate, found, kept } = &error else { panic!("{error}") };
    assert!((1..=30).contains(epoch) && (1..=6).contains(step) && *learning_rate > 0.1, "{error}");
    assert!(found.contains("logit"), "{found}");
    let message = error.to_string();
    let place = format!("the training diverged in epoch {epoch}, step {step}, at learning rate {learning_rate:.2e}: ");
    assert!(message.starts_with(&place) && message.contains("A lower optimizer.learning_rate"), "{message}");
    // A training of a second writes no checkpoint before its end.
    let last = folder.path().join("last.safetensors");
    assert_eq!((*kept, message.contains("the checkpoint before it is kept")), (last.exists(), last.exists()));
    assert!(!message.contains("mask"), "{message}");
    // The epochs before it are in the history.
    let history = std::fs::read_to_string(folder.path().join("history.jsonl")).unwrap();
    assert_eq!(history.lines().count(), epoch - 1);
}
