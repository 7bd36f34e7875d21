//! The studies made of variants, on the embedded pictures: what they keep, what they say, what they refuse.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;

use common::pages::{check_drawing, check_page, check_table};
use common::{check_columns, until, whole};
use softnce_experiments::variants::{ChartPlan, Group, STUDIES, Study, Variant, VariantsConfig, VariantsResults, run};
use softnce_experiments::{Budget, Measure, Place, Progress, StudyError};
use softnce_store::StoreError;
use softnce_train::device::DeviceName;

const NONE: [&str; 0] = [];

/// Three variants of two epochs, from two seeds.
fn short() -> VariantsConfig {
    let variants = vec![
        Variant::new("smoothing 0.5", ["mixing.smoothing=0.5"]).at("smoothing", 0.5),
        Variant::new("temperature 2", ["mixing.smoothing=0.0", "loss.temperature=2.0"])
            .against("smoothing 0.5")
            .level(),
        Variant::new("as it is", NONE).against("smoothing 0.5").at("smoothing", 0.1),
    ];
    let group = Group {
        name: "smoothing".into(),
        title: "Smoothing".into(),
        theory: "A temperature.".into(),
        recipe: "digits".into(),
        changes: vec!["schedule.epochs=2".into(), "loss.noise=\"uniform\"".into()],
        variants,
        measures: vec![
            Measure::TOP1,
            Measure::BALANCED,
            Measure::BalancedAdjusted,
            Measure::SCALED_NLL,
            Measure::TrainLoss,
        ],
        chart: Some(ChartPlan { axis: "smoothing".into(), log: false, measure: Measure::TOP1 }),
    };
    VariantsConfig { seeds: 2, groups: vec![group] }
}

fn ablations() -> &'static Study {
    STUDIES.iter().find(|study| study.name == "ablations").unwrap()
}

fn ran(
    config: VariantsConfig,
    out: &Path,
    jobs: usize,
    budget: Budget<'_>,
    progress: &dyn Progress,
) -> Result<VariantsResults, StudyError> {
    let place = Place { data: out, device: DeviceName::Cpu, out, budget, progress };
    run(ablations(), config, "the command".into(), place, jobs)
}

fn finished(config: &VariantsConfig, out: &Path, jobs: usize) -> VariantsResults {
    whole(|budget, progress| ran(config.clone(), out, jobs, budget, progress))
}

#[test]
fn stopped_it_goes_on_to_the_same_end_whatever_runs_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (out, other) = (folder.path().join("one"), folder.path().join("other"));
    let outcome = until(2, |budget, progress| ran(short(), &out, 1, budget, progress));
    assert!(matches!(outcome, Err(StudyError::Interrupted { finished: 2, planned: 6 })), "{outcome:?}");
    assert!(!out.join("report.html").exists());
    let results = finished(&short(), &out, 1);
    assert_eq!(results.groups, finished(&short(), &other, 3).groups);
    // What only a training needs is gone.
    assert!(!out.join("runs").exists());

    let rows = &results.groups[0].rows;
    assert_eq!(rows.iter().map(|row| row.runs.len()).collect::<Vec<_>>(), [2, 2, 2]);
    // Smoothing by a half is a temperature of 2, whatever else is learned.
    let largest = |row: usize, measure: Measure| {
        let pairs = rows[row].runs.iter().zip(&rows[0].runs);
        pairs.map(|(own, other)| (own.values[&measure] - other.values[&measure]).abs()).fold(0.0, f64::max)
    };
    for measure in [Measure::TOP1, Measure::SCALED_NLL, Measure::TrainLoss] {
        let (twin, other) = (largest(1, measure), largest(2, measure));
        assert!(twin < 1e-3, "{measure:?}: {twin}");
        assert!(other > 1e-3 || measure == Measure::TOP1, "{measure:?}: {other}");
    }
    // Balanced classes: there is little to divide out.
    let of = |measure| rows[0].values[&measure].mean;
    assert!((of(Measure::BALANCED) - of(Measure::BalancedAdjusted)).abs() < 1.0);

    check_page(&fs::read_to_string(out.join("report.html")).unwrap());
    let drawing = fs::read_to_string(out.join("smoothing.svg")).unwrap();
    // Two points and the two ends of a level, and a mark for each in the legend.
    assert_eq!(check_drawing(&drawing, ["marker", "heading"]), [4 + 2, 1]);
    assert!(drawing.contains(">Smoothing<") && drawing.contains(">temperature 2<"));
    let table = fs::read_to_string(out.join("results.md")).unwrap();
    let lines: Vec<&str> = table.lines().filter(|line| line.starts_with('|')).collect();
    check_table(&lines.join("\n"), 7);
    let csv = fs::read_to_string(out.join("results.csv")).unwrap();
    assert_eq!(csv.lines().filter(|line| line.contains(",top1,")).count(), 6);
    check_columns(&csv);
    let read: VariantsResults = serde_json::from_slice(&fs::read(out.join("results.json")).unwrap()).unwrap();
    assert_eq!(read, results);
}

#[test]
fn a_variant_that_diverges_is_said_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = short();
    config.groups[0].variants[2].changes.push("optimizer.learning_rate=1e30".into());
    let results = finished(&config, folder.path(), 2);
    let row = &results.groups[0].rows[2];
    assert_eq!((row.diverged(), row.values.len(), row.differences.len()), (2, 0, 0));
    assert!(fs::read_to_string(folder.path().join("report.html")).unwrap().contains("2 of 2 diverged"));
    assert!(fs::read_to_string(folder.path().join("results.md")).unwrap().contains("as it is (2 diverged)"));
    let csv = fs::read_to_string(folder.path().join("results.csv")).unwrap();
    assert_eq!(csv.lines().filter(|line| line.contains("diverged")).count(), 2);
}

#[test]
fn other_recipes_are_another_study_and_other_words_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("study");
    let first = |config: VariantsConfig| until(1, |budget, progress| ran(config.clone(), &out, 1, budget, progress));
    assert!(matches!(first(short()), Err(StudyError::Interrupted { .. })));
    let mut config = short();
    config.groups[0].theory = "Said otherwise.".into();
    assert!(matches!(first(config.clone()), Err(StudyError::Interrupted { .. })));
    config.groups[0].changes.push("training.batch_size=64".into());
    assert!(matches!(first(config), Err(StudyError::Store(StoreError::OtherSettings { .. }))));
}

#[test]
fn what_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |change: fn(&mut VariantsConfig)| {
        let mut config = short();
        change(&mut config);
        until(1, |budget, progress| ran(config.clone(), folder.path(), 1, budget, progress)).unwrap_err().to_string()
    };
    assert_eq!(refused(|config| config.seeds = 0), "seeds: 0, expected from 1 to 1,000");
    assert_eq!(refused(|config| config.groups.clear()), "groups: none, expected at least one");
    let error = refused(|config| config.groups[0].variants[1].against = Some("none such".into()));
    assert_eq!(error, "against: none such, expected a variant of its group");
    let error = refused(|config| config.groups[0].variants[1].name = "Smoothing (0.5)".into());
    assert_eq!(error, "variants: smoothing-smoothing-0.5-seed0, expected each name once");
    let error = refused(|config| config.groups[0].variants[1].changes.push("network.hidden=[0]".into()));
    assert!(error.contains("hidden"), "{error}");
    let error = refused(|config| config.groups[0].changes.push("loss.kin=nll".into()));
    assert!(error.contains("kind"), "{error}");
    let error = ablations().config().only(&["mixing".into(), "mixing".into()]).unwrap_err().to_string();
    assert_eq!(
        error,
        "groups: mixing, expected each of candidates, temperature, smoothing, mixing, noise at most once"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_plans_can_be_run() {
    for (at, study) in STUDIES.iter().enumerate() {
        let config = study.config();
        config.check().unwrap();
        assert!(STUDIES[..at].iter().all(|other| other.name != study.name), "{}", study.name);
        assert!(config.groups.iter().all(|group| group.variants.len() > 3 && !group.measures.is_empty()));
    }
}
