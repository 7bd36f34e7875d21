//! The study of features from end to end, on small rows.

#![allow(clippy::unwrap_used)]

#[path = "common/npy.rs"]
mod npy;
#[path = "common/prepared.rs"]
mod prepared;

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use softnce_experiments::features::{FeatureTask, FeaturesConfig, FeaturesResults, Head, Method, run};
use softnce_experiments::{Budget, Measure, Place, Progress, StudyError};
use softnce_train::device::DeviceName;
use tempfile::TempDir;

/// The names of the parts that were trained.
#[derive(Default)]
struct Trained(Mutex<Vec<String>>);

impl Progress for Trained {
    fn start(&self, _: usize, _: usize) {}
    fn part(&self, name: &str) {
        self.0.lock().unwrap().push(name.to_owned());
    }
    fn finished(&self) {}
}

fn study(data: &Path, out: &Path) -> Result<(FeaturesResults, Vec<String>), StudyError> {
    let task = FeatureTask {
        name: "few".into(),
        title: "Few rows".into(),
        changes: vec!["data.path=\"cifar-100-lite0\"".into()],
    };
    let changes = ["schedule.epochs=1", "schedule.warmup_epochs=0"].map(str::to_owned).to_vec();
    let config = FeaturesConfig { tasks: vec![task], seeds: 2, trials: 3, changes, ..FeaturesConfig::default() };
    let (trained, stop) = (Trained::default(), AtomicBool::new(false));
    let place = Place { data, device: DeviceName::Cpu, out, budget: Budget::new(&stop, None), progress: &trained };
    let results = run(config, "the command".into(), place, 2)?;
    Ok((results, trained.0.into_inner().unwrap()))
}

#[test]
fn every_loss_is_tuned_and_trained_once() {
    let (data, out) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    prepared::prepare(data.path());
    let (results, trained) = study(data.path(), out.path()).unwrap();
    let methods = Method::ALL.len();
    assert_eq!(trained.len(), 2 * methods * (3 + 2));
    for (task, head) in results.tasks.iter().zip(Head::ALL) {
        assert_eq!((task.head, task.rows, task.methods.len()), (head, [900, 100, 200], methods));
        for (found, method) in task.methods.iter().zip(Method::ALL) {
            assert_eq!((found.method, found.runs.len()), (method, 2));
            // Three trials leave neighbours of the best one untried.
            assert!(!found.open.is_empty(), "{found:?}");
            for (seed, run) in found.runs.iter().enumerate() {
                let part = out.path().join(format!("parts/few-{head}-{}-seed{seed}.json", method.0));
                let kept: serde_json::Value = serde_json::from_slice(&fs::read(part).unwrap()).unwrap();
                assert_eq!(
                    kept["content"]["values"]["top1"].as_f64(),
                    Some(run[&Measure::TOP1]),
                    "{method:?}, seed {seed}"
                );
                // A split for each seed.
                assert_eq!(kept["content"]["recipe"]["data"]["split_seed"].as_u64(), Some(seed as u64));
            }
        }
    }
    let (again, trained) = study(data.path(), out.path()).unwrap();
    assert_eq!((again, trained), (results, Vec::new()));
    // Rows of another network.
    let rows = data.path().join("cifar-100-lite0/train.npy");
    let mut bytes = fs::read(&rows).unwrap();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&7.0_f32.to_le_bytes());
    fs::write(rows, bytes).unwrap();
    let message = study(data.path(), out.path()).unwrap_err().to_string();
    assert!(message.contains("the rows of the set: few, expected the rows that the trainings"), "{message}");
}
