//! Rows of features as data: train, eval, predict, export, compare; what is refused.

#[path = "../../softnce-experiments/tests/common/npy.rs"]
mod npy;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use npy::npy;

const RECIPE: &str = r#"
name = "f"
[data]
layout = "features"
path = "d"
validation_share = 0.2
[mixing]
mixup = 0.2
[network]
kind = "linear"
[loss]
kind = "soft-target-infonce"
[optimizer]
learning_rate = 0.1
[schedule]
epochs = 6
[training]
batch_size = 16
"#;

/// Rows of four features, in three classes of 40 and 10 rows; the scales of the features differ by a factor of 10,000.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(TempDir::new().unwrap());
        fs::create_dir(place.path("d")).unwrap();
        for (part, rows) in [("train", 120_usize), ("test", 30)] {
            let value = |row: usize, column: usize| {
                let noise = ((row * 7919 + column * 104_729) % 1000) as f32 / 1000.0 - 0.5;
                let signal = f32::from(u8::from(row % 3 == column));
                (noise + 2.0 * signal) * [100.0, 1.0, 0.01, 5.0][column] + 1000.0 * f32::from(u8::from(column == 0))
            };
            let values = (0..rows * 4).flat_map(|at| value(at / 4, at % 4).to_le_bytes());
            fs::write(place.path(&format!("d/{part}.npy")), npy("<f4", &format!("({rows}, 4)"), values)).unwrap();
            let labels = (0..rows).flat_map(|row| ((row % 3) as i64).to_le_bytes());
            fs::write(place.path(&format!("d/{part}_labels.npy")), npy("<i8", &format!("({rows},)"), labels)).unwrap();
        }
        fs::write(place.path("d/classes.txt"), "ant\nbee\nfly\n").unwrap();
        fs::write(place.path("r.toml"), RECIPE).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_softnce"));
        command.env_remove("RUST_LOG").env_remove("SOFTNCE_DATA").current_dir(self.0.path()).args(words);
        command.output().unwrap()
    }

    fn out(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn refused(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

fn top1(folder: &Path) -> f64 {
    let metrics: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("metrics.json")).unwrap()).unwrap();
    metrics["result"]["overall"]["top1"].as_f64().unwrap()
}

#[test]
fn a_classifier_on_features_is_trained_tested_used_and_exported() {
    let place = Place::new();
    place.out(&["train", "r.toml", "--data", ".", "--out", "run"]);
    assert!(top1(&place.path("run")) > 0.9, "{}", top1(&place.path("run")));
    // One set in the data folder, its name in the recipe: the run remembers both.
    let evaluated = place.out(&["eval", "run"]);
    assert!(evaluated.contains("Top-1 accuracy"), "{evaluated}");
    // The scale of the training rows is kept with the weights: the rows of the test part, in a file of their own.
    fs::copy(place.path("d/test.npy"), place.path("other.npy")).unwrap();
    let own = place.out(&["predict", "run", "--logits"]);
    let named = place.out(&["predict", "run", "other.npy", "--logits"]);
    let numbers = |table: &str| -> Vec<String> {
        table.lines().skip(1).map(|line| line.split_once("\",").unwrap().1.to_owned()).collect()
    };
    assert_eq!(numbers(&own), numbers(&named));
    assert_eq!(own.lines().count(), 31);
    // Features of another network are refused by their width, in the set too.
    fs::write(place.path("narrow.npy"), npy("<f4", "(30, 2)", [0; 240])).unwrap();
    fs::rename(place.path("d"), place.path("kept")).unwrap();
    fs::create_dir(place.path("d")).unwrap();
    for part in ["train", "test"] {
        fs::copy(place.path("narrow.npy"), place.path(&format!("d/{part}.npy"))).unwrap();
        fs::copy(place.path("kept/test_labels.npy"), place.path(&format!("d/{part}_labels.npy"))).unwrap();
    }
    fs::copy(place.path("kept/classes.txt"), place.path("d/classes.txt")).unwrap();
    for words in [&["eval", "run"][..], &["predict", "run"], &["predict", "run", "--split", "train"]] {
        let message = place.refused(words);
        assert!(message.contains("the width of the rows is 2 features, expected 4 features"), "{message}");
    }
    fs::remove_dir_all(place.path("d")).unwrap();
    fs::rename(place.path("kept"), place.path("d")).unwrap();
    for file in ["w.safetensors", "w.onnx"] {
        let python = place.out(&["export", "run", file]);
        assert!(python.contains("(numpy.float32(rows) - mean) / std"), "{python}");
        assert!(fs::metadata(place.path(file)).unwrap().len() > 0);
    }
    let info = place.out(&["data", "info", "d"]);
    assert!(info.contains("laid out as features") && info.contains("120") && info.contains("classes"), "{info}");
    place.out(&["compare", "r.toml", "--data", ".", "--epochs", "1", "--losses", "nll,soft-target-infonce"]);
}

/// Distillation: the logits of a teacher for its training part are the labels of a student, by the file as it is written.
#[test]
fn the_predictions_of_a_teacher_are_the_labels_of_a_student() {
    let place = Place::new();
    place.out(&["train", "r.toml", "--data", ".", "--out", "teacher"]);
    place.out(&["predict", "teacher", "--split", "train", "--logits", "--out", "teacher.csv"]);
    assert_eq!(fs::read_to_string(place.path("teacher.csv")).unwrap().lines().count(), 1 + 120);
    // The class labels of the student's set are wrong on purpose: what it learns, it learns from the teacher.
    fs::rename(place.path("d/train_labels.npy"), place.path("labels.npy")).unwrap();
    let labels = (0..120_i64).flat_map(|row| ((row + 1) % 3).to_le_bytes());
    fs::write(place.path("d/train_labels.npy"), npy("<i8", "(120,)", labels)).unwrap();
    let student = |out: &str| {
        let labels = "data.train_labels={kind=\"logits\", path=\"teacher.csv\"}";
        let words = ["train", "r.toml", "--data", ".", "--out", out, "--set", labels];
        place.run(&[&words[..], &["--set", "candidates={kind=\"classes\"}", "--set", "mixing.mixup=0.0"]].concat())
    };
    let output = student("student");
    let notes = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && notes.contains("teacher.csv"), "{notes}");
    assert!(top1(&place.path("student")) > 0.9, "{}", top1(&place.path("student")));
    // A split that the set does not have; a file of probabilities alone.
    let message = place.refused(&["predict", "teacher", "--split", "validation"]);
    assert!(message.contains("validation"), "{message}");
    place.out(&["predict", "teacher", "--split", "train", "--probabilities", "--out", "teacher.csv"]);
    let output = student("other");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("predictions without a column 'logit_fly'"), "{message}");
}

#[test]
fn rows_that_are_not_standardised_are_taken_as_they_are() {
    let place = Place::new();
    let train = ["train", "r.toml", "--data", ".", "--set", "data.standardise=false", "--out", "run"];
    place.out(&train);
    let python = place.out(&["export", "run", "w.safetensors"]);
    assert!(python.contains("return numpy.float32(rows)") && !python.contains("mean"), "{python}");
}

#[test]
fn what_features_cannot_have_is_refused_by_name() {
    let place = Place::new();
    let train = |change: &str| place.refused(&["train", "r.toml", "--data", ".", "--out", "x", "--set", change]);
    let message = train("mixing.cutmix=1.0");
    assert!(message.contains("mixing.cutmix is 1, expected 0: features have no areas to paste"), "{message}");
    let message = train("network={kind=\"resnet\", depth=8}");
    assert!(message.contains("network.kind is \"resnet\", expected \"linear\" or \"mlp\""), "{message}");
    place.out(&["train", "r.toml", "--data", ".", "--out", "run", "--set", "schedule.epochs=1"]);
    fs::write(place.path("narrow.npy"), npy("<f4", "(1, 2)", [0; 8])).unwrap();
    let message = place.refused(&["predict", "run", "narrow.npy"]);
    assert!(message.contains("the width of the rows is 2 features, expected 4 features"), "{message}");
    let message = place.refused(&["predict", "run", "narrow.npy", "d/test.npy"]);
    assert!(message.contains("the files to predict is 2, expected one file"), "{message}");
    let mut bytes = fs::read(place.path("d/train.npy")).unwrap();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(place.path("d/train.npy"), bytes).unwrap();
    let output = place.run(&["train", "r.toml", "--data", ".", "--out", "y"]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && message.contains("NaN in row 119, column 3"), "{message}");
}
