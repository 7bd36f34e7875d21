//! The program as a process: it ends with its time budget, continues, names what it refuses, and lists every study.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use softnce_experiments::variants::STUDIES;

fn toy(out: &Path, arguments: &[&str]) -> Output {
    let tiny = ["--seeds", "1", "--steps", "2", "--samples", "64", "--candidates", "2"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_softnce-experiments"));
    command.env_remove("RUST_LOG").args(["toy", "--out"]).arg(out).args(tiny).args(arguments).output().unwrap()
}

#[test]
fn a_spent_budget_keeps_what_is_there_and_the_same_command_continues() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("toy");
    let stopped = toy(&out, &["--time-budget", "0"]);
    let said = String::from_utf8_lossy(&stopped.stderr);
    assert_eq!(stopped.status.code(), Some(130), "{said}");
    assert!(said.contains("stopped with 0 of"), "{said}");
    let finished = toy(&out, &[]);
    let said = String::from_utf8_lossy(&finished.stdout);
    assert!(finished.status.success(), "{}", String::from_utf8_lossy(&finished.stderr));
    assert!(said.contains("soft target InfoNCE, density") && said.contains("report.html"), "{said}");
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains(
        "cargo run --release -p softnce-experiments -- toy --seeds 1 --steps 2 --samples 64 --candidates 2<"
    ));
    // Again: everything is there, nothing is trained.
    assert!(String::from_utf8_lossy(&toy(&out, &[]).stderr).contains("continuing"));
    fs::write(out.join("study.json"), "{\"study\": \"other\", \"revision\": 3, \"settings\": {}}").unwrap();
    let refused = toy(&out, &[]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said.contains("holds a study with other settings (study: other there, toy here)"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_study_that_is_killed_and_asked_to_stop_ends_as_if_never_stopped() {
    let ablations = |out: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_softnce-experiments"));
        let set = ["schedule.epochs=6", "network.hidden=[16]", "data.imbalance=10.0", "training.checkpoint_steps=2"];
        command.args(["ablations", "--groups", "noise", "--seeds", "1", "--jobs", "2", "--out"]).arg(out);
        command.args(set.iter().flat_map(|change| ["--set", *change])).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let folder = tempfile::tempdir().unwrap();
    let (whole, out) = (folder.path().join("whole"), folder.path().join("killed"));
    assert!(ablations(&whole).status().unwrap().success());
    let mut ended = 0;
    // Later and later, so that it comes to its end.
    for attempt in 0_u64.. {
        let mut child = ablations(&out).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(60 + 40 * attempt));
        if attempt == 2 {
            let second = ablations(&out).stderr(Stdio::piped()).output().unwrap();
            let said = String::from_utf8_lossy(&second.stderr).into_owned();
            let running = child.try_wait().unwrap().is_none();
            assert!(!running || said.contains(&format!("(process {} ", child.id())), "{said}");
        }
        let signal = if attempt % 2 == 0 { "-KILL" } else { "-TERM" };
        if child.try_wait().unwrap().is_none() {
            Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        }
        let status = child.wait().unwrap();
        if status.success() {
            break;
        }
        assert!(signal == "-KILL" || status.code() == Some(143), "{status}");
        ended += 1;
    }
    assert!(ended > 2, "ended {ended} times");
    let results = |out: &Path| fs::read_to_string(out.join("results.csv")).unwrap();
    assert_eq!(results(&out), results(&whole));
    assert!(!out.join("runs").exists());
}

#[test]
fn arguments_out_of_range_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, message) in [
        (["--time-budget", "soon"], "is not a number of minutes"),
        (["--time-budget", "-1"], "expected a finite number, 0 or more"),
        (["--candidates", "1"], "candidates: 1, expected from 2 to 65,536"),
    ] {
        let arguments: Vec<String> = vec![format!("{}={}", arguments[0], arguments[1])];
        let mut command = Command::new(env!("CARGO_BIN_EXE_softnce-experiments"));
        let out = command.args(["toy", "--out"]).arg(folder.path().join("x")).args(&arguments).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{said}");
        assert!(said.contains(message), "{said}");
    }
}

#[test]
fn every_study_has_a_command_with_its_defaults() {
    let help = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_softnce-experiments"));
        let output = command.args(arguments).arg("--help").output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let all = help(&[]);
    for name in ["toy", "pictures", "graphs", "many-classes"] {
        assert!(all.contains(&format!(" {name} ")), "{name}: {all}");
        assert!(help(&[name]).contains("--time-budget"));
    }
    for study in STUDIES {
        assert!(all.contains(&format!(" {} {}", study.name, study.about)), "{}: {all}", study.name);
        let own = help(&[study.name]);
        assert!(own.contains(&format!("Seeds of each variant [default: {}]", study.seeds)), "{own}");
        for group in (study.groups)() {
            assert!(own.contains(&group.name), "{}: {own}", group.name);
        }
    }
}
