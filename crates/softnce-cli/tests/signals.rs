//! Runs that are asked to stop or are killed: which signals keep the work, with which exit codes, and how a run
//! continues.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A small network on few digits, with a checkpoint every other step.
const SMALL: [&str; 10] = [
    "--set",
    "network.hidden=[24]",
    "--set",
    "training.checkpoint_steps=2",
    "--set",
    "training.workers=1",
    "--set",
    "data.imbalance=10.0",
    "--set",
    "optimizer.average=0.9",
];

/// The program below a shell that first runs `before`, as `trap '' HUP` or `ulimit`. A signal that whoever runs the
/// tests ignores, such as HUP under nohup, has its default action again: a shell cannot restore it.
fn softnce_after(before: &str) -> Command {
    let mut command = Command::new(if cfg!(target_os = "linux") { "env" } else { "bash" });
    if cfg!(target_os = "linux") {
        command.args(["--default-signal=HUP,INT,TERM", "bash"]);
    }
    command.args(["-c", &format!("{before}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_softnce")]);
    command.env_remove("SOFTNCE_DATA").stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn train(before: &str, out: &Path, epochs: usize) -> Command {
    let mut command = softnce_after(before);
    command.args(["train", "digits", "--set", &format!("schedule.epochs={epochs}"), "--out"]).arg(out).args(SMALL);
    command
}

fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap().success());
}

fn wait_for(file: &Path, child: &mut Child) {
    wait_until(&format!("{} exists", file.display()), child, || file.exists());
}

fn wait_until(what: &str, child: &mut Child, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(child.try_wait().unwrap().is_none(), "the program ended before {what}");
        assert!(start.elapsed() < Duration::from_secs(60), "60 seconds passed before {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn error_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn place() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("run");
    (folder, out)
}

/// The bytes of the best weights, and the epochs without their times.
fn ending(out: &Path) -> (Vec<u8>, Vec<String>) {
    let bytes = fs::read(out.join("best.safetensors")).unwrap();
    let header = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    let history = fs::read_to_string(out.join("history.csv")).unwrap();
    let rows = history.lines().map(|row| row.rsplitn(4, ',').last().unwrap().to_owned());
    (bytes[8 + header..].to_vec(), rows.collect())
}

#[test]
fn signals_keep_a_checkpoint_and_the_same_command_goes_on() {
    for (signal, code) in [("TERM", 143), ("HUP", 129), ("INT", 130)] {
        let (_folder, out) = place();
        let mut child = train("true", &out, 100_000).spawn().unwrap();
        wait_for(&out.join("last.safetensors"), &mut child);
        send(signal, &child);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{signal}: {}", error_of(&output));
        let said = error_of(&output);
        assert!(said.contains("the same command continues"), "{signal}: {said}");
        let done: usize = said.split("stopped after ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        // It continues after the epochs that it says are kept.
        let child = train("true", &out, 100_000).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(700));
        send("TERM", &child);
        let output = child.wait_with_output().unwrap();
        let said = error_of(&output);
        if done > 0 {
            assert!(said.contains(&format!("continuing after {done} of 100000 epochs")), "{signal}: {said}");
        }
        assert_eq!(output.status.code(), Some(143), "{said}");
    }
}

#[test]
fn a_hangup_that_is_ignored_stays_ignored() {
    let (_folder, out) = place();
    let mut child = train("trap '' HUP", &out, 100_000).spawn().unwrap();
    wait_for(&out.join("last.safetensors"), &mut child);
    send("HUP", &child);
    std::thread::sleep(Duration::from_millis(400));
    assert!(child.try_wait().unwrap().is_none(), "the hangup ended it");
    send("TERM", &child);
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

#[test]
fn a_second_signal_ends_the_program_at_once_and_a_repeated_one_does_not() {
    let slow = ["--set", "network.hidden=[3000, 3000]", "--set", "training.batch_size=4000"];
    for (second, pause, at_once) in [("TERM", 400, true), ("INT", 400, true), ("HUP", 400, false), ("TERM", 0, false)] {
        let (_folder, out) = place();
        let mut command = softnce_after("true");
        command.args(["train", "digits", "--set", "schedule.epochs=1000", "--out"]).arg(&out).args(slow);
        let mut child = command.spawn().unwrap();
        wait_for(&out.join("run.json"), &mut child);
        std::thread::sleep(Duration::from_millis(300));
        send("TERM", &child);
        std::thread::sleep(Duration::from_millis(pause));
        if let Some(status) = child.try_wait().unwrap() {
            // A machine on which a step takes less than that has nothing to end at once.
            assert_eq!(status.code(), Some(143));
            continue;
        }
        send(second, &child);
        let output = child.wait_with_output().unwrap();
        let code = if second == "INT" { 130 } else { 143 };
        assert_eq!(output.status.code(), Some(code), "{second}: {}", error_of(&output));
        let saved = error_of(&output).contains("the same command continues");
        assert_eq!(saved, !at_once, "{second} after {pause} ms: {}", error_of(&output));
    }
}

#[test]
fn a_run_that_is_ended_at_fifteen_points_ends_bit_for_bit_the_same() {
    // Long enough that a fast machine does not end it before the fifteenth signal.
    const EPOCHS: usize = 200;
    let (_folder, whole) = place();
    let output = train("true", &whole, EPOCHS).output().unwrap();
    assert!(output.status.success(), "{}", error_of(&output));
    let expected = ending(&whole);

    let (_folder, out) = place();
    let signals = ["KILL", "TERM", "KILL", "HUP", "KILL", "INT"];
    let mut ended = 0;
    for attempt in 0_usize.. {
        let mut child = train("true", &out, EPOCHS).spawn().unwrap();
        // Later and later, so that it comes to its end.
        let pause = if attempt < 15 { 20 + 4 * attempt } else { 500 * (attempt - 14) };
        std::thread::sleep(Duration::from_millis(pause as u64));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            break;
        }
        send(signals[attempt % signals.len()], &child);
        let status = child.wait().unwrap();
        if status.success() {
            break;
        }
        ended += 1;
        // Whatever is there under its own name is whole.
        for entry in fs::read_dir(&out).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            // Before the first epoch the history has no line.
            assert!(entry.metadata().unwrap().len() > 0 || name.starts_with('.') || name == "history.jsonl", "{name}");
        }
    }
    assert!(ended >= 15, "ended {ended} times");
    assert_eq!(ending(&out), expected);
    assert!(out.join("report.html").exists());
}

#[test]
fn the_process_that_uses_a_folder_is_named() {
    let folder = TempDir::new().unwrap();
    let long = ["--seconds", "60", "--case", "64,64,10", "--paths", "reference"];
    let set = ["--set", "schedule.epochs=100000"];
    for (command, more, file) in [
        (&["train", "digits"][..], &set[..], "run.json"),
        (&["compare", "digits"], &set, "run.json"),
        (&["bench"], &long, ".softnce-lock"),
    ] {
        let out = folder.path().join(command[0]);
        let start = || {
            let mut program = softnce_after("true");
            program.args(command).args(more).arg("--out").arg(&out);
            program
        };
        let mut first = start().spawn().unwrap();
        wait_for(&out.join(file), &mut first);
        std::thread::sleep(Duration::from_millis(50));
        let second = start().output().unwrap();
        assert_eq!(second.status.code(), Some(2), "{command:?}: {}", error_of(&second));
        let words = format!("another process is using {} (process {} ", out.display(), first.id());
        assert!(error_of(&second).contains(&words), "{command:?}: {}", error_of(&second));
        // Killed, it holds nothing.
        send("KILL", &first);
        first.wait().unwrap();
        let mut third = start().spawn().unwrap();
        std::thread::sleep(Duration::from_millis(800));
        assert!(third.try_wait().unwrap().is_none(), "{command:?}");
        send("TERM", &third);
        assert_eq!(third.wait().unwrap().code(), Some(143), "{command:?}");
    }
}

#[test]
fn a_full_disk_is_a_failure_and_not_an_error_of_the_arguments() {
    let (_folder, out) = place();
    for command in [&["train", "digits"][..], &["compare"], &["bench", "--case", "6,9,5", "--seconds", "0.01"]] {
        // No file may have any content.
        let mut program = softnce_after("trap '' XFSZ; ulimit -f 0");
        let output = program.args(command).arg("--out").arg(&out).output().unwrap();
        // The measurement writes its files at the end.
        let expected = if command[0] == "bench" { "results.json" } else { "recipe.toml" };
        assert_eq!(output.status.code(), Some(1), "{command:?}: {}", error_of(&output));
        assert!(error_of(&output).contains(expected), "{command:?}: {}", error_of(&output));
    }
}

#[test]
fn a_report_is_not_written_over_that_of_a_run_in_progress_or_onto_a_full_disk() {
    let (_folder, out) = place();
    assert!(train("true", &out, 1).output().unwrap().status.success());
    let page = fs::read(out.join("report.html")).unwrap();
    let report = |before| softnce_after(before).arg("report").arg(&out).output().unwrap();
    let output = report("trap '' XFSZ; ulimit -f 0");
    assert_eq!(output.status.code(), Some(1), "{}", error_of(&output));
    assert!(error_of(&output).contains("cannot write "), "{}", error_of(&output));
    assert!(fs::read(out.join("report.html")).unwrap() == page);
    let history = out.join("history.jsonl");
    let length = fs::read(&history).unwrap().len();
    let mut child = train("true", &out, 100_000).spawn().unwrap();
    // A report takes the lock for a moment, so the run must hold it before the report starts.
    wait_until("an epoch is added to the history", &mut child, || fs::read(&history).unwrap().len() > length);
    let output = report("true");
    send("TERM", &child);
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert_eq!(output.status.code(), Some(2));
    assert!(error_of(&output).contains("another process is using "), "{}", error_of(&output));
}

#[test]
fn a_start_that_was_refused_for_its_data_does_not_block_the_next() {
    use softnce_data::Picture;
    use softnce_data::info::write_png;

    let (folder, out) = place();
    let set = folder.path().join("set");
    for (class, value) in [("a", 40_u8), ("b", 200)] {
        for (part, count) in [("train", 30), ("val", 3)] {
            fs::create_dir_all(set.join(part).join(class)).unwrap();
            for number in 0..count {
                let pixels: Vec<u8> = (0..16 * 16 * 3).map(|at: usize| value ^ (at as u8 & 15) ^ number).collect();
                let picture = Picture { height: 16, width: 16, channels: 3, pixels: pixels.into() };
                write_png(&set.join(part).join(class).join(format!("{number}.png")), &picture).unwrap();
            }
        }
    }
    let bad = set.join("train/b/17.png");
    let whole = fs::read(&bad).unwrap();
    fs::write(&bad, &whole[..whole.len() / 2]).unwrap();
    let recipe = folder.path().join("r.toml");
    let text = "name = \"t\"\n[data]\npath = \"set\"\n[augmentation]\nsize = [16, 16]\n[network]\nkind = \"mlp\"\n\
                hidden = [16]\n[loss]\nkind = \"soft-target-infonce\"\n[optimizer]\nlearning_rate = 1e-2\n[schedule]\n\
                epochs = 2\n[training]\nbatch_size = 8\nworkers = 1\n";
    fs::write(&recipe, text).unwrap();
    let train = || {
        let mut program = softnce_after("true");
        program.arg("train").arg(&recipe).arg("--data").arg(folder.path()).arg("--out").arg(&out).output().unwrap()
    };
    let output = train();
    assert!(!output.status.success() && error_of(&output).contains("17.png"), "{}", error_of(&output));
    fs::remove_file(&bad).unwrap();
    let output = train();
    assert!(output.status.success(), "{}", error_of(&output));
    // A run that was trained is not continued on another set.
    fs::remove_file(set.join("train/b/18.png")).unwrap();
    let output = train();
    assert_eq!(output.status.code(), Some(2));
    assert!(error_of(&output).contains("holds a run on other data ("), "{}", error_of(&output));
}
