//! Label files of all kinds, as a user has them: what is read, what is refused, what is warned of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use softnce_data::Picture;
use softnce_data::info::write_png;
use tempfile::TempDir;

const CLASSES: [&str; 3] = ["a", "b", "c"];
/// Training pictures of each class.
const TRAIN: usize = 12;

/// Three classes of pictures of one colour each, and a recipe for them.
fn place() -> TempDir {
    let place = TempDir::new().unwrap();
    for (class, name) in CLASSES.iter().enumerate() {
        for (part, count) in [("train", TRAIN), ("val", 3)] {
            let folder = place.path().join("d").join(part).join(name);
            fs::create_dir_all(&folder).unwrap();
            for number in 0..count {
                let level = |place: usize| if place % 3 == class { 200 } else { (number * 3) as u8 };
                let pixels = (0..3 * 64).map(level).collect();
                let picture = Picture { height: 8, width: 8, channels: 3, pixels };
                write_png(&folder.join(format!("{number}.png")), &picture).unwrap();
            }
        }
    }
    let recipe = r#"
        name = "t"
        data.path = "d"
        augmentation.size = [8, 8]
        network = { kind = "mlp", hidden = [8] }
        loss.kind = "soft-target-infonce"
        optimizer.learning_rate = 1e-2
        schedule.epochs = 1
        training = { batch_size = 8, workers = 1 }
        compare.losses = ["soft-target-infonce"]
    "#;
    fs::write(place.path().join("r.toml"), recipe).unwrap();
    place
}

/// Rows with the most weight on the class of each training picture, `shift` classes further on.
fn weights(shift: usize) -> Vec<[f32; 3]> {
    let row = |row: usize| [0, 1, 2].map(|class| if class == (row / TRAIN + shift) % 3 { 0.8 } else { 0.1 });
    (0..3 * TRAIN).map(row).collect()
}

/// An array as `numpy.save` writes it.
fn npy(rows: &[[f32; 3]]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, 3), }}\n", rows.len());
    let values = rows.as_flattened().iter().flat_map(|value| value.to_le_bytes());
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()]
        .concat()
        .into_iter()
        .chain(values)
        .collect()
}

fn lines(rows: &[[f32; 3]]) -> Vec<String> {
    rows.iter().map(|row| row.map(|weight| weight.to_string()).join(",") + "\n").collect()
}

/// Runs the program in the place with a file of training labels.
fn softnce(place: &Path, arguments: &[&str], kind: &str, labels: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_softnce"));
    command.env_remove("RUST_LOG").env_remove("SOFTNCE_DATA").current_dir(place);
    let setting = format!("data.train_labels={{ kind = {kind:?}, path = {labels:?} }}");
    command.args(arguments).args(["--data", ".", "--set", &setting]).output().unwrap()
}

fn write(place: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = place.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

fn error_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn labels_in_another_order_are_warned_of_in_every_command() {
    let place = place();
    let good = write(&place, "good.npy", npy(&weights(0)));
    let shifted = write(&place, "shifted.npy", npy(&weights(1)));
    let picture = Path::new("d/train/a/0.png");
    for arguments in [&["train", "r.toml", "--dry-run"][..], &["train", "r.toml"], &["compare", "r.toml"]] {
        let run = |labels: &Path, out: &str| {
            let to = ["--out", out];
            let to: &[&str] = if arguments.contains(&"--dry-run") { &[] } else { &to };
            softnce(place.path(), &[arguments, to].concat(), "probabilities", labels)
        };
        let output = run(&good, &format!("good-{}", arguments[0]));
        assert!(output.status.success() && !error_of(&output).contains("largest weight"), "{}", error_of(&output));
        let output = run(&shifted, &format!("shifted-{}", arguments[0]));
        let message = error_of(&output);
        assert!(output.status.success(), "{message}");
        for part in [
            "warning: ",
            "shifted.npy: 0 of 36 rows have their largest weight on the picture's class (in a random order about 12 would)",
            &format!("{}, of class 'a', has it on 'b'", picture.display()),
            "softnce data info --list",
        ] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}

#[test]
fn a_header_of_numbers_is_no_row() {
    let place = place();
    let rows = lines(&weights(0));
    let dry = |labels: &Path| softnce(place.path(), &["train", "r.toml", "--dry-run"], "csv", labels);
    let indexed: String = rows.iter().enumerate().map(|(row, line)| format!("{row},{line}")).collect();
    for (name, text) in [
        ("full", format!("0,1,2\n{}", rows.concat())),
        ("indexed", format!(",0,1,2\n{indexed}")),
        ("bom", format!("\u{feff}\"c\",\"a\",\"b\"\r\n{}\r\n", lines(&weights(1)).concat())),
    ] {
        let output = dry(&write(&place, name, text));
        assert!(output.status.success() && error_of(&output).is_empty(), "{name}: {}", error_of(&output));
    }
    let short = write(&place, "short.csv", format!("0,1,2\n{}", rows[1..].concat()));
    let message = error_of(&dry(&short));
    let expected = "short.csv: 35 rows after the header in line 1 (0, 1, 2, ..); expected 36 rows of 3 classes";
    assert!(message.contains(expected), "{message}");
}

#[test]
fn rows_with_paths_train_like_rows_in_order() {
    let place = place();
    let rows = lines(&weights(0));
    let path = |row: usize| {
        let mut names: Vec<String> = (0..TRAIN).map(|number| format!("{number}.png")).collect();
        names.sort();
        format!("train/{}/{}", CLASSES[row / TRAIN], names[row % TRAIN])
    };
    let named: Vec<String> = rows.iter().enumerate().rev().map(|(row, line)| format!("{},{line}", path(row))).collect();
    let weights_of = |name: &str, text: String| {
        let labels = write(&place, &format!("{name}.csv"), text);
        let output = softnce(place.path(), &["train", "r.toml", "--out", name], "csv", &labels);
        assert!(output.status.success(), "{}", error_of(&output));
        let history = fs::read_to_string(place.path().join(name).join("history.csv")).unwrap();
        history.lines().map(|line| line.rsplitn(4, ',').last().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let ordered = weights_of("ordered", rows.concat());
    assert_eq!(weights_of("named", format!("path,a,b,c\n{}", named.concat())), ordered);
    let message = |text: String| {
        let labels = write(&place, "l.csv", text);
        let output = softnce(place.path(), &["train", "r.toml", "--dry-run"], "csv", &labels);
        assert_eq!(output.status.code(), Some(2));
        error_of(&output)
    };
    let first = path(0);
    assert!(message(named[..35].concat()).contains(&format!("l.csv: no row for '{first}'")));
    let twice = message(format!("{}{}", named.concat(), named[35]));
    assert!(
        twice.contains(&format!("l.csv, line 37: a second row for '{first}'; the first one is in line 36")),
        "{twice}"
    );
    let unknown = message(named.concat().replace("train/b/", "train/x/"));
    assert!(
        unknown.contains("no picture has the path 'train/x/9.png' (and 11 more); expected paths from"),
        "{unknown}"
    );
}

#[test]
fn emnist_letters_are_trained() {
    let place = place();
    let raw = place.path().join("EMNIST/raw");
    fs::create_dir_all(&raw).unwrap();
    for (part, count) in [("train", 52_u32), ("test", 26)] {
        let name = |kind: &str| raw.join(format!("emnist-letters-{part}-{kind}-ubyte"));
        let head = |dimensions: &[u32]| {
            let sizes = dimensions.iter().flat_map(|size| size.to_be_bytes());
            [0, 0, 8, dimensions.len() as u8].into_iter().chain(sizes).collect::<Vec<u8>>()
        };
        let labels = (0..count).map(|row| (row % 26 + 1) as u8);
        fs::write(name("labels-idx1"), head(&[count]).into_iter().chain(labels).collect::<Vec<_>>()).unwrap();
        let pixels = (0..count * 16).map(|place| (place / 16 % 26 * 9) as u8);
        fs::write(name("images-idx3"), head(&[count, 4, 4]).into_iter().chain(pixels).collect::<Vec<_>>()).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_softnce"));
    command.env_remove("RUST_LOG").env_remove("SOFTNCE_DATA").current_dir(place.path());
    command.args(["train", "r.toml", "--data", ".", "--out", "letters"]);
    for setting in
        ["data.path='EMNIST/emnist-letters'", "data.validation_share=0.5", "augmentation.normalisation='mnist'"]
    {
        command.args(["--set", setting]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", error_of(&output));
    let run: serde_json::Value =
        serde_json::from_slice(&fs::read(place.path().join("letters/run.json")).unwrap()).unwrap();
    let classes = run["classes"].as_array().unwrap();
    assert_eq!((classes.len(), &classes[0], &classes[25]), (26, &"A".into(), &"Z".into()));
}
