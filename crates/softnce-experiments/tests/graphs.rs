//! The graph study from end to end, on a made graph: what it keeps, what it finds, what it refuses.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use common::pages::{check_page, check_table};
use common::{check_columns, until, whole};
use softnce::LossKind;
use softnce_experiments::StudyError;
use softnce_experiments::graphs::{
    Candidates, ClassedSummary, DistilledSummary, GraphsConfig, GraphsResults, Source, run,
};
use softnce_store::StoreError;

/// Sixty nodes of two classes in a ring, most edges within a class; a feature for the class, one in five wrong.
fn make(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let (mut nodes, mut edges) = (String::from("node,label,split,features\n"), String::from("src,dst\n"));
    for node in 0..60 {
        let label = usize::from(node >= 30);
        let split = ["train", "val", "test"][node % 3];
        let feature = if node % 5 == 0 { 1 - label } else { label };
        writeln!(nodes, "{node},{label},{split},{feature} {}", 2 + node % 4).unwrap();
        writeln!(edges, "{node},{}", (node + 1) % 60).unwrap();
    }
    fs::write(folder.join("edges.csv"), edges).unwrap();
    let file = File::create(folder.join("nodes.csv.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    packed.write_all(nodes.as_bytes()).unwrap();
    packed.finish().unwrap();
}

/// Two rates, two seeds.
fn short(epochs: usize) -> GraphsConfig {
    let graphs = vec!["ring".into()];
    GraphsConfig { graphs, seeds: 2, rates: vec![0.01, 0.1], tuning_seeds: 1, epochs, ..GraphsConfig::default() }
}

fn to_the_end(config: GraphsConfig, data: &Path, out: &Path) -> GraphsResults {
    whole(|budget, progress| run(config.clone(), "the command".into(), data, out, budget, progress))
}

#[test]
fn an_interrupted_study_ends_with_the_results_of_a_whole_one() {
    let folder = tempfile::tempdir().unwrap();
    let (data, at_once, parted) = (folder.path(), folder.path().join("whole"), folder.path().join("parted"));
    make(&data.join("ring"));
    let expected = to_the_end(short(3), data, &at_once);
    // 2 sources of 8 losses at 2 rates, then 16 that are compared: once within the trials, once behind them.
    for finished in [3, 40] {
        let done = fs::read_dir(parted.join("parts")).map_or(0, Iterator::count);
        let outcome = until(finished - done, |budget, progress| {
            run(short(3), "the command".into(), data, &parted, budget, progress)
        });
        let error = outcome.unwrap_err().to_string();
        assert_eq!(error, format!("stopped with {finished} of 48 parts finished"));
    }
    assert_eq!(to_the_end(short(3), data, &parted), expected);
    for file in ["study.json", "results.json", "results.csv", "results.md", "report.html"] {
        assert_eq!(fs::read(at_once.join(file)).unwrap(), fs::read(parted.join(file)).unwrap(), "{file}");
    }
    check_page(&fs::read_to_string(parted.join("report.html")).unwrap());
    let tables = fs::read_to_string(parted.join("results.md")).unwrap();
    let (results, classes) = tables.split_once("\nring\n").unwrap();
    check_table(results, 7);
    check_table(classes, 5);
    assert!(fs::read_to_string(parted.join("report.html")).unwrap().contains("the optimum of soft target InfoNCE"));
    let csv = fs::read_to_string(parted.join("results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 16 * 2);
    check_columns(&csv);
    // The test nodes are looked at by the compared runs alone.
    assert!(expected.tuning.iter().flat_map(|(_, runs)| runs).all(|run| run.test.is_none()));
}

#[test]
fn every_loss_learns_the_ring() {
    let folder = tempfile::tempdir().unwrap();
    make(&folder.path().join("ring"));
    let results = to_the_end(short(150), folder.path(), &folder.path().join("out"));
    for source in [Source::Labels, Source::Teacher] {
        assert_eq!(results.of("ring", source).count(), 8);
        for row in results.of("ring", source) {
            assert!(row.values[0].mean > 85.0, "{:?}: {:?}", row.unit, row.values);
            // Targets of a teacher are looked at beside it; on a ring it is right, and so is what learned from it.
            assert_eq!(row.distilled.is_some(), source == Source::Teacher);
            let right = |found: &DistilledSummary| {
                let sure = |found: &ClassedSummary| found.top1.mean > 85.0 && found.agreement.mean > 85.0;
                let of_targets = row.unit.candidates == Candidates::Targets;
                let is_one = row.unit.loss == LossKind::SoftTargetInfoNce && of_targets;
                sure(&found.teacher) && sure(&found.network) && found.optimum.as_ref().map_or(!is_one, sure)
            };
            assert!(row.distilled.as_ref().is_none_or(right), "{:?}", row.distilled);
        }
    }
}

/// With all classes as candidates the network is that of cross-entropy.
#[test]
fn class_candidates_give_the_results_of_cross_entropy() {
    let folder = tempfile::tempdir().unwrap();
    make(&folder.path().join("ring"));
    let config = GraphsConfig { rates: vec![0.01], ..short(20) };
    let results = to_the_end(config, folder.path(), &folder.path().join("out"));
    for source in [Source::Labels, Source::Teacher] {
        let of = |loss: LossKind, candidates: Candidates| {
            let mut rows = results.of("ring", source);
            rows.find(|row| (row.unit.loss, row.unit.candidates) == (loss, candidates)).unwrap()
        };
        let classes = of(LossKind::SoftTargetInfoNce, Candidates::Classes);
        let entropy = of(LossKind::SoftTargetCrossEntropy, Candidates::Targets);
        assert_eq!(classes.values, entropy.values, "{source:?}");
        assert_ne!(of(LossKind::SoftTargetInfoNce, Candidates::Draws(2)).values, entropy.values, "{source:?}");
    }
}

#[test]
fn a_rate_that_diverges_at_the_last_step_is_not_chosen() {
    let folder = tempfile::tempdir().unwrap();
    make(&folder.path().join("ring"));
    let config = GraphsConfig { rates: vec![0.01, 1e300], ..short(1) };
    let results = to_the_end(config, folder.path(), &folder.path().join("out"));
    assert!(results.rows.iter().all(|row| row.unit.rate == 0.01));
    assert!(results.tuning.iter().all(|(unit, runs)| runs.iter().all(|run| run.diverged == (unit.rate > 1.0))));
}

#[test]
fn trainings_that_diverge_are_counted_and_do_not_end_the_study() {
    let folder = tempfile::tempdir().unwrap();
    make(&folder.path().join("ring"));
    // One rate, at which every loss diverges with every seed.
    let config = GraphsConfig { rates: vec![1e300], ..short(2) };
    let out = folder.path().join("out");
    let results = to_the_end(config, folder.path(), &out);
    assert!(results.rows.is_empty());
    assert_eq!(results.diverged.len(), 2 * 2 * 8);
    let text = std::fs::read_to_string(out.join("results.md")).unwrap();
    assert!(
        text.contains("Diverged and left out, so that the results of these losses are too favourable: 32 trainings."),
        "{text}"
    );
    assert!(
        text.contains("seed 1: the training diverged at step ") && text.contains("at learning rate 1.00e300"),
        "{text}"
    );

    // One seed of one loss: the others are compared, paired by the seeds that both have.
    let config = GraphsConfig { rates: vec![0.01], ..short(3) };
    let out = folder.path().join("some");
    to_the_end(config.clone(), folder.path(), &out);
    let part = out.join("parts/run-ring-labels-nll.json");
    let mut kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&part).unwrap()).unwrap();
    let run = &mut kept["content"][1][1];
    run["diverged"] = true.into();
    run["test"] = serde_json::Value::Null;
    run["reason"] = "seed 1: the training diverged at step 4".into();
    // Without its checksum, as earlier revisions wrote it.
    kept.as_object_mut().unwrap().remove("softnce_checksum").unwrap();
    std::fs::write(&part, kept.to_string()).unwrap();
    let results = to_the_end(config, folder.path(), &out);
    assert_eq!((results.rows.len(), results.diverged.len()), (16, 1));
    let row =
        results.rows.iter().find(|row| row.unit.loss == LossKind::Nll && row.unit.source == Source::Labels).unwrap();
    assert_eq!(row.runs.iter().map(|run| run.seed).collect::<Vec<_>>(), [0]);
    assert!(row.differences.is_some());
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(
        page.contains("1 training. ring, targets from labels, NLL, seed 1: the training diverged at step 4."),
        "{page}"
    );
}

#[test]
fn other_data_or_settings_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path(), folder.path().join("out"));
    make(&data.join("ring"));
    let error_of = |config: &GraphsConfig| {
        until(1, |budget, progress| run(config.clone(), String::new(), data, &out, budget, progress)).unwrap_err()
    };
    for (config, name) in [
        (GraphsConfig { graphs: vec![], ..short(1) }, "graphs"),
        (GraphsConfig { graphs: vec!["a/b".into(), "a-b".into()], ..short(1) }, "graphs"),
        (GraphsConfig { seeds: 0, ..short(1) }, "seeds"),
        (GraphsConfig { tuning_seeds: 0, ..short(1) }, "tuning_seeds"),
        (GraphsConfig { rates: vec![0.1, 0.1], ..short(1) }, "rates"),
        (GraphsConfig { rates: vec![f64::NAN], ..short(1) }, "rates"),
        (GraphsConfig { hidden: 0, ..short(1) }, "hidden"),
        (GraphsConfig { epochs: 0, ..short(1) }, "epochs"),
        (GraphsConfig { dropout: 1.0, ..short(1) }, "dropout"),
        (GraphsConfig { smoothing: -0.1, ..short(1) }, "smoothing"),
        (GraphsConfig { weight_decay: 2.0, ..short(1) }, "weight_decay"),
    ] {
        let error = error_of(&config);
        assert!(matches!(error, StudyError::Argument { argument, .. } if argument == name), "{name}: {error}");
    }
    let error = error_of(&GraphsConfig { graphs: vec!["none".into()], ..short(1) });
    assert!(matches!(&error, StudyError::Missing { .. }) && error.to_string().starts_with("graphs: "), "{error}");
    assert!(!out.exists());
    let stopped = until(1, |budget, progress| run(short(1), String::new(), data, &out, budget, progress));
    assert!(matches!(stopped, Err(StudyError::Interrupted { finished: 1, .. })), "{stopped:?}");
    let edges = fs::read_to_string(data.join("ring/edges.csv")).unwrap();
    fs::write(data.join("ring/edges.csv"), edges.trim_end().rsplit_once('\n').unwrap().0).unwrap();
    let error = error_of(&short(1));
    assert!(matches!(&error, StudyError::Store(StoreError::OtherSettings { .. })), "{error}");
    assert!(error.to_string().contains("digests: "), "{error}");
}
