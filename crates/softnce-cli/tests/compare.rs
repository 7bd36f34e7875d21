//! The program as a process: what it writes, what it refuses, and how it goes on after an interruption.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use softnce_metrics::TOP1;
use softnce_report::results::Comparison as Results;
use tempfile::TempDir;

/// Two losses, two seeds, two rates tried twice, one epoch: twelve short runs.
const TINY: [&str; 12] = [
    "--tuning-seeds",
    "2",
    "--losses",
    "soft-target-infonce,soft-target-cross-entropy",
    "--seeds",
    "2",
    "--epochs",
    "1",
    "--learning-rates",
    "0.003,0.01",
    "--set",
    "training.batch_size=256",
];

fn softnce() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_softnce"));
    command.env_remove("RUST_LOG");
    command
}

fn compare(out: &Path, arguments: &[&str]) -> Output {
    softnce().arg("compare").arg("--out").arg(out).args(arguments).output().unwrap()
}

fn error_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn results(out: &Path) -> Results {
    serde_json::from_slice(&fs::read(out.join("results.json")).unwrap()).unwrap()
}

/// The parts that do not depend on the clock or the allocator.
fn without_costs(mut results: Results) -> Results {
    for run in &mut results.runs {
        (run.cost.step_ms, run.cost.loss_ms, run.cost.peak_bytes) = (0.0, None, None);
    }
    for summary in &mut results.summaries {
        (summary.step_ms, summary.loss_ms, summary.peak_bytes) = (0.0, None, None);
    }
    results
}

/// A folder that the test's own folder goes with.
fn place() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("run");
    (folder, out)
}

#[test]
fn writes_results_that_agree_with_each_other() {
    let (_folder, out) = place();
    let output = compare(&out, &TINY);
    assert!(output.status.success(), "{}", error_of(&output));
    let results = results(&out);
    assert_eq!((results.runs.len(), results.tuning.len(), results.summaries.len()), (4, 8, 2));
    assert_eq!((results.setting.train + results.setting.validation, results.setting.test), (3823, 1797));
    for run in &results.runs {
        assert_eq!(run.epochs.len(), 1);
        let top1 = run.test.get(TOP1).unwrap();
        assert!(top1 > 0.5, "one epoch is enough to beat chance by far: {top1}");
        assert_eq!(run.test.examples, 1797);
        assert_eq!(run.test.reliability.iter().map(|bin| bin.count).sum::<usize>(), 1797);
        assert!(run.cost.step_ms > 0.0 && run.cost.loss_ms.is_some_and(|time| time > 0.0));
        assert!(run.cost.peak_bytes.is_some_and(|bytes| bytes > 1_000_000));
    }
    // The summary is the mean of the runs, its difference that of the pairs.
    let top1 = |loss: usize| -> Vec<f64> {
        let of_loss = results.runs.iter().filter(|run| run.loss == results.summaries[loss].loss);
        of_loss.map(|run| run.test.get(TOP1).unwrap()).collect()
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let summary = &results.summaries[0].metrics[0];
    assert_eq!(summary.metric, TOP1);
    assert!((summary.value.mean - mean(&top1(0))).abs() < 1e-12);
    let difference = mean(&top1(0)) - mean(&top1(1));
    assert!((summary.difference.unwrap().mean - difference).abs() < 1e-12);
    assert!(results.summaries[1].metrics[0].difference.is_none());
    // The chosen rate is the better one on the validation pictures.
    for summary in &results.summaries {
        let mean_at = |rate: f64| {
            let trials = results.tuning.iter().filter(|trial| trial.loss == summary.loss);
            let at_rate: Vec<f64> =
                trials.filter(|t| t.learning_rate == rate).map(|t| t.validation.unwrap().top1).collect();
            assert_eq!(at_rate.len(), 2);
            mean(&at_rate)
        };
        let best = mean_at(0.003).max(mean_at(0.01));
        assert_eq!(mean_at(summary.learning_rate), best);
    }

    let csv = fs::read_to_string(out.join("results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 5);
    assert!(csv.lines().nth(1).unwrap().starts_with("soft-target-infonce,0,"));
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("cargo run --release -- compare --set training.batch_size=256 --set"), "the command again");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("soft target InfoNCE") && !page.contains("NaN"));
    let figure = fs::read_to_string(out.join("figure.svg")).unwrap();
    assert_eq!(figure.matches("class=\"heading\"").count(), 3, "{figure}");
    let config = fs::read_to_string(out.join("recipe.toml")).unwrap();
    assert!(config.contains("seeds = 2") && config.contains("smoothing = 0.1"));
    let markdown = fs::read_to_string(out.join("results.md")).unwrap();
    assert!(markdown.contains("| soft target InfoNCE |"), "{markdown}");
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(table.contains("soft target InfoNCE") && table.contains("report.html"));
}

#[test]
fn the_same_configuration_gives_the_same_results() {
    let (_folder, first) = place();
    let (_other, second) = place();
    let arguments = ["--losses", "soft-distribution-infonce,infonce,nll", "--seeds", "1", "--epochs", "1"];
    let arguments =
        [&arguments[..], &["--learning-rates", "0.01", "--set", "candidates={kind=\"draws\", count=72}"]].concat();
    assert!(compare(&first, &arguments).status.success());
    assert!(compare(&second, &arguments).status.success());
    assert_eq!(without_costs(results(&first)), without_costs(results(&second)));
    assert!(results(&first).tuning.is_empty(), "one rate needs no trial");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_keeps_what_is_finished_and_continues() {
    let (_folder, out) = place();
    let arguments = [
        "--losses",
        "nll,infonce",
        "--seeds",
        "3",
        "--epochs",
        "8",
        "--learning-rates",
        "0.01",
        "--set",
        "training.batch_size=64",
    ];
    let mut child = softnce()
        .arg("compare")
        .arg("--out")
        .arg(&out)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Ctrl-C once the first run is kept.
    let started = Instant::now();
    let first = out.join("parts/run-nll-seed0.json");
    while !first.exists() {
        assert!(started.elapsed() < Duration::from_secs(120), "no run finished");
        std::thread::sleep(Duration::from_millis(2));
    }
    let kept = fs::read(&first).unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let parts = fs::read_dir(out.join("parts")).unwrap().count();
    assert!((1..6).contains(&parts), "interrupted in the middle: {parts} of 6");
    assert!(!out.join("results.json").exists());

    let output = compare(&out, &arguments);
    assert!(output.status.success(), "{}", error_of(&output));
    assert!(error_of(&output).contains(&format!("continuing: {parts} of 6 runs are done already")));
    assert_eq!(fs::read(&first).unwrap(), kept, "a finished run is not run again");
    let (_other, whole) = place();
    assert!(compare(&whole, &arguments).status.success());
    assert_eq!(without_costs(results(&out)), without_costs(results(&whole)));
}

#[test]
fn arguments_and_folders_that_cannot_be_used_end_with_code_2() {
    let refused = |out: &Path, arguments: &[&str], words: &str| {
        let output = compare(out, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", error_of(&output));
        assert!(error_of(&output).contains(words), "{arguments:?}: {}", error_of(&output));
    };
    let (folder, out) = place();
    refused(&out, &["--losses", "focal"], "loss: found \"focal\", expected one of soft-target-infonce");
    refused(
        &out,
        &["--set", "loss.temperature=0.0"],
        "loss.temperature is 0, expected a number from 0.000001 to 1000000",
    );
    refused(&out, &["--seeds", "0"], "compare.seeds is 0, expected a whole number from 1 to 1000");
    refused(&out, &["--epochs", "0"], "schedule.epochs is 0");
    refused(&out, &["--set", "training.batch_size=0"], "training.batch_size is 0");
    refused(&out, &["--set", "loss.alpha=inf"], "loss.alpha is inf");
    refused(
        &out,
        &["--epochs", "99999999999"],
        "schedule.epochs is 99999999999, expected a whole number from 1 to 1000000",
    );
    refused(&out, &["--learning-rates", "0.1,-2"], "compare.learning_rates is -2");
    refused(&out, &["--losses", "nll,nll"], "compare.losses is nll, nll, expected each loss once");
    refused(&out, &["--set", "data.validation_share=0.0"], "data.validation_share is 0");
    refused(&out, &["--set", "trainig.batch_size=5"], "the recipe has no key trainig, only name, seed");
    refused(&out, &["digit"], "did you mean digits?");
    refused(&out, &["--device", "cuda"], "build it with --features cuda");
    assert!(!out.exists(), "nothing is written for arguments that are refused");

    // A folder below a file cannot be made, not even by root.
    let file = folder.path().join("file");
    fs::write(&file, "kept").unwrap();
    refused(&file.join("run"), &TINY, "cannot ");
    refused(&file, &TINY, "cannot ");
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");

    let foreign = folder.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("thesis.txt"), "kept").unwrap();
    refused(&foreign, &TINY, "is not empty and holds no comparison");
    assert_eq!(fs::read_dir(&foreign).unwrap().count(), 1);
}

#[test]
fn another_configuration_and_damaged_files_are_named() {
    let (_folder, out) = place();
    let arguments = ["--losses", "nll", "--seeds", "1", "--epochs", "1", "--learning-rates", "0.01"];
    assert!(compare(&out, &arguments).status.success());
    let other = ["--losses", "nll", "--seeds", "1", "--epochs", "2", "--learning-rates", "0.01"];
    let output = compare(&out, &other);
    assert_eq!(output.status.code(), Some(2));
    assert!(error_of(&output).contains("schedule.epochs: 1 there, 2 here"), "{}", error_of(&output));

    // Other content, another run under the name, another version, half a file.
    let part = out.join("parts/run-nll-seed0.json");
    let whole = fs::read_to_string(&part).unwrap();
    fs::write(&part, whole.replace("\"seed\": 0", "\"seed\": 1")).unwrap();
    let output = compare(&out, &arguments);
    assert_eq!(output.status.code(), Some(1));
    let words = "run-nll-seed0.json is not valid: its content does not match its checksum";
    assert!(error_of(&output).contains(words), "{}", error_of(&output));
    // Files of earlier revisions have no checksum.
    let whole: String = whole.lines().filter(|line| !line.contains("softnce_checksum")).collect();
    fs::write(&part, whole.replace("\"seed\": 0", "\"seed\": 1")).unwrap();
    let output = compare(&out, &arguments);
    assert_eq!(output.status.code(), Some(1));
    assert!(error_of(&output).contains("holds another run than its name says"), "{}", error_of(&output));
    fs::write(&part, whole.replace(env!("CARGO_PKG_VERSION"), "0.0.9")).unwrap();
    let output = compare(&out, &arguments);
    assert_eq!(output.status.code(), Some(1));
    assert!(error_of(&output).contains("was written by softnce 0.0.9"), "{}", error_of(&output));
    fs::write(&part, "{\"version\": ").unwrap();
    let output = compare(&out, &arguments);
    assert_eq!(output.status.code(), Some(1));
    assert!(error_of(&output).contains("run-nll-seed0.json is not valid"), "{}", error_of(&output));
    fs::write(out.join("recipe.toml"), "losses = 5").unwrap();
    let output = compare(&out, &arguments);
    assert_eq!(output.status.code(), Some(2));
    assert!(error_of(&output).contains("recipe.toml is not valid"), "{}", error_of(&output));
}

#[test]
fn a_folder_left_by_a_kill_at_the_very_start_is_taken_up() {
    let (_folder, out) = place();
    fs::create_dir_all(&out).unwrap();
    fs::write(out.join(".softnce-abc123"), "half a conf").unwrap();
    let arguments = ["--losses", "nll", "--seeds", "1", "--epochs", "1", "--learning-rates", "0.01"];
    let output = compare(&out, &arguments);
    assert!(output.status.success(), "{}", error_of(&output));
}

#[test]
fn help_and_version_speak() {
    let output = softnce().args(["compare", "--help"]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for option in ["--losses", "--seeds", "--epochs", "--set", "--data", "--device", "--out"] {
        assert!(text.contains(option), "{option}");
    }
    let version = softnce().arg("--version").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&version.stdout).trim(), concat!("softnce ", env!("CARGO_PKG_VERSION")));
    assert_eq!(softnce().output().unwrap().status.code(), Some(2));
}

#[test]
fn commands_that_moved_name_the_new_ones() {
    for (old, new) in [
        (&["study", "ablations", "--set", "a={b=1}"][..], "softnce-experiments -- ablations --set 'a={b=1}'`"),
        (&["toy", "--help"], "softnce-experiments -- toy --help`"),
        (&["study"], "softnce-experiments -- --help`"),
    ] {
        let output = softnce().args(old).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{old:?}");
        assert!(error_of(&output).contains(&format!("cargo run --release -p {new}")), "{}", error_of(&output));
    }
}
