//! Trainings from a recipe to their results: they learn, they continue with the same bits, they refuse what cannot be.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use softnce_classes::recipe::ClassesRecipe;
use softnce_classes::run::{ClassesData, ClassesRun, Outcome, Progress, RunResults, StepReport};

const GENERATED: &str = r#"
name = "test"
[data]
kind = "generated"
test_rows = 300
[data.rows]
rows = 20000
classes = 2000
columns = 32
cluster_size = 8
exponent = 0.8
separation = 8.0
offset = 3.0
[optimizer]
kind = "adagrad"
learning_rate = 0.2
[schedule]
steps = 60
[training]
batch_size = 256
[evaluation]
every = 30
"#;

fn recipe(changes: &str) -> ClassesRecipe {
    let mut table: toml::Table = toml::from_str(GENERATED).unwrap();
    for (key, value) in toml::from_str::<toml::Table>(changes).unwrap() {
        table.insert(key, value);
    }
    ClassesRecipe::from_table("test", table).unwrap()
}

fn open(recipe: &ClassesRecipe, folder: &Path) -> ClassesRun {
    let data = ClassesData::open(&recipe.data, Path::new(".")).unwrap();
    ClassesRun::open(recipe.clone(), data, folder).unwrap()
}

fn train(recipe: &ClassesRecipe) -> RunResults {
    let folder = tempfile::tempdir().unwrap();
    match open(recipe, &folder.path().join("run")).train(&AtomicBool::new(false), &()).unwrap() {
        Outcome::Finished(results) => *results,
        Outcome::Interrupted { steps } => panic!("stopped after {steps} steps"),
    }
}

/// Without the times, which differ from run to run.
fn timeless(mut results: RunResults) -> RunResults {
    results.history.iter_mut().for_each(|evaluation| evaluation.seconds = 0.0);
    results
}

/// Stops after some steps.
struct StopAfter<'s> {
    step: u64,
    stop: &'s AtomicBool,
}

impl Progress for StopAfter<'_> {
    fn step(&self, report: &StepReport) {
        if report.step == self.step {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Each kind of candidates, optimiser and storage: learns, and a run that is stopped ends with the same bits.
#[test]
fn trainings_learn_and_continue_with_the_same_bits() {
    let untrained = (2000_f64).ln();
    for (name, changes) in [
        ("batch", ""),
        ("queue, bias", "candidates = { kind = \"queue\", size = 600 }\nhead = { bias = true }"),
        (
            "drawn classes, learned temperature",
            "candidates = { kind = \"classes\", count = 400 }\nloss = { alpha = 0.75, learn_temperature = true }",
        ),
        ("all classes", "candidates = { kind = \"classes\" }"),
        ("estimated noise", "loss = { noise = \"estimated\" }"),
        (
            "AdamW on disk",
            "optimizer = { kind = \"adamw\", learning_rate = 0.02, weight_decay = 0.01 }\n\
             head = { storage = { place = \"disk\" } }\ntraining = { batch_size = 256, checkpoint_seconds = 1e-9 }",
        ),
        (
            "SGD, bf16",
            "optimizer = { kind = \"sgd\", learning_rate = 5.0, momentum = 0.9 }\nhead = { storage = { weights = \"bf16\", state = \"bf16\" } }",
        ),
        ("directions", "head = { normalise = true, init_std = 0.1 }\nloss = { temperature = 0.1 }"),
    ] {
        let recipe = recipe(changes);
        let whole = train(&recipe);
        let last = whole.history.last().unwrap();
        assert!(last.nll < untrained - 0.8, "{name}: {} of {untrained}", last.nll);
        assert!(last.ranking.at[0].precision > 0.05, "{name}: {}", last.ranking.at[0].precision);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let stop = AtomicBool::new(false);
        for step in [17, 41] {
            stop.store(false, Ordering::Relaxed);
            let outcome = open(&recipe, &path).train(&stop, &StopAfter { step, stop: &stop }).unwrap();
            assert!(matches!(outcome, Outcome::Interrupted { steps } if steps == step), "{name}: {outcome:?}");
        }
        let Outcome::Finished(parts) = open(&recipe, &path).train(&AtomicBool::new(false), &()).unwrap() else {
            panic!("{name}: stopped")
        };
        assert_eq!(timeless(*parts), timeless(whole), "{name}");
    }
}

/// The posterior of generated rows is approached.
#[test]
fn the_distance_to_the_true_posterior_falls() {
    let results = train(&recipe("schedule = { steps = 300 }\nevaluation = { every = 100 }\nhead = { bias = true }"));
    let distances: Vec<f64> = results.history.iter().map(|evaluation| evaluation.divergence.unwrap()).collect();
    assert!(distances[2] < 0.9 * distances[0], "{distances:?}");
}

#[test]
fn a_folder_with_another_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let stop = AtomicBool::new(true);
    let first = recipe("");
    drop(open(&first, &path).train(&stop, &()).unwrap());
    let other = recipe("seed = 3");
    let data = ClassesData::open(&other.data, Path::new(".")).unwrap();
    let message = ClassesRun::open(other, data, &path).map(drop).unwrap_err().to_string();
    assert!(message.contains("seed"), "{message}");
}

#[test]
fn settings_out_of_range_are_named() {
    for (changes, expected) in [
        ("head = { normalise = true }", "head.init_std is 0, expected above 0 with head.normalise"),
        ("schedule = { steps = 0 }", "schedule.steps is 0, expected at least 1"),
        ("evaluation = { k = [] }", "evaluation.k is [], expected numbers from 1"),
        ("candidates = { kind = \"queue\", size = 0 }", "candidates.size is 0, expected 1 to 65,536"),
        ("optimizer = { kind = \"adagrad\", learning_rate = 0.0 }", "optimizer.learning_rate is 0, expected"),
        ("candidates = { kind = \"classes\", count = 5 }\nloss = { noise = \"estimated\" }", "loss.noise is estimated"),
        ("encoder = { kind = \"bag\", width = 8 }", "encoder.kind is bag, expected \"none\""),
        ("schedule = { steps = 5, epochs = 2 }", "unknown field `epochs`"),
    ] {
        let mut table: toml::Table = toml::from_str(GENERATED).unwrap();
        table.extend(toml::from_str::<toml::Table>(changes).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let made = ClassesRecipe::from_table("test", table).and_then(|recipe| {
            let data = ClassesData::open(&recipe.data, Path::new("."))?;
            ClassesRun::open(recipe, data, &folder.path().join("run")).map(drop)
        });
        let message = made.unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
