//! Prediction as a process: a row for each picture as it comes, whatever the others are.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use softnce_data::Picture;
use softnce_data::info::write_png;
use tempfile::TempDir;

/// Class names that CSV has to quote.
const CLASSES: [&str; 3] = ["ant", "bee, or wasp", "the \"fly\""];

const RECIPE: &str = r#"
name = "t"
[data]
path = "d"
validation_share = 0.25
[augmentation]
size = [8, 8]
normalisation = { mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 0.25] }
[network]
kind = "mlp"
hidden = [16]
[loss]
kind = "soft-target-infonce"
[optimizer]
learning_rate = 1e-2
[schedule]
epochs = 12
[training]
batch_size = 8
workers = 1
[evaluation]
batch_size = 1
"#;

/// A folder with pictures of three classes and a trained run in `run`.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new(changes: &[&str]) -> Place {
        let place = Place { folder: TempDir::new().unwrap() };
        for (class, name) in CLASSES.iter().enumerate() {
            for (part, count) in [("train", 12), ("val", 4)] {
                fs::create_dir_all(place.path("d").join(part).join(name)).unwrap();
                for number in 0..count {
                    picture(&place.path("d").join(part).join(name).join(format!("{number}.png")), class, number);
                }
            }
        }
        fs::write(place.path("r.toml"), RECIPE).unwrap();
        let changes = changes.iter().flat_map(|change| ["--set", change]);
        let words: Vec<&str> = ["train", "r.toml", "--data", ".", "--out", "run"].into_iter().chain(changes).collect();
        let output = place.softnce(&words);
        assert!(output.status.success(), "{}", text(&output.stderr));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_softnce"));
        command.env_remove("RUST_LOG").env_remove("SOFTNCE_DATA").current_dir(self.folder.path()).args(words);
        command
    }

    fn softnce(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// The rows that a command prints, the head first.
    fn rows(&self, words: &[&str]) -> Vec<Vec<String>> {
        let output = self.softnce(words);
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        rows(&text(&output.stdout))
    }
}

/// One colour a class, some noise.
fn picture(path: &Path, class: usize, number: usize) {
    let pixel = |index: usize| if index % 3 == class { 200 } else { 20 + (index * 7 + number * 13) as u8 % 40 };
    let pixels = (0..8 * 8 * 3).map(pixel).collect::<Vec<u8>>().into();
    write_png(path, &Picture { height: 8, width: 8, channels: 3, pixels }).unwrap();
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Fields of CSV without line breaks in them.
fn rows(text: &str) -> Vec<Vec<String>> {
    let fields = |line: &str| {
        let (mut fields, mut quoted, mut letters) = (vec![String::new()], false, line.chars().peekable());
        while let Some(letter) = letters.next() {
            match letter {
                '"' if quoted && letters.peek() == Some(&'"') => {
                    fields.last_mut().unwrap().push(letters.next().unwrap())
                }
                '"' => quoted = !quoted,
                ',' if !quoted => fields.push(String::new()),
                letter => fields.last_mut().unwrap().push(letter),
            }
        }
        fields
    };
    text.lines().map(fields).collect()
}

#[test]
fn a_bad_picture_is_a_row_with_its_error_and_costs_no_other() {
    let place = Place::new(&[]);
    for (name, content) in
        [("bad.jpg", &b"\xff\xd8\xff\xe0"[..]), ("cut.png", b"\x89PNG\r\n\x1a\n"), ("empty.png", b"")]
    {
        fs::write(place.path("d/val/ant").join(name), content).unwrap();
    }
    for out in [None, Some("table.csv")] {
        let words: Vec<&str> = ["predict", "run", "d/val", "--probabilities"]
            .into_iter()
            .chain(out.iter().flat_map(|out| ["--out", out]))
            .collect();
        let output = place.softnce(&words);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("3 of 15 pictures cannot be read"), "{}", text(&output.stderr));
        let written = out.map_or_else(|| text(&output.stdout), |out| fs::read_to_string(place.path(out)).unwrap());
        let rows = rows(&written);
        assert_eq!(rows[0], [&["picture", "class", "probability"][..], &CLASSES, &["error"]].concat());
        assert_eq!(rows.len(), 16);
        let (mut bad, mut right) = (0, 0);
        for row in &rows[1..] {
            assert_eq!(row.len(), rows[0].len(), "{row:?}");
            if row[6].is_empty() {
                let sum: f64 = row[3..6].iter().map(|value| value.parse::<f64>().unwrap()).sum();
                assert!((sum - 1.0).abs() < 1e-9, "{row:?}");
                right += usize::from(row[0].contains(&format!("/{}/", row[1])));
            } else {
                // The path is in its own column.
                assert!(row[1..6].iter().all(String::is_empty) && !row[6].contains("d/val"), "{row:?}");
                bad += 1;
            }
        }
        assert_eq!((bad, right), (3, 12));
    }
    assert!(!place.path("table.csv.part").exists());
}

#[test]
fn files_of_any_ending_that_are_named_are_tried() {
    let place = Place::new(&[]);
    picture(&place.path("shot.png"), 1, 0);
    fs::rename(place.path("shot.png"), place.path("shot.upload")).unwrap();
    fs::write(place.path("notes.txt"), "no picture").unwrap();
    let output = place.softnce(&["predict", "run", "notes.txt", "shot.upload"]);
    assert_eq!(output.status.code(), Some(1));
    let rows = rows(&text(&output.stdout));
    assert_eq!(
        (rows[1][0].as_str(), rows[2][0].as_str(), rows[2][1].as_str()),
        ("notes.txt", "shot.upload", CLASSES[1])
    );
    assert!(!rows[1][3].is_empty() && rows[2][3].is_empty());
    // A path that is not there is refused before anything is written.
    let output = place.softnce(&["predict", "run", "shot.upload", "absent.png", "--out", "table.csv"]);
    assert_eq!(output.status.code(), Some(2));
    let message = text(&output.stderr);
    assert_eq!(message.matches("absent.png").count(), 1, "{message}");
    assert!(!place.path("table.csv").exists() && !place.path("table.csv.part").exists());
}

#[test]
fn the_most_probable_classes_and_the_logits_are_written() {
    let place = Place::new(&[]);
    let plain = place.rows(&["predict", "run", "d/val", "--probabilities", "--logits"]);
    let logit_heads = CLASSES.map(|class| format!("logit_{class}"));
    assert_eq!(plain[0][6..9], logit_heads);
    let top = place.rows(&["predict", "run", "d/val", "--top", "3"]);
    assert_eq!(
        top[0],
        ["picture", "class_1", "probability_1", "class_2", "probability_2", "class_3", "probability_3", "error"]
    );
    for (plain, top) in plain.iter().zip(&top).skip(1) {
        assert_eq!((&plain[1], &plain[2]), (&top[1], &top[2]));
        let numbers = |fields: &[String]| fields.iter().map(|field| field.parse::<f64>().unwrap()).collect::<Vec<_>>();
        let (probabilities, logits) = (numbers(&plain[3..6]), numbers(&plain[6..9]));
        let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
        for (probability, logit) in probabilities.iter().zip(&logits) {
            assert!((probability - logit.exp() / sum).abs() < 1e-6, "{plain:?}");
        }
        let ranked = numbers(&[&top[2..3], &top[4..5], &top[6..7]].concat());
        assert!(ranked.is_sorted_by(|one, other| one >= other));
        for rank in 0..3 {
            let class = CLASSES.iter().position(|class| *class == top[1 + 2 * rank]).unwrap();
            assert_eq!(ranked[rank], probabilities[class]);
        }
    }
    for count in ["0", "4"] {
        let output = place.softnce(&["predict", "run", "d/val", "--top", count]);
        assert_eq!(output.status.code(), Some(2));
        let words = format!("--top is {count}, expected a number from 1 to 3, the number of classes");
        assert!(text(&output.stderr).contains(&words), "{}", text(&output.stderr));
    }
}

#[test]
fn scaled_probabilities_have_the_temperature_that_training_fitted() {
    let place = Place::new(&[]);
    let metrics: serde_json::Value =
        serde_json::from_slice(&fs::read(place.path("run/metrics.json")).unwrap()).unwrap();
    let temperature = metrics["scaled"]["fit"]["temperature"].as_f64().unwrap();
    let rows = place.rows(&["predict", "run", "d/val", "--scaled", "--probabilities", "--logits"]);
    for row in &rows[1..] {
        let logit = |field: &String| field.parse::<f64>().unwrap();
        let largest = row[6..9].iter().map(logit).fold(f64::NEG_INFINITY, f64::max);
        let scaled = |field: &String| ((logit(field) - largest) / temperature).exp();
        let sum: f64 = row[6..9].iter().map(scaled).sum();
        for (probability, logit) in row[3..6].iter().zip(&row[6..9]) {
            assert!((probability.parse::<f64>().unwrap() - scaled(logit) / sum).abs() < 1e-6, "{row:?}");
        }
    }
    for (changes, words) in [
        (&["evaluation.scale_temperature=false"][..], "evaluation.scale_temperature = true"),
        (&["data.validation_share=0.0", "evaluation.best=false"], "data.validation_share above 0"),
    ] {
        let place = Place::new(changes);
        let output = place.softnce(&["predict", "run", "d/val", "--scaled"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(words) && output.stdout.is_empty(), "{}", text(&output.stderr));
    }
    fs::remove_file(place.path("run/temperature.json")).unwrap();
    let output = place.softnce(&["predict", "run", "d/val", "--scaled"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("temperature.json"), "{}", text(&output.stderr));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_and_a_closed_pipe_is_silent() {
    let place = Place::new(&[]);
    let output = place.softnce(&["predict", "run", "d/val", "--out", "/dev/full"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot write /dev/full: "), "{}", text(&output.stderr));
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = place.command(&["predict", "run", "d/val"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot write standard output: "), "{}", text(&output.stderr));
    // What prints tables or code says so, too.
    for words in [
        &["eval", "run", "--data", "."][..],
        &["export", "run", "w.safetensors"],
        &["train", "r.toml", "--data", ".", "--dry-run"],
        &["data", "info", "d"],
        &["data", "info", "d", "--list"],
        &["recipes"],
        &["recipes", "digits"],
        &["report", "run"],
        &["completions", "bash"],
        &["--help"],
        &["help", "train"],
        &["--version"],
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = place.command(words).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert_eq!(text(&output.stderr).matches("cannot write standard output: ").count(), 1, "{words:?}");
    }
    // A device stays one.
    for (file, code) in [("/dev/null", 0), ("/dev/full", 1), ("absent/metrics.json", 1)] {
        let output = place.softnce(&["eval", "run", "--data", ".", "--json", file]);
        assert_eq!(output.status.code(), Some(code), "{file}: {}", text(&output.stderr));
        assert_eq!(output.stdout.is_empty(), file.starts_with("absent"), "refused before the evaluation: {file}");
        assert!(!fs::metadata(file).is_ok_and(|found| found.is_file()));
    }

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = place.command(&["predict", "run", "d/val"]).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), String::new()));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = place.command(&["recipes"]).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[cfg(unix)]
#[test]
fn rows_are_written_as_they_come_and_stay_when_it_is_stopped() {
    let place = Place::new(&[]);
    // A picture that is not there until someone writes it.
    assert!(Command::new("mkfifo").arg(place.path("later.png")).status().unwrap().success());
    let good = "d/val/ant/0.png";
    let mut child = place
        .command(&["predict", "run", good, "later.png", good])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "picture,class,probability,error");
    assert!(lines.next().unwrap().unwrap().starts_with("d/val/ant/0.png,ant,"));
    fs::write(place.path("later.png"), "no picture").unwrap();
    assert!(lines.next().unwrap().unwrap().starts_with("later.png,,,"));
    assert!(lines.next().unwrap().unwrap().starts_with("d/val/ant/0.png,ant,"));
    assert_eq!(child.wait().unwrap().code(), Some(1));

    let mut child = place
        .command(&["predict", "run", good, "later.png", good, "--out", "table.csv"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let part = place.path("table.csv.part");
    while fs::read_to_string(&part).unwrap_or_default().lines().count() < 2 {
        assert!(child.try_wait().unwrap().is_none(), "it ended early");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    std::thread::sleep(std::time::Duration::from_millis(100));
    fs::write(place.path("later.png"), "no picture").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(text(&output.stderr).contains("table.csv.part has the rows of "), "{}", text(&output.stderr));
    assert!(part.exists() && !place.path("table.csv").exists());
}

/// Replaces every weight of the run by one value, with the checksum of the new content.
fn overwrite_weights(path: &Path, value: f32) {
    let mut bytes = fs::read(path).unwrap();
    let data = 8 + u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    for weight in bytes[data..].chunks_exact_mut(4) {
        weight.copy_from_slice(&value.to_le_bytes());
    }
    softnce_store::seal(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn weights_of_no_use_are_named_and_nothing_that_is_no_number_is_written() {
    let place = Place::new(&[]);
    let best = place.path("run/best.safetensors");
    for value in [f32::NAN, f32::INFINITY, f32::MAX] {
        overwrite_weights(&best, value);
        for words in [&["predict", "run", "d/val"][..], &["eval", "run", "--data", "."]] {
            let output = place.softnce(words);
            assert!(matches!(output.status.code(), Some(1 | 2)), "{value}: {:?}", output.status);
            let message = text(&output.stderr);
            assert!(message.contains("best.safetensors"), "{message}");
            let table = text(&output.stdout);
            assert!(!table.contains("NaN") && !table.contains("inf"), "{table}");
        }
    }
}
