//! Training over many classes: train, resume after a kill, dry run, eval; what is refused.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const GENERATED: &str = r#"
name = "many"
[data]
kind = "generated"
test_rows = 100
rows = { rows = 5000, classes = 1000, columns = 16, cluster_size = 8, separation = 8.0, offset = 3.0 }
[optimizer]
kind = "adagrad"
learning_rate = 0.2
[schedule]
steps = 40
[training]
batch_size = 128
[evaluation]
every = 20
"#;

/// Six rows of five inputs in the text format of the Extreme Classification Repository.
const SPARSE: &str = "6 5 4\n0,2 0:1 3:0.5\n1 1:2\n3 4:1 0:0.25\n2 3:1\n0 0:1\n1,3 1:1 4:1\n";

struct Place(TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(TempDir::new().unwrap());
        fs::write(place.path("many.toml"), GENERATED).unwrap();
        fs::write(place.path("rows.txt"), SPARSE).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_softnce"));
        command.args(arguments).current_dir(self.0.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn runs(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn refused(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }

    fn history(&self, run: &str) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.path(run).join("results.json")).unwrap();
        let results: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut history = results["history"].as_array().unwrap().clone();
        history.iter_mut().for_each(|evaluation| evaluation["seconds"] = 0.into());
        history
    }
}

#[test]
fn a_run_is_trained_evaluated_and_finished() {
    let place = Place::new();
    let text = place.runs(&["train", "many.toml", "--out", "run"]);
    assert!(text.contains("Report: run/report.html"), "{text}");
    assert_eq!(place.history("run").len(), 2);
    // The evaluation is that of the end; a finished run is not trained again.
    let again = place.runs(&["eval", "run", "--json", "metrics.json"]);
    assert!(again.starts_with("after 40 steps: NLL ") && again.contains("\nat 5: precision "), "{again}");
    let metrics: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(place.path("metrics.json")).unwrap()).unwrap();
    assert_eq!(metrics["ranking"], place.history("run")[1]["ranking"]);
    assert_eq!(place.runs(&["train", "many.toml", "--out", "run"]), text);
}

/// A run that is killed at any moment continues, with the same result.
#[cfg(unix)]
#[test]
fn a_run_that_is_killed_ends_with_the_same_bits() {
    let place = Place::new();
    let set =
        ["--set", "schedule.steps=1500", "--set", "evaluation.every=500", "--set", "training.checkpoint_seconds=0.01"];
    let arguments = |out: &'static str| [&["train", "many.toml", "--out", out][..], &set].concat();
    place.runs(&arguments("whole"));
    let mut killed = 0;
    for wait in [40, 150, 90, 260] {
        let mut child = place.command(&arguments("parts")).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(wait) && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        killed += i32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed > 0, "every start ran to its end");
    place.runs(&arguments("parts"));
    assert_eq!(place.history("parts"), place.history("whole"));
}

#[test]
fn a_dry_run_prints_the_whole_recipe_and_its_sizes() {
    let place = Place::new();
    let text = place.runs(&["train", "many.toml", "--dry-run"]);
    // Of generated rows only the expected counts are known.
    assert!(text.contains("# classes: 1000\n") && text.contains("# parameters: 16000"), "{text}");
    assert!(!place.path("runs").exists());
    // It is a recipe itself.
    fs::write(place.path("whole.toml"), &text).unwrap();
    assert_eq!(place.runs(&["train", "whole.toml", "--dry-run"]), text);
}

#[test]
fn sparse_rows_with_several_labels_are_trained() {
    let place = Place::new();
    let recipe = "name = \"sparse\"\n[data]\nkind = \"sparse-text\"\ntrain = \"rows.txt\"\ntest = \"rows.txt\"\n\
                  [encoder]\nkind = \"bag\"\nwidth = 8\npooling = \"norm\"\n[optimizer]\nkind = \"adamw\"\n\
                  learning_rate = 0.05\n[schedule]\nsteps = 80\n[evaluation]\nk = [1, 2]\n";
    fs::write(place.path("sparse.toml"), recipe).unwrap();
    let sizes = place.runs(&["train", "sparse.toml", "--data", ".", "--dry-run"]);
    assert!(sizes.contains("# classes: 4, of which 4 occur in the training rows"), "{sizes}");
    place.runs(&["train", "sparse.toml", "--data", ".", "--out", "run"]);
    let text = place.runs(&["eval", "run", "--data", "."]);
    assert!(text.contains("at 1: precision 100.00 %"), "{text}");
    // Row 2 has class 3.
    let rows = place.runs(&["predict", "run", "rows.txt", "--top", "2"]);
    assert!(rows.starts_with("row,class_1,probability_1,class_2,probability_2\n"), "{rows}");
    assert!(rows.lines().nth(3).unwrap().starts_with("2,3,"), "{rows}");
    let message = place.refused(&["predict", "run", "rows.txt", "--logits"], 2);
    assert!(message.contains("--logits is set, expected no such option"), "{message}");
    place.runs(&["export", "run", "weights.safetensors"]);
    assert!(fs::metadata(place.path("weights.safetensors")).unwrap().len() > 4 * 8 * 4);
    let message = place.refused(&["export", "run", "weights.onnx"], 2);
    assert!(message.contains("expected a .safetensors file"), "{message}");
    let message = place.refused(&["export", "run", "weights.safetensors", "--names", "timm"], 2);
    assert!(message.contains("--names is timm, expected no such option"), "{message}");
    let report = fs::read(place.path("run/report.html")).unwrap();
    fs::remove_file(place.path("run/report.html")).unwrap();
    place.runs(&["report", "run"]);
    assert_eq!(fs::read(place.path("run/report.html")).unwrap(), report);
    let cut = SPARSE.replace("4:1 0:0.25", "4:1 0:x");
    fs::write(place.path("rows.txt"), cut).unwrap();
    let message = place.refused(&["train", "sparse.toml", "--data", ".", "--out", "other"], 2);
    assert!(message.contains("rows.txt, line 4") && message.contains('x'), "{message}");
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let place = Place::new();
    for (set, expected) in [
        ("schedule.epochs=3", "unknown field `epochs`"),
        ("training.batch_size=0", "training.batch_size is 0, expected at least 1"),
        ("data.kind=pictures", "unknown variant `pictures`"),
        ("head.normalise=true", "head.init_std is 0"),
        ("foo", "foo"),
        ("data=3", "data"),
        ("evaluation.k=[2000]", "evaluation.k is [2000], expected at least one number up to 1000"),
        ("data.rows.rows=2", "the number of training rows is 2, expected at least 3"),
    ] {
        let message = place.refused(&["train", "many.toml", "--set", set], 2);
        assert!(message.contains(expected) && !message.contains("built-in"), "{message}");
        assert!(!place.path("runs/many/rows").exists(), "{set}: steps were made");
    }
    let message = place.refused(&["train", "many.toml", "--dry-run", "--set", "evaluation.k=[2000]"], 2);
    assert!(message.contains("evaluation.k is [2000]"), "{message}");
    fs::write(place.path("kindless.toml"), GENERATED.replace("kind = \"generated\"", "")).unwrap();
    place.runs(&["train", "kindless.toml", "--dry-run", "--set", "data.kind=generated"]);
    let estimated = ["--set", "loss.noise=estimated", "--set", "loss.alpha=0.5"];
    let message = place.refused(&[&["train", "many.toml"], &estimated[..]].concat(), 2);
    assert!(message.contains("loss.alpha is 0.5, expected 1 with loss.noise"), "{message}");
    let message = place.refused(&["train", "many.toml", "--set", "optimizer.learning_rate=1e38"], 1);
    assert!(message.contains("step ") && message.contains("learning rate 1e38"), "{message}");
}
