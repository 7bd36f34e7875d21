//! The command `data` as a process: what it writes, and what it refuses.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn softnce(arguments: &[&str], place: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_softnce"));
    command.env("SOFTNCE_DATA", place.join("cache")).arg("data").args(arguments).current_dir(place).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Two test pictures of CIFAR-10's layout.
fn cifar(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let record = |label: u8| [&[label][..], &[label * 20; 3072]].concat();
    fs::write(folder.join("test_batch.bin"), [record(3), record(9)].concat()).unwrap();
}

#[test]
fn a_set_is_described_and_shown() {
    let place = TempDir::new().unwrap();
    cifar(&place.path().join("made"));
    let output = softnce(&["info", "made", "--sheet", "sheet.png", "--columns", "2"], place.path());
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{error}");
    assert!(error.contains("note: no train part: ") && error.contains("data_batch_1.bin: missing"), "{error}");
    assert!(out.starts_with("made, laid out as cifar10\n"), "{out}");
    let row = |name: &str| out.lines().find(|line| line.starts_with(name)).map(|line| line.split_whitespace().last());
    for (name, value) in
        [("pictures", "2"), ("classes", "10"), ("height", "32"), ("channels", "colour"), ("truck", "1")]
    {
        assert_eq!(row(name).flatten(), Some(value), "{name} in {out}");
    }
    assert!(out.ends_with("Contact sheet of the test part, by class: sheet.png\n"), "{out}");
    let sheet = fs::read(place.path().join("sheet.png")).unwrap();
    assert!(sheet.starts_with(b"\x89PNG"));
}

#[test]
fn embedded_and_fetched_sets_go_by_name() {
    let place = TempDir::new().unwrap();
    let output = softnce(&["info", "optdigits"], place.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let out = text(&output.stdout);
    assert!(out.contains("3823") && out.contains("1797"), "{out}");
    assert!(place.path().join("contact-sheet.png").is_file());

    cifar(&place.path().join("cache/cifar-10"));
    let output = softnce(&["info", "cifar-10", "--split", "test"], place.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("laid out as cifar10"));
}

#[test]
fn info_finds_what_a_recipe_finds() {
    let place = TempDir::new().unwrap();
    let described = |arguments: &[&str], folder: &str| {
        let output = softnce(&[&["info", "--split", "test"], arguments].concat(), place.path());
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        let out = text(&output.stdout);
        assert!(out.starts_with(&format!("{folder}, laid out as cifar10\n")), "{arguments:?}: {out}");
        text(&output.stderr)
    };
    let cache = place.path().join("cache");
    cifar(&cache.join("cifar-10-batches-bin"));
    let fetched = cache.join("cifar-10-batches-bin").display().to_string();
    for path in ["cifar-10", "cifar-10-batches-bin", &fetched] {
        described(&[path], &fetched);
    }
    cifar(&place.path().join("own/photos"));
    described(&["photos", "--data", "own"], "own/photos");
    cifar(&cache.join("photos"));
    described(&["photos"], &cache.join("photos").display().to_string());
    // A path from the working folder comes first, and it is told that a recipe reads another.
    cifar(&place.path().join("photos"));
    let told = described(&["photos"], "photos");
    let other = cache.join("photos").display().to_string();
    assert!(told.contains(&format!("note: a recipe with this path reads {other}; ")), "{told}");
    described(&["photos", "--data", "own"], "own/photos");
    // Sets that hold no pictures.
    fs::create_dir(cache.join("cora")).unwrap();
    fs::create_dir(cache.join("cifar-10h")).unwrap();
    for (set, expected) in [
        ("cora", "cora holds a graph, for"),
        ("cifar-10h", "cifar-10h holds labels for the pictures of cifar-10, which"),
    ] {
        let output = softnce(&["info", set], place.path());
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    }
}

#[test]
fn what_cannot_be_used_is_named() {
    let place = TempDir::new().unwrap();
    cifar(&place.path().join("made"));
    let cases: [(&[&str], i32, &str); 14] = [
        (
            &["fetch", "cifar10"],
            2,
            "no set is named 'cifar10'; expected one of mnist, fashion-mnist, cifar-10, cifar-100, cifar-10h, tiny-imagenet, \
             cora, citeseer, mae-vit-base; did you mean cifar-10?",
        ),
        (&["info", "absent"], 2, "cache/absent does not exist; relative paths start from the data folder, "),
        (
            &["info", "cifar-100"],
            2,
            "does not exist; `softnce data fetch cifar-100` downloads it, or name the folder that",
        ),
        (&["info", "cifar-100-binary", "--data", "."], 2, "`softnce data fetch cifar-100 --data .` downloads it"),
        (&["info", "cifar10"], 2, "did you mean cifar-10? "),
        (
            &["info", "made", "--data", "cache"],
            2,
            "cache/made does not exist; the working folder has it: add --data .; ",
        ),
        (&["info", "."], 2, "fits no known layout"),
        (&["info", "made", "--split", "dev"], 2, "[possible values: train, validation, test]"),
        (&["info", "made", "--split", "val"], 2, "made: no validation part: sets laid out as cifar10 have none"),
        (&["info", "made", "--split", "train"], 2, "data_batch_1.bin: missing"),
        (
            &["info", "optdigits", "--layout", "idx"],
            2,
            "optdigits is a set in the program, with its own layout; leave out",
        ),
        (&["fetch", "tiny-imagenet-200"], 2, "; did you mean tiny-imagenet?"),
        (&["info", "made", "--columns", "0"], 2, "columns: 0; expected a number from 1 to 100"),
        (&["info", "made", "--sheet", "absent/sheet.png"], 1, "sheet.png: "),
    ];
    for (arguments, code, expected) in cases {
        let output = softnce(arguments, place.path());
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    let batch = place.path().join("made/test_batch.bin");
    let mut bytes = fs::read(&batch).unwrap();
    bytes[3073] = 10;
    fs::write(&batch, bytes).unwrap();
    let output = softnce(&["info", "made"], place.path());
    assert_eq!(output.status.code(), Some(2), "refused, as by train");
    assert!(
        text(&output.stderr).contains("test_batch.bin, byte 3073: label 10; expected labels 0 to 9"),
        "{}",
        text(&output.stderr)
    );
}
