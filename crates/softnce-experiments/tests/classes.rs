//! The study of many classes from end to end, on few classes.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;

use common::pages::{check_drawing, check_page, check_table};
use common::{check_columns, until, whole};
use softnce_experiments::classes::{ClassesConfig, ClassesMeasure, ClassesResults, Group, Variant, groups, run};
use softnce_experiments::{Budget, Place, Progress, StudyError};
use softnce_train::device::DeviceName;

fn config(steps: usize) -> ClassesConfig {
    let changes = [
        "data.rows.rows=5000".to_owned(),
        "data.rows.classes=200".to_owned(),
        "data.rows.columns=16".to_owned(),
        "data.test_rows=300".to_owned(),
        format!("schedule.steps={steps}"),
        "training.batch_size=128".to_owned(),
        "evaluation.every=50".to_owned(),
    ];
    let variants = vec![
        Variant::new("the batch", [""; 0]).at("targets", 128).timed(),
        Variant::new("a queue", ["candidates={kind=\"queue\", size=128}"]).at("targets", 256),
        Variant::new("drawn", ["candidates={kind=\"classes\", count=100}"]).at("classes", 100).timed(),
        Variant::new("drawn, not corrected", ["candidates={kind=\"classes\", count=100, corrected=false}"]),
        Variant::new("all", ["candidates={kind=\"classes\"}"]).level().timed(),
    ];
    let group = Group {
        name: "few".to_owned(),
        title: "Few classes".to_owned(),
        about: "A test.".to_owned(),
        recipe: "many-classes".to_owned(),
        changes: changes.to_vec(),
        variants,
        measures: vec![ClassesMeasure::Divergence, ClassesMeasure::Top1, ClassesMeasure::StepTime],
    };
    ClassesConfig { seeds: 2, set: Vec::new(), groups: vec![group] }
}

fn study(
    config: ClassesConfig,
    out: &Path,
    budget: Budget<'_>,
    progress: &dyn Progress,
) -> Result<ClassesResults, StudyError> {
    run(config, "the command".into(), Place { data: out, device: DeviceName::Cpu, out, budget, progress })
}

/// Without the times, which differ from run to run.
fn timeless(results: &ClassesResults) -> Vec<Vec<(u64, f64, f64)>> {
    let runs = results.groups[0].rows.iter().flat_map(|row| &row.runs);
    runs.map(|run| run.history.iter().map(|at| (at.step, at.nll, at.divergence.unwrap())).collect()).collect()
}

#[test]
fn variants_are_trained_compared_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let (out, stopped) = (folder.path().join("whole"), folder.path().join("stopped"));
    let results = whole(|budget, progress| study(config(200), &out, budget, progress));
    let rows = &results.groups[0].rows;
    assert!(rows.iter().all(|row| row.runs.len() == 2 && row.runs[0].history.len() == 4));
    let divergence = |name: &str| {
        let row = rows.iter().find(|row| row.name == name).unwrap();
        row.values[&ClassesMeasure::Divergence].mean
    };
    // The correction is what makes the posterior the optimum.
    assert!(divergence("drawn") < divergence("drawn, not corrected"), "{rows:#?}");
    for (file, series) in [("few-samples.svg", 3), ("few-time.svg", 3)] {
        let drawing = fs::read_to_string(out.join(file)).unwrap();
        // Each once more in the legend.
        assert_eq!(check_drawing(&drawing, ["mean"]), [2 * series], "{file}");
    }
    check_table(&fs::read_to_string(out.join("results.md")).unwrap(), 4);
    check_page(&fs::read_to_string(out.join("report.html")).unwrap());
    check_columns(&fs::read_to_string(out.join("results.csv")).unwrap());
    assert!(!out.join("runs").exists());

    // Stopped and continued, it ends with the same values.
    let error = until(3, |budget, progress| study(config(200), &stopped, budget, progress)).unwrap_err();
    assert!(matches!(error, StudyError::Interrupted { finished: 3, planned: 10 }), "{error}");
    let again = whole(|budget, progress| study(config(200), &stopped, budget, progress));
    assert_eq!(timeless(&again), timeless(&results));
    let error = until(9, |budget, progress| study(config(100), &stopped, budget, progress)).unwrap_err().to_string();
    assert!(error.contains("holds a study with other settings (few-"), "{error}");

    // The files for people are written again from the results.
    let page = fs::read(out.join("report.html")).unwrap();
    fs::remove_file(out.join("report.html")).unwrap();
    softnce_experiments::write_report_again(&out).unwrap();
    assert_eq!(fs::read(out.join("report.html")).unwrap(), page);
}

#[test]
fn the_groups_of_the_program_are_valid_and_others_refused() {
    let config = ClassesConfig { seeds: 1, set: Vec::new(), groups: groups() };
    config.check().unwrap();
    let error = config.clone().only(&["few".to_owned()]).unwrap_err().to_string();
    assert!(error.starts_with("groups: few, expected each of generated-10000,"), "{error}");
    assert!(ClassesConfig { seeds: 0, ..config.clone() }.check().unwrap_err().to_string().contains("seeds: 0"));
    let mut twice = config;
    let group = twice.groups[0].clone();
    twice.groups.push(group);
    assert!(twice.check().unwrap_err().to_string().contains("each name once"));
}
