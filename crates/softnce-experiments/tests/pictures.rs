//! The study of the claims from end to end, on the embedded pictures: what it keeps, what it says, what it refuses.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/pages.rs"]
mod pages;

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use pages::{check_drawing, check_page, check_table};
use softnce::LossKind;
use softnce_experiments::pictures::{PictureSet, PicturesConfig, PicturesResults, run};
use softnce_experiments::{Budget, Place, Progress, StudyError};
use softnce_train::device::DeviceName;

struct Silent;

impl Progress for Silent {
    fn start(&self, _: usize, _: usize) {}
    fn part(&self, _: &str) {}
    fn finished(&self) {}
}

/// Two seeds, two epochs, one rate.
fn short() -> PicturesConfig {
    let mut sets = PictureSet::named(&["digits".into()]).unwrap();
    let changes = ["schedule.epochs=2", "compare.seeds=2", "compare.learning_rates=[0.01]"];
    sets[0].changes.extend(changes.map(str::to_owned));
    PicturesConfig { sets, margin: 0.5 }
}

fn ran(config: PicturesConfig, out: &Path, time: Option<Duration>) -> Result<PicturesResults, StudyError> {
    let stop = AtomicBool::new(false);
    let (device, budget) = (DeviceName::Cpu, Budget::new(&stop, time));
    run(config, "the command".into(), Place { data: out, device, out, budget, progress: &Silent }, None)
}

#[test]
fn out_of_time_it_stops_and_goes_on_to_the_claims() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("pictures");
    let outcome = ran(short(), &out, Some(Duration::ZERO));
    assert!(matches!(outcome, Err(StudyError::Interrupted { finished: 0, planned: 1 })), "{outcome:?}");
    assert!(!out.join("report.html").exists());
    let results = ran(short(), &out, None).unwrap();
    let set = &results.sets[0];
    assert_eq!((set.name.as_str(), set.rows.len(), set.epochs), ("digits", 5, 2));
    let others: Vec<LossKind> = set.claims.iter().map(|claim| claim.other).collect();
    assert_eq!(others, [LossKind::SoftTargetCrossEntropy, LossKind::Nll, LossKind::InfoNce]);
    // The difference is that of the means.
    let accuracy = |loss: LossKind| 100.0 * set.rows.iter().find(|row| row.loss == loss).unwrap().values[0].mean;
    for claim in &set.claims {
        let expected = accuracy(LossKind::SoftTargetInfoNce) - accuracy(claim.other);
        assert!((claim.difference.mean - expected).abs() < 1e-9, "{claim:?}, {expected}");
    }
    let read: PicturesResults = serde_json::from_slice(&fs::read(out.join("results.json")).unwrap()).unwrap();
    assert_eq!(read, results);
    check_page(&fs::read_to_string(out.join("report.html")).unwrap());
    let tables = fs::read_to_string(out.join("results.md")).unwrap();
    let (claims, figures) = tables.split_once("\n\n").unwrap();
    assert_eq!(claims.lines().count(), 2 + 3);
    check_table(figures, 7);
    assert!(out.join("digits/report.html").exists());
    let drawing = fs::read_to_string(out.join("claims.svg")).unwrap();
    // A mark a claim, and the margin where the claim is equivalence.
    assert_eq!(check_drawing(&drawing, ["marker", "band", "heading"]), [3, 1, 1]);
}

#[test]
fn settings_out_of_range_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("none");
    let refused = |config: PicturesConfig| match ran(config, &out, None).unwrap_err() {
        StudyError::Argument { argument, .. } => argument,
        other => panic!("{other}"),
    };
    assert_eq!(refused(PicturesConfig { sets: vec![], ..short() }), "sets");
    assert_eq!(refused(PicturesConfig { margin: 0.0, ..short() }), "margin");
    let mut single = short();
    single.sets[0].changes.push("compare.seeds=1".into());
    assert_eq!(refused(single), "seeds");
    let error = PictureSet::named(&["mnist".into()]).unwrap_err().to_string();
    assert_eq!(error, "sets: mnist, expected each of digits, fashion-mnist, cifar10h, cifar100 at most once");
    assert!(PictureSet::named(&["digits".into(), "digits".into()]).is_err());
    let mut unknown = short();
    unknown.sets[0].changes.push("compare.sedes=3".into());
    assert!(matches!(ran(unknown, &out, None), Err(StudyError::Recipe(_))));
    assert!(!out.exists());
    // All sets of the study have recipes that can be read.
    PicturesConfig::default().check().unwrap();
}
