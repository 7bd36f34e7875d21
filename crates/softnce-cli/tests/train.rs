//! Training as a process: what it writes, what it refuses; full disks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A small network on few digits, with a checkpoint every other step.
const SMALL: [&str; 8] = [
    "--set",
    "network.hidden=[24]",
    "--set",
    "schedule.epochs=8",
    "--set",
    "training.checkpoint_steps=2",
    "--set",
    "data.imbalance=10.0",
];

fn softnce() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_softnce"));
    command.env_remove("RUST_LOG").env_remove("SOFTNCE_DATA");
    command
}

fn train(out: &Path, arguments: &[&str]) -> Command {
    let mut command = softnce();
    command.args(["train", "digits", "--out"]).arg(out).args(arguments);
    command
}

fn error_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn place() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("run");
    (folder, out)
}

#[cfg(unix)]
#[test]
fn a_full_disk_ends_in_a_clear_error_and_loses_nothing() {
    let (_folder, out) = place();
    let arguments = [&SMALL[..], &["--set", "network.hidden=[300]", "--set", "schedule.epochs=3"]].concat();
    // Files may grow to 64 KiB: the recipe fits, the checkpoint does not.
    let limited = |blocks: usize| {
        let program = env!("CARGO_BIN_EXE_softnce");
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut command = Command::new("bash");
        command.args(["-c", &script, program, "train", "digits", "--out"]).arg(&out).args(&arguments);
        command.output().unwrap()
    };
    let output = limited(64);
    assert_eq!(output.status.code(), Some(1), "{}", error_of(&output));
    let error = error_of(&output);
    assert!(error.contains("cannot write ") && error.contains("last.safetensors: "), "{error}");
    assert!(out.join("recipe.toml").exists() && !out.join("last.safetensors").exists());
    let left =
        fs::read_dir(&out).unwrap().flatten().filter(|entry| entry.file_name().to_string_lossy().ends_with(".tmp"));
    assert_eq!(left.count(), 0, "no half file is left behind");

    // With room again it goes on; then full again, the checkpoint stays as it was.
    let stopped = [&arguments[..], &["--set", "schedule.epochs=3"]].concat();
    let output = train(&out, &stopped).output().unwrap();
    assert!(output.status.success(), "{}", error_of(&output));
    let kept = fs::read(out.join("last.safetensors")).unwrap();
    fs::remove_file(out.join("report.html")).unwrap();
    let output = limited(1);
    assert!(!output.status.success());
    assert_eq!(fs::read(out.join("last.safetensors")).unwrap(), kept);
}

#[test]
fn a_dry_run_prints_a_recipe_and_sizes_and_writes_nothing() {
    let (_folder, out) = place();
    let output = train(&out, &["--dry-run", "--set", "optimizer.average=0.99"]).output().unwrap();
    assert!(output.status.success(), "{}", error_of(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for words in
        ["average = 0.99", "# parameters: 26122", "# steps: 24 batches an epoch, 1920 optimiser steps", "# memory:"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!out.exists());
    // What it prints is a recipe.
    let (_folder, file) = place();
    fs::write(&file, &text).unwrap();
    let again = softnce().args(["train", "--dry-run"]).arg(&file).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&again.stdout), text);
}

#[test]
fn bad_recipes_and_files_end_with_code_2_and_the_name_of_what_is_wrong() {
    let (folder, out) = place();
    let refused = |arguments: &[&str], words: &str| {
        let output = softnce().arg("train").args(arguments).arg("--out").arg(&out).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", error_of(&output));
        assert!(error_of(&output).contains(words), "{arguments:?}: {}", error_of(&output));
        assert!(!out.exists());
    };
    refused(&["digit"], "did you mean digits?");
    refused(&["absent/recipe.toml"], "cannot read the recipe absent/recipe.toml");
    refused(&["digits", "--set", "optimizer.lerning_rate=1"], "did you mean learning_rate?");
    refused(&["digits", "--set", "optimizer.learning_rate"], "expected key=value");
    refused(&["digits", "--set", "network.kind=resnett"], "did you mean resnet?");
    refused(
        &["digits", "--set", "schedule.epochs=0"],
        "schedule.epochs is 0, expected a whole number from 1 to 1000000",
    );
    refused(&["digits", "--set", "network.hidden=[0]"], "hidden");
    refused(&["digits", "--device", "gpu"], "expected cpu, cuda, vulkan, metal or rocm");
    let data = folder.path().to_str().unwrap();
    refused(&["fashion-mnist-resnet", "--data", data], "fashion-mnist");
    fs::create_dir(folder.path().join("fashion-mnist")).unwrap();
    fs::write(folder.path().join("fashion-mnist/train-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0]).unwrap();
    refused(&["fashion-mnist-resnet", "--data", data], "train-labels-idx1-ubyte: missing");
    fs::write(folder.path().join("fashion-mnist/train-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 1, 9]).unwrap();
    refused(&["fashion-mnist-resnet", "--data", data], "train-images-idx3-ubyte");
}

#[test]
fn a_trained_run_predicts_exports_and_is_judged_again() {
    let (folder, out) = place();
    let output = train(&out, &SMALL).output().unwrap();
    assert!(output.status.success(), "{}", error_of(&output));
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(table.contains("Top-1 accuracy") && table.contains("report.html"), "{table}");

    let output = softnce().arg("eval").arg(&out).output().unwrap();
    assert!(output.status.success(), "{}", error_of(&output));
    let again = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(table.starts_with(again.trim_end()), "{again}\n{table}");

    let sheet = folder.path().join("sheet.png");
    let output = softnce().args(["data", "info", "optdigits", "--sheet"]).arg(&sheet).output().unwrap();
    assert!(output.status.success(), "{}", error_of(&output));
    let output = softnce().arg("predict").arg(&out).arg(&sheet).arg("--probabilities").output().unwrap();
    assert!(output.status.success(), "{}", error_of(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let row: Vec<&str> = text.lines().nth(1).unwrap().split(',').collect();
    assert!(row[0].ends_with("sheet.png") && row.len() == 14);
    let sum: f64 = row[3..13].iter().map(|value| value.parse::<f64>().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-9);
    let output = softnce().arg("predict").arg(&out).arg(folder.path().join("absent.png")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));

    let file = folder.path().join("weights.safetensors");
    let output = softnce().arg("export").arg(&out).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", error_of(&output));
    assert!(fs::metadata(&file).unwrap().len() > 1000);
    let output = softnce().arg("export").arg(folder.path()).arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(error_of(&output).contains("train the run first"), "{}", error_of(&output));
}

#[test]
fn what_a_run_leaves_out_is_said_before_it_starts() {
    let (_folder, out) = place();
    let changes = ["--set", "loss.kind=nll", "--set", "optimizer.momentum=0.5", "--set", "training.batch_size=2999"];
    let notes = [
        "NLL takes hard labels: [mixing] is left out (mixup = 0.8, cutmix = 1, smoothing = 0.1)",
        "AdamW does not use optimizer.momentum = 0.5",
        "training.batch_size is 2999: with 1000 training pictures, batches of 1000",
    ];
    let dry = train(&out, &[&SMALL[..], &changes, &["--dry-run"]].concat()).output().unwrap();
    assert!(dry.status.success(), "{}", error_of(&dry));
    let text = String::from_utf8_lossy(&dry.stdout).into_owned();
    let pictures = text.split("# pictures: ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let notes = notes.map(|note| note.replace("1000", &pictures));
    for note in &notes {
        assert!(text.contains(&format!("# note: {note}\n")), "{note}: {text}");
    }
    let output = train(&out, &[&SMALL[..], &changes, &["--set", "schedule.epochs=1"]].concat()).output().unwrap();
    assert!(output.status.success(), "{}", error_of(&output));
    for note in &notes {
        assert_eq!(error_of(&output).lines().filter(|line| line == note).count(), 1, "{}", error_of(&output));
    }
}

#[test]
fn a_run_that_needs_more_memory_than_there_is_is_refused() {
    let (_folder, out) = place();
    // 39 * 65,536^2 weights of 4 bytes with their gradients and both moments of AdamW.
    let hidden = format!("network.hidden=[{}]", ["65536"; 40].join(", "));
    let large = ["--set", &hidden];
    let output = train(&out, &large).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", error_of(&output));
    let words = error_of(&output);
    assert!(words.contains("the run needs about 268") && words.contains("--force starts it anyway"), "{words}");
    assert!(!out.exists());
    let output = train(&out, &[&large[..], &["--dry-run"]].concat()).output().unwrap();
    assert!(output.status.success(), "{}", error_of(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("# note: the run needs about "), "{text}");
    let command = ["compare", "--set", &hidden, "--out"];
    let output = softnce().args(command).arg(&out).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", error_of(&output));
    assert!(error_of(&output).contains("the run needs about 268"), "{}", error_of(&output));
    let output = train(&out, &[&SMALL[..], &["--force", "--set", "schedule.epochs=1"]].concat()).output().unwrap();
    assert!(output.status.success(), "{}", error_of(&output));
}

#[test]
fn the_recipes_are_listed_and_printed() {
    let output = softnce().arg("recipes").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for name in ["digits", "fashion-mnist-resnet", "fashion-mnist-vit", "cifar100", "cifar10h", "tiny-imagenet"] {
        assert!(text.lines().any(|line| line == name), "{name}: {text}");
    }
    let output = softnce().args(["recipes", "imagenet-mae-vit-b16"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("layer_decay = 0.65"));
    assert_eq!(softnce().args(["recipes", "imagenet"]).output().unwrap().status.code(), Some(2));
}
