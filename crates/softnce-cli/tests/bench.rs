//! The command `bench` as a process: what it writes, and what it refuses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use softnce_bench::{Case, Measurement, Path as Computation};
use tempfile::TempDir;

fn softnce(arguments: &[&str], place: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_softnce")).arg("bench").args(arguments).current_dir(place).output().unwrap()
}

fn error_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name != ".softnce-lock");
    names.sort();
    names
}

fn measurements(file: PathBuf) -> Vec<Measurement> {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn a_tiny_measurement_writes_every_file() {
    let place = TempDir::new().unwrap();
    let tiny = ["--case", "6,9,5", "--case", "12,12,5", "--case", "6,18,5", "--case", "6,9,10"];
    let tiny = [&tiny[..], &["--seconds", "0.01", "--threads", "2,1", "--json", "out.json"]].concat();
    let output = softnce(&tiny, place.path());
    assert!(output.status.success(), "{}", error_of(&output));
    let folder = place.path().join("runs/bench");
    let written = measurements(folder.join("results.json"));
    assert_eq!(written, measurements(place.path().join("out.json")));

    // Every path that needs no linear head, at every case, with every number of threads, in this order.
    let paths: Vec<Computation> = Computation::ALL.iter().copied().filter(|path| *path != Computation::Head).collect();
    assert_eq!(written.len(), 4 * 2 * paths.len());
    for (index, group) in written.chunks(paths.len()).enumerate() {
        assert_eq!(group.iter().map(|measurement| measurement.path).collect::<Vec<_>>(), paths);
        assert!(group.iter().all(|measurement| measurement.threads == 2 - index % 2));
    }
    assert_eq!(written[0].case(), Case::loss(6, 9, 5).unwrap());
    for measurement in &written {
        assert!(measurement.min_ms > 0.0 && measurement.min_ms <= measurement.median_ms, "{measurement:?}");
        // Where the machine is busy, a call takes longer than the time for its path, and is then the only sample.
        assert!(measurement.samples >= 1 && measurement.extra_bytes.is_some(), "{measurement:?}");
    }
    // The reference's tensor of N x M x d entries is counted.
    let reference = written.iter().find(|measurement| measurement.path == Computation::Reference).unwrap();
    assert!(reference.extra_bytes.unwrap() >= 4 * 6 * 9 * 5, "{reference:?}");
    let list: serde_json::Value = serde_json::from_slice(&fs::read(place.path().join("out.json")).unwrap()).unwrap();
    for entry in list.as_array().unwrap() {
        for key in ["n", "m", "d", "path", "median_ms", "min_ms", "extra_bytes"] {
            assert!(!entry[key].is_null(), "{key} in {entry}");
        }
    }

    let csv = fs::read_to_string(folder.join("results.csv")).unwrap();
    assert_eq!(csv.lines().count(), written.len() + 1);
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("N=6, M=9, d=5, 1 thread") && !page.contains("NaN"));
    let markdown = fs::read_to_string(folder.join("results.md")).unwrap();
    assert!(markdown.contains("| soft_cross_entropy |"), "{markdown}");
    // Two sizes of M and of d lie on a line, but not of N; both quantities, both numbers of threads.
    let figures: Vec<String> = names(&folder).into_iter().filter(|name| name.ends_with(".svg")).collect();
    assert_eq!(figures.len(), 2 * 2 * 2, "{figures:?}");
    for figure in &figures {
        roxmltree::Document::parse(&fs::read_to_string(folder.join(figure)).unwrap()).unwrap();
    }
    assert_eq!(names(&folder).len(), 4 + figures.len(), "{:?}", names(&folder));
    assert_eq!(names(place.path()), ["out.json", "runs"]);

    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(table.contains("N=6, M=18, d=5, 2 threads") && table.contains("runs/bench/report.html"), "{table}");
    assert!(error_of(&output).contains("case 8 of 8: N=6, M=9, d=10, 1 thread"), "{}", error_of(&output));

    // The same folder again, with fewer cases: no figure of the first measurement stays.
    let output = softnce(&["--case", "2,2,2", "--seconds", "0.01", "--paths", "products"], place.path());
    assert!(output.status.success(), "{}", error_of(&output));
    assert_eq!(names(&folder), ["report.html", "results.csv", "results.json", "results.md"]);
}

#[test]
fn what_would_take_too_much_memory_is_skipped_and_said_to_be() {
    let place = TempDir::new().unwrap();
    let arguments = ["--case", "6,9,5", "--paths", "reference,copy", "--seconds", "0.01", "--memory-cap", "1KiB"];
    let output = softnce(&[&arguments[..], &["--out", "here"]].concat(), place.path());
    assert!(output.status.success(), "{}", error_of(&output));
    let reason = "its N x M x d tensor takes 1.1 KiB, more than the cap of 1.0 KiB";
    assert!(String::from_utf8_lossy(&output.stdout).contains(&format!("reference skipped: {reason}")));
    assert!(fs::read_to_string(place.path().join("here/report.html")).unwrap().contains(reason));
    let written = measurements(place.path().join("here/results.json"));
    assert_eq!(written.iter().map(|measurement| measurement.path).collect::<Vec<_>>(), [Computation::Copy]);
}

#[test]
fn arguments_that_cannot_be_used_end_with_code_2() {
    let place = TempDir::new().unwrap();
    let refused = |arguments: &[&str], words: &str| {
        let output = softnce(arguments, place.path());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", error_of(&output));
        assert!(error_of(&output).contains(words), "{arguments:?}: {}", error_of(&output));
    };
    refused(&["--case", "1,2"], "case is 1,2, expected N,M,D");
    refused(&["--case", "9,6,5"], "case is 9,6,5, expected N,M,D with M at least N");
    refused(&["--head", "0"], "head case is 0, expected a number of classes");
    refused(&["--head", "x"], "head case is x, expected a number of classes");
    refused(&["--cases", "all"], "cases is all, expected one of standard, heads, sweep, quick");
    refused(&["--paths", "fast"], "path is fast, expected one of reference, dense");
    refused(&["--paths", "nll,nll"], "paths is nll, expected each path once");
    refused(&["--paths", "head", "--case", "6,9,5"], "paths is head, expected at least one path that a case has");
    refused(&["--threads", "0"], "threads is 0, expected numbers from 1 to 1024");
    refused(&["--seconds", "-1"], "seconds is -1, expected a number above 0");
    refused(&["--memory-cap", "5 pages"], "5 pages is not a size; expected a number of bytes");
    refused(&["--name", "a", "--out", "b"], "cannot be used with");
    assert!(names(place.path()).is_empty(), "nothing is written for arguments that are refused");
}

#[test]
fn places_that_cannot_be_written_are_refused_before_anything_is_measured() {
    let place = TempDir::new().unwrap();
    fs::create_dir(place.path().join("foreign")).unwrap();
    fs::write(place.path().join("foreign/thesis.txt"), "kept").unwrap();
    let refused = |arguments: &[&str], words: &str| {
        let output = softnce(&[&["--case", "6,9,5", "--seconds", "0.01"], arguments].concat(), place.path());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", error_of(&output));
        let error = error_of(&output);
        assert!(error.contains(words) && !error.contains("case 1 of 1"), "{arguments:?}: {error}");
    };
    refused(&["--out", "foreign"], "foreign is not empty and holds no benchmark");
    refused(&["--out", "foreign/thesis.txt/run"], "foreign/thesis.txt/run");
    refused(&["--json", "absent/out.json"], "cannot write absent/out.json");
    refused(&["--json", "foreign"], "cannot write foreign");
    assert_eq!(names(&place.path().join("foreign")), ["thesis.txt"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_the_files_of_the_last_measurement() {
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    let place = TempDir::new().unwrap();
    let first = ["--case", "6,9,5", "--seconds", "0.01", "--json", "out.json"];
    assert!(softnce(&first, place.path()).status.success());
    let read = || {
        let folder = place.path().join("runs/bench");
        let files = names(&folder).into_iter().map(|name| (fs::read(folder.join(&name)).unwrap(), name));
        (files.collect::<Vec<_>>(), fs::read(place.path().join("out.json")).unwrap())
    };
    let before = read();
    let log = place.path().join("log");
    let mut child = Command::new(env!("CARGO_BIN_EXE_softnce"))
        .args(["bench", "--case", "6,9,5", "--seconds", "60", "--json", "out.json"])
        .current_dir(place.path())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while !fs::read_to_string(&log).unwrap().contains("case 1 of 1") {
        assert!(started.elapsed() < Duration::from_secs(60), "the measurement did not start");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(fs::read_to_string(&log).unwrap().contains("stopped; nothing was written"));
    assert_eq!(read(), before);
}
