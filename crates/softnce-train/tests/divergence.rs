//! Runs whose weights diverge are kept as such and do not cost the others their report.

use std::sync::atomic::AtomicBool;

use softnce::LossKind;
use softnce_train::compare::{CompareConfig, CompareError, EpochRecord, Outcome, Progress, Study};
use tempfile::TempDir;

struct Silent;

impl Progress for Silent {
    fn start(&self, _: usize, _: usize, _: usize) {}
    fn run(&self, _: &str) {}
    fn epoch(&self, _: &EpochRecord) {}
    fn finished(&self) {}
}

/// A weight decay of 30 throws every weight to minus 29 times itself at rate 1, and only shrinks it at rate 0.01.
fn config(learning_rates: Vec<f64>) -> CompareConfig {
    CompareConfig {
        losses: vec![LossKind::SoftTargetInfoNce, LossKind::SoftTargetCrossEntropy],
        seeds: 2,
        epochs: 30,
        batch_size: 512,
        candidates: 512,
        hidden: vec![8],
        weight_decay: 30.0,
        tuning_seeds: 1,
        learning_rates,
        ..CompareConfig::default()
    }
}

#[allow(clippy::result_large_err)]
fn run(config: &CompareConfig, folder: &TempDir) -> Result<Outcome, CompareError> {
    Study::open(config, folder.path(), &AtomicBool::new(false), &Silent, None)?.run()
}

#[test]
fn a_rate_that_diverges_is_not_chosen() {
    let folder = TempDir::new().unwrap();
    let Outcome::Finished(results) = run(&config(vec![0.01, 1.0]), &folder).unwrap() else {
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
    let config = config(vec![1.0]);
    for _ in 0..2 {
        assert!(matches!(run(&config, &folder), Err(CompareError::AllDiverged { .. })));
    }
    assert_eq!(std::fs::read_dir(folder.path().join("parts")).unwrap().count(), 4);
    let part = std::fs::read_to_string(folder.path().join("parts/run-soft-target-infonce-seed0.json")).unwrap();
    assert!(part.contains("diverged") && part.contains("logits"), "{part}");
}
