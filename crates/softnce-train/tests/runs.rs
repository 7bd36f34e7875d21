//! Runs: they learn, repeat themselves bit for bit, go on from any step as if never stopped, and name what they refuse.

use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use softnce_report::results::EpochRecord;
use softnce_store::StoreError;
use softnce_train::device::DeviceName;
use softnce_train::recipe::{Recipe, RecipeError};
use softnce_train::runs::{LAST, Library, Outcome, Progress, Run, RunData, RunError, StepReport, Summary, TrainedRun};
use tempfile::TempDir;

/// The digits, a small network and few epochs.
fn recipe(changes: &[&str]) -> Recipe {
    let base = ["network.hidden=[32]", "schedule.epochs=3", "data.imbalance=4.0"];
    let changes: Vec<String> = base.iter().chain(changes).map(|change| (*change).to_owned()).collect();
    Recipe::read("digits", &changes).unwrap()
}

fn open(recipe: &Recipe, out: &Path) -> Result<Run, RunError> {
    Run::open(recipe.clone(), Path::new("nowhere"), DeviceName::Cpu, out)
}

/// Trains to the end.
fn trained(recipe: &Recipe, out: &Path) -> Run {
    let mut run = open(recipe, out).unwrap();
    assert!(matches!(run.train(&AtomicBool::new(false), &()).unwrap(), Outcome::Finished(_)));
    run
}

fn weights(run: &Run) -> Vec<(String, Vec<f32>)> {
    let named = softnce_nn::weights::named(&run.state().network).unwrap();
    named.into_iter().map(|tensor| (tensor.name, tensor.values)).collect()
}

/// Stops after so many batches.
struct StopAfter<'s> {
    batches: Cell<usize>,
    stop: &'s AtomicBool,
}

impl Progress for StopAfter<'_> {
    fn start(&self, _: usize, _: usize, _: usize) {}
    fn step(&self, _: &StepReport) {
        self.batches.set(self.batches.get() - 1);
        if self.batches.get() == 0 {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
    fn epoch(&self, _: &EpochRecord) {}
    fn note(&self, _: &str) {}
}

#[test]
fn every_loss_learns() {
    for &loss in softnce::LossKind::ALL {
        let folder = TempDir::new().unwrap();
        let run = trained(&recipe(&["schedule.epochs=10", &format!("loss.kind={loss}")]), folder.path());
        let history = &run.state().history;
        let (first, last) = (&history[0], &history[9]);
        assert!(last.train_loss < first.train_loss, "{loss}: {} then {}", first.train_loss, last.train_loss);
        let (before, after) = (first.validation.unwrap(), last.validation.unwrap());
        // Binary cross-entropy first has to lower the scores of all wrong classes, which takes some of the ten epochs.
        let enough = if loss == softnce::LossKind::BinaryCrossEntropy { 0.5 } else { 0.8 };
        assert!(after.top1 > enough && after.nll < before.nll, "{loss}: {before:?} then {after:?}");
        assert!(history.iter().map(|record| record.epoch).eq(1..=10));
        let times = run.times().unwrap();
        assert!(times.step_ms > 0.0 && times.loss_ms.unwrap() > 0.0);
        for file in ["recipe.toml", "run.json", "metrics.json", "metrics.md", "history.csv", "report.html"] {
            assert!(std::fs::metadata(folder.path().join(file)).unwrap().len() > 0, "{file}");
        }
    }
}

#[test]
fn logit_adjustment_finds_the_rare_class_more_often() {
    let rarest_predicted = |adjustment: f64| {
        let folder = TempDir::new().unwrap();
        let change = format!("loss.logit_adjustment={adjustment:?}");
        let recipe = recipe(&["data.imbalance=50.0", "schedule.epochs=10", "loss.kind=nll", &change]);
        let mut run = open(&recipe, folder.path()).unwrap();
        match run.train(&AtomicBool::new(false), &()).unwrap() {
            Outcome::Finished(report) => report.result.classes[9].predicted,
            Outcome::Interrupted { epochs } => panic!("interrupted after {epochs}"),
        }
    };
    let found = [0.0, 1.0, 2.0].map(rarest_predicted);
    assert!(found[0] < found[1] && found[1] < found[2], "{found:?}");
}

/// Everything a resumed run has to carry on: averaged weights, momentum, a queue, accumulation with a short last group,
/// soft distribution InfoNCE's draws, a learned temperature.
fn rich() -> Recipe {
    recipe(&[
        "loss.kind=soft-distribution-infonce",
        "loss.learn_temperature=true",
        "candidates.kind=queue",
        "candidates.size=300",
        "training.accumulate=3",
        "training.batch_size=50",
        "training.workers=2",
        "optimizer.average=0.9",
        "optimizer.clip_norm=1.0",
        "optimizer.layer_decay=0.7",
        "schedule.warmup_epochs=0.5",
        "training.patience=2",
    ])
}

/// A residual network whose stem and first block are frozen, with averaged weights.
fn frozen() -> Recipe {
    let network = "network={kind=\"resnet\", depth=8, width=2, freeze=2}";
    recipe(&[network, "optimizer.average=0.9", "optimizer.weight_decay=0.5"])
}

#[test]
fn frozen_layers_keep_their_weights_and_statistics_to_the_bit() {
    let folder = TempDir::new().unwrap();
    let recipe = frozen();
    let before = weights(&open(&recipe, &folder.path().join("fresh")).unwrap());
    let run = trained(&recipe, &folder.path().join("trained"));
    let average = softnce_nn::weights::named(&run.state().average.as_ref().unwrap().network).unwrap();
    for (((name, before), (_, after)), average) in before.iter().zip(&weights(&run)).zip(&average) {
        let kept = ["conv1.", "bn1.", "layer1."].iter().any(|prefix| name.starts_with(prefix));
        assert_eq!(before == after, kept, "{name}");
        assert_eq!(*before == average.values, kept, "average of {name}");
    }
    let trains = |name: &str| name.starts_with("layer2.") || name.starts_with("layer3.") || name.starts_with("fc.");
    let counted = before.iter().filter(|(name, _)| trains(name) && !name.contains("running"));
    let expected: usize = counted.map(|(_, values)| values.len()).sum();
    assert_eq!(run.info().parameters, expected);
    let summary = Summary::new(&recipe, run.data()).unwrap();
    assert_eq!(summary.trained, expected);
    // Weights and their average; gradients and AdamW's two moments of what is trained.
    assert_eq!(summary.weight_bytes, 4 * (2 * summary.parameters + 3 * expected) as u64);
}

#[test]
fn the_same_recipe_gives_the_same_weights_at_any_number_of_workers() {
    let folder = TempDir::new().unwrap();
    let once = trained(&rich(), &folder.path().join("once"));
    let mut other = rich();
    (other.training.workers, other.training.prefetch) = (0, 0);
    let twice = trained(&other, &folder.path().join("twice"));
    assert_eq!(weights(&once), weights(&twice));
    other.seed = 1;
    assert_ne!(weights(&once), weights(&trained(&other, &folder.path().join("other"))));
}

#[test]
fn a_run_goes_on_from_any_step_as_if_never_stopped() {
    let folder = TempDir::new().unwrap();
    for (name, recipe) in [
        ("rich", rich()),
        ("sgd", recipe(&["optimizer.kind=sgd", "optimizer.learning_rate=0.1", "optimizer.average=0.5"])),
        ("draws", recipe(&["candidates.kind=draws", "candidates.count=64", "loss.kind=infonce"])),
        // So unbalanced that classes are missing in batches: only these are drawn.
        ("classes", {
            let candidates = ["candidates.kind=classes", "candidates.count=3"];
            recipe(&[&candidates[..], &["data.imbalance=50.0", "training.batch_size=50"]].concat())
        }),
        ("frozen", frozen()),
    ] {
        let whole = trained(&recipe, &folder.path().join(name));
        for batches in [1, 4, 7, 15, 23] {
            let out = folder.path().join(format!("{name}-{batches}"));
            let mut stops = 0;
            loop {
                let mut run = open(&recipe, &out).unwrap();
                let stop = AtomicBool::new(false);
                let progress = StopAfter { batches: Cell::new(batches), stop: &stop };
                if let Outcome::Finished(_) = run.train(&stop, &progress).unwrap() {
                    assert_eq!(weights(&run), weights(&whole), "{name}, stopped every {batches} batches");
                    let of = |run: &Run| -> Vec<f64> { run.state().history.iter().map(|e| e.train_loss).collect() };
                    assert_eq!(of(&run), of(&whole));
                    let average = |run: &Run| {
                        let average = run.state().average.as_ref().map(|average| &average.network);
                        average.map(|network| softnce_nn::weights::named(network).unwrap())
                    };
                    assert_eq!(average(&run), average(&whole));
                    let temperature = |run: &Run| run.state().loss.temperature().unwrap();
                    assert_eq!(temperature(&run), temperature(&whole));
                    break;
                }
                stops += 1;
                assert!(stops < 500, "{name}: no progress at {batches} batches a start");
            }
            assert!(stops > 0);
        }
    }
}

/// With all classes as candidates, soft target InfoNCE takes the steps of cross-entropy.
#[test]
fn all_classes_as_candidates_train_as_cross_entropy() {
    let folder = TempDir::new().unwrap();
    let mixed = "mixing={mixup=0.8, smoothing=0.1}";
    let classes = trained(&recipe(&[mixed, "candidates.kind=classes"]), &folder.path().join("classes"));
    let entropy = recipe(&[mixed, "loss.kind=soft-target-cross-entropy"]);
    let entropy = trained(&entropy, &folder.path().join("entropy"));
    assert_eq!(weights(&classes), weights(&entropy));
}

#[test]
fn a_finished_run_is_not_trained_again_and_another_recipe_is_refused() {
    let folder = TempDir::new().unwrap();
    let recipe = recipe(&[]);
    trained(&recipe, folder.path());
    let before = std::fs::read(folder.path().join(LAST)).unwrap();
    trained(&recipe, folder.path());
    assert_eq!(std::fs::read(folder.path().join(LAST)).unwrap(), before);
    let mut other = recipe.clone();
    other.training.batch_size = 64;
    let error = open(&other, folder.path()).err().unwrap();
    assert!(matches!(error, RunError::Store(StoreError::OtherSettings { .. })));
    assert!(error.to_string().contains("training.batch_size: 128 there, 64 here"), "{error}");
    let held = open(&recipe, folder.path()).unwrap();
    let error = open(&recipe, folder.path()).err().unwrap();
    assert!(matches!(error, RunError::Store(StoreError::Locked { .. })) && error.is_usage(), "{error}");
    drop(held);

    let foreign = folder.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("thesis.txt"), "kept").unwrap();
    assert!(matches!(open(&recipe, &foreign), Err(RunError::Store(StoreError::Foreign { .. }))));
    // A damaged checkpoint is named, not trained over.
    for damaged in [&before[..before.len() / 2], &before[..7], b""] {
        std::fs::write(folder.path().join(LAST), damaged).unwrap();
        let error = open(&recipe, folder.path()).err().unwrap();
        assert!(
            matches!(error, RunError::Store(StoreError::Invalid { .. })) && error.to_string().contains(LAST),
            "{error}"
        );
    }
}

#[test]
fn a_trained_run_is_tested_and_exported_as_it_was() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("run");
    let run = trained(&recipe(&["evaluation.best=true", "schedule.epochs=4"]), &out);
    let kept = TrainedRun::open(&out, DeviceName::Cpu).unwrap();
    let report = kept.test(run.data(), &AtomicBool::new(false)).unwrap().unwrap();
    let written: softnce_report::results::RunReport =
        serde_json::from_slice(&std::fs::read(out.join("metrics.json")).unwrap()).unwrap();
    assert_eq!(report.result, written.result);
    assert_eq!(report.scaled, written.scaled);
    let (mut rows, mut sum) = (0, 0.0);
    let stop = AtomicBool::new(false);
    let whole = kept.predict(&run.data().test, kept.temperature(), &stop, |index, scores| {
        assert_eq!(index, rows);
        rows += 1;
        sum += scores.unwrap().posterior.iter().sum::<f64>();
        Ok(())
    });
    assert!(whole.unwrap());
    assert_eq!(rows, 1797);
    assert!((sum - 1797.0).abs() < 1e-6);
    let fitted = kept.scaled_temperature().unwrap();
    assert_eq!(Some(fitted), written.scaled.as_ref().map(|scaled| scaled.fit.temperature));
    assert_eq!(written.scaled.unwrap().fit.examples, run.data().validation.as_ref().unwrap().len());
    let file = folder.path().join("weights.safetensors");
    kept.export(&file, Library::Timm).unwrap();
    let (one, other) =
        [file, out.join("best.safetensors")].map(|file| softnce_nn::weights::read_checkpoint(&file).unwrap()).into();
    assert_eq!(one, other);
    // Both files describe the run under the same keys.
    let [exported, best] = [folder.path().join("weights.safetensors"), out.join("best.safetensors")]
        .map(|file| softnce_nn::weights::read_metadata(&file).unwrap());
    for key in ["softnce_version", "recipe_name", "recipe", "temperature"] {
        assert_eq!(exported[key], best[key], "{key}");
    }
    assert_eq!((&best["recipe_name"], &best["recipe"]), (&run.recipe().name, &run.recipe().to_toml().unwrap()));
    assert!(exported.contains_key("classes") && best.contains_key("epoch"));
    let error = TrainedRun::open(folder.path(), DeviceName::Cpu).unwrap_err();
    assert!(matches!(error, RunError::Store(StoreError::Missing { .. })), "{error}");
}

#[test]
fn divergence_is_told_from_bad_input() {
    let folder = TempDir::new().unwrap();
    // A decay of 300 at rate 1 turns every weight into minus 299 times itself at each step.
    let wild = recipe(&["optimizer.weight_decay=300.0", "optimizer.learning_rate=1.0", "schedule.epochs=40"]);
    let error = open(&wild, folder.path()).unwrap().train(&AtomicBool::new(false), &()).unwrap_err();
    assert!(error.is_divergence() && !error.is_usage(), "{error}");
    let mut wrong = recipe(&[]);
    wrong.schedule.epochs = 0;
    let error = open(&wrong, &folder.path().join("new")).err().unwrap();
    assert!(!error.is_divergence() && error.is_usage());
    assert!(matches!(error, RunError::Recipe(RecipeError::Refused { .. })));
    assert!(!folder.path().join("new").exists(), "nothing is written for a recipe that is refused");
}

#[test]
fn what_the_data_does_not_allow_is_named() {
    let folder = TempDir::new().unwrap();
    let refused = |changes: &[&str]| open(&recipe(changes), &folder.path().join("run")).err().unwrap().to_string();
    assert!(refused(&["data.path=\"absent\"", "data.layout=\"idx\""]).contains("absent"));
    assert!(refused(&["data.train_labels={kind=\"csv\", path=\"absent.csv\"}"]).contains("absent.csv"));
    let network = "network={kind=\"vit\", patch=3, preset=\"tiny\"}".to_owned();
    assert!(Recipe::read("digits", &[network]).unwrap_err().to_string().contains("network.patch is 3"));
    assert!(refused(&["training.batch_size=100000", "training.drop_last=true"]).contains("100000"));
    assert!(!folder.path().join("run").exists());
}

/// The epochs of `history.jsonl`, without times.
fn history(out: &Path) -> Vec<(u64, f64, Option<f64>)> {
    let text = std::fs::read_to_string(out.join("history.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines
        .map(|line| {
            let epoch = line["epoch"].as_u64().unwrap();
            (epoch, line["train_loss"].as_f64().unwrap(), line["validation_nll"].as_f64())
        })
        .collect()
}

#[test]
fn the_history_is_there_while_training_and_holds_each_epoch_once() {
    let folder = TempDir::new().unwrap();
    let recipe = recipe(&["schedule.epochs=6"]);
    let whole = trained(&recipe, &folder.path().join("whole"));
    let expected = history(&folder.path().join("whole"));
    let kept = whole.state().history.iter();
    let kept: Vec<_> =
        kept.map(|epoch| (epoch.epoch as u64, epoch.train_loss, epoch.validation.map(|v| v.nll))).collect();
    assert_eq!(expected, kept);

    // Stopped in the middle of the third epoch; then, as a killed process would, an epoch more than in its checkpoint.
    let out = folder.path().join("parted");
    let stop = AtomicBool::new(false);
    let batches = Cell::new(whole_batches(&recipe) * 2 + 1);
    open(&recipe, &out).unwrap().train(&stop, &StopAfter { batches, stop: &stop }).unwrap();
    assert_eq!(history(&out), expected[..2]);
    let path = out.join("history.jsonl");
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("{\"epoch\":3,\"train_loss\":9.5}\n{\"epo");
    std::fs::write(&path, text).unwrap();
    trained(&recipe, &out);
    assert_eq!(history(&out), expected);
    let events = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().contains("tfevents");
    assert_eq!(std::fs::read_dir(&out).unwrap().flatten().filter(events).count(), 2, "one a start");
}

/// Batches of an epoch.
fn whole_batches(recipe: &Recipe) -> usize {
    let data = RunData::open(&recipe.data, Path::new("nowhere")).unwrap();
    data.train.len().div_ceil(recipe.training.batch_size)
}
