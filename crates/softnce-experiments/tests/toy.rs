//! The toy study from end to end: what it keeps, what it finds, what it refuses.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;

use common::pages::{check_drawing, check_page, check_table};
use common::{check_columns, until, whole};
use softnce::LossKind;
use softnce_experiments::StudyError;
use softnce_experiments::toy::{Candidates, Estimator, ToyConfig, ToyResults, Training, run};

/// Short trainings from one seed.
fn short(steps: usize) -> ToyConfig {
    let training = Training { hidden: vec![16], batch: 64, steps, ..Training::default() };
    ToyConfig { seeds: 1, samples: vec![2048], candidates: vec![2, 16], training }
}

fn to_the_end(config: ToyConfig, out: &Path) -> ToyResults {
    whole(|budget, progress| run(config.clone(), "the command".into(), out, budget, progress))
}

#[test]
fn an_interrupted_study_ends_with_the_results_of_a_whole_one() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parted) = (folder.path().join("whole"), folder.path().join("parted"));
    let expected = to_the_end(short(3), &whole);
    let outcome = until(4, |budget, progress| run(short(3), "the command".into(), &parted, budget, progress));
    assert!(matches!(outcome, Err(StudyError::Interrupted { finished: 4, planned }) if planned > 4), "{outcome:?}");
    assert!(!parted.join("report.html").exists());
    let kept = fs::read_dir(parted.join("parts")).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<_> = kept.map(|path| (path.clone(), fs::metadata(&path).unwrap().modified().unwrap())).collect();
    assert_eq!(kept.len(), 4);
    assert_eq!(to_the_end(short(3), &parted), expected);
    assert!(kept.iter().all(|(path, time)| fs::metadata(path).unwrap().modified().unwrap() == *time));
    for file in ["study.json", "results.json", "results.csv", "results.md", "curves.svg", "report.html"] {
        assert_eq!(fs::read(whole.join(file)).unwrap(), fs::read(parted.join(file)).unwrap(), "{file}");
    }
    let read: ToyResults = serde_json::from_slice(&fs::read(parted.join("results.json")).unwrap()).unwrap();
    assert_eq!(read, expected);
    let csv = fs::read_to_string(parted.join("results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + expected.cells.len());
    check_columns(&csv);
}

#[test]
fn each_estimator_ends_near_what_theory_predicts() {
    let folder = tempfile::tempdir().unwrap();
    let config = ToyConfig { samples: vec![8192], ..short(500) };
    let training = Training { hidden: vec![32, 32], ..config.training };
    let results = to_the_end(ToyConfig { training, ..config }, folder.path());
    let find = |estimator: Estimator, candidates: usize| {
        let cells = results.cells.iter().map(|cell| (cell.setting, cell));
        let mut of = cells.filter(|(setting, _)| setting.classes == 2 && setting.estimator == estimator);
        of.find(|(setting, _)| setting.candidates == candidates).unwrap().1
    };
    // What is learned in 500 steps is rough; what theory tells apart is much further apart.
    for loss in [LossKind::SoftTargetCrossEntropy, LossKind::SoftDistributionInfoNce, LossKind::Nll, LossKind::InfoNce]
    {
        let cell = find(Estimator::in_batch(loss), 64);
        assert!(cell.to_prediction.unwrap().mean < 0.5 && cell.to_truth.mean > 1.2, "{loss}: {cell:?}");
    }
    let density = find(Estimator::with(Candidates::Density), 64);
    assert!(density.to_truth.mean < 1.0, "{:?}", density.to_truth);
    let told = find(Estimator::with(Candidates::Skewed), 64);
    let untold = find(Estimator { corrected: false, ..Estimator::with(Candidates::Skewed) }, 64);
    assert!(told.to_truth.mean < 1.0 && untold.to_prediction.unwrap().mean < 1.0 && untold.to_truth.mean > 1.5);
    let bound = find(Estimator::with(Candidates::Training), 16).bound.unwrap().mean;
    assert!(bound > 0.1 && bound < results.information + 0.1, "{bound} of {}", results.information);
}

#[test]
fn trainings_that_diverge_are_counted_and_do_not_end_the_study() {
    let folder = tempfile::tempdir().unwrap();
    let (out, config) = (folder.path().join("out"), ToyConfig { seeds: 2, ..short(3) });
    let whole = to_the_end(config.clone(), &out);
    assert!(whole.diverged.is_empty());
    // One seed of a setting, and both of another.
    let mut parts: Vec<_> = fs::read_dir(out.join("parts")).unwrap().map(|entry| entry.unwrap().path()).collect();
    parts.sort();
    for (part, seeds) in parts.iter().zip([vec![1], vec![0, 1]]) {
        let mut kept: serde_json::Value = serde_json::from_slice(&fs::read(part).unwrap()).unwrap();
        for seed in seeds {
            let lost = format!("seed {seed}: the training diverged at step 2");
            kept["content"][1][seed] = serde_json::json!({"seed": seed, "curve": [], "bound": null, "diverged": lost});
        }
        // Without its checksum, as earlier revisions wrote it.
        kept.as_object_mut().unwrap().remove("softnce_checksum").unwrap();
        fs::write(part, kept.to_string()).unwrap();
    }
    let results = to_the_end(config, &out);
    assert_eq!((results.cells.len(), results.diverged.len()), (whole.cells.len() - 1, 3));
    assert_eq!(results.cells.iter().filter(|cell| cell.runs.len() == 1).count(), 1);
    for file in ["report.html", "results.md"] {
        let text = fs::read_to_string(out.join(file)).unwrap();
        assert!(text.contains("Diverged and left out") && text.contains("3 trainings"), "{file}");
        assert!(text.contains("seed 0: the training diverged at step 2"), "{file}");
    }
}

#[test]
fn a_rate_that_is_too_large_is_reported_with_step_and_rate() {
    let folder = tempfile::tempdir().unwrap();
    let config = short(40);
    let training = Training { rate: 1e3, weight_decay: 1e3, ..config.training };
    let results = to_the_end(ToyConfig { training, ..config }, folder.path());
    let (_, found) = results.diverged.first().unwrap();
    let reason = found.diverged.as_deref().unwrap();
    assert!(
        reason.starts_with("seed 0: the training diverged at step ") && reason.contains("at learning rate "),
        "{reason}"
    );
}

#[test]
fn settings_out_of_range_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |config: ToyConfig| {
        let out = folder.path().join("none");
        let ran = until(1, |budget, progress| run(config.clone(), String::new(), &out, budget, progress));
        let error = ran.unwrap_err();
        assert!(!out.exists(), "{error}");
        match error {
            StudyError::Argument { argument, .. } => argument,
            other => panic!("{other}"),
        }
    };
    let training = |change: fn(&mut Training)| {
        let mut config = short(1);
        change(&mut config.training);
        config
    };
    assert_eq!(refused(ToyConfig { seeds: 0, ..short(1) }), "seeds");
    assert_eq!(refused(ToyConfig { samples: vec![], ..short(1) }), "samples");
    assert_eq!(refused(ToyConfig { samples: vec![1], ..short(1) }), "samples");
    assert_eq!(refused(ToyConfig { candidates: vec![1], ..short(1) }), "candidates");
    assert_eq!(refused(training(|training| training.batch = 1)), "batch");
    assert_eq!(refused(training(|training| training.steps = 0)), "steps");
    assert_eq!(refused(training(|training| training.hidden = vec![0])), "hidden");
    assert_eq!(refused(training(|training| training.rate = f64::NAN)), "rate");
    assert_eq!(refused(training(|training| training.weight_decay = -1.0)), "weight_decay");
}

#[test]
fn the_page_is_well_formed() {
    let folder = tempfile::tempdir().unwrap();
    to_the_end(short(2), folder.path());
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    check_page(&page);
    // A panel an estimator.
    let curves = fs::read_to_string(folder.path().join("curves.svg")).unwrap();
    assert_eq!(check_drawing(&curves, ["heading", "band"]), [6, 6]);
    check_table(&fs::read_to_string(folder.path().join("results.md")).unwrap(), 8);
}
