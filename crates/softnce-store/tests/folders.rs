//! Folders with a lock, a manifest and finished parts: what is continued and what is refused, in which words.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use softnce_store::{Folder, Lock, Manifest, StoreError, differences, is_occupied, read_json, remove_folder};
use tempfile::tempdir;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const FILE: &str = "study.json";

#[derive(Serialize, Deserialize)]
struct Study {
    version: String,
    seeds: u32,
}

impl Manifest for Study {
    fn read(folder: &Path) -> Result<Option<Self>, StoreError> {
        read_json(&folder.join(FILE), "name another folder with --out")
    }

    fn write(&self, folder: &Folder) -> Result<(), StoreError> {
        folder.write_json(FILE, self)
    }

    fn version(&self) -> Option<&str> {
        Some(&self.version)
    }

    fn differences(&self, found: &Self) -> Vec<String> {
        differences(found, self)
    }
}

fn open(path: &Path, seeds: u32) -> Result<Folder, StoreError> {
    Folder::open(path, "study", &Study { version: VERSION.to_owned(), seeds })
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_folder_is_made_continued_and_refused_with_other_settings() {
    let place = tempdir().unwrap();
    let path = place.path().join("deep/study");
    let folder = open(&path, 3).unwrap();
    folder.parts().write("a", &1).unwrap();
    drop(folder);
    let folder = open(&path, 3).unwrap();
    assert_eq!(folder.parts().read("a", |_: &u32| true).unwrap(), Some(1));
    assert_eq!(names(&path), [".softnce-lock", "parts", "study.json"]);
    drop(folder);
    let error = open(&path, 4).unwrap_err();
    let expected = format!(
        "{} holds a study with other settings (seeds: 3 there, 4 here); name another folder with --out, or remove this one",
        path.display()
    );
    assert_eq!(error.to_string(), expected);
    assert!(error.is_usage());
    assert_eq!(read_json::<Study>(&path.join(FILE), "").unwrap().unwrap().seeds, 3);
}

#[test]
fn a_manifest_of_another_version_is_refused() {
    let place = tempdir().unwrap();
    fs::write(place.path().join(FILE), "{\"version\": \"0.0.9\", \"seeds\": 4}").unwrap();
    let expected = format!(
        "{} was written by softnce 0.0.9, this is softnce {VERSION}; name another folder with --out, or remove this one",
        place.path().display()
    );
    assert_eq!(open(place.path(), 3).unwrap_err().to_string(), expected);
}

#[test]
fn a_damaged_manifest_is_named_and_kept() {
    let place = tempdir().unwrap();
    let file = place.path().join(FILE);
    fs::write(&file, "{\"version\"").unwrap();
    let text = open(place.path(), 3).unwrap_err().to_string();
    assert!(text.starts_with(&format!("{} is not valid: EOF", file.display())), "{text}");
    assert!(text.ends_with("; name another folder with --out"), "{text}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\"version\"");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let text = open(place.path(), 3).unwrap_err().to_string();
    assert!(text.starts_with(&format!("cannot read {}: ", file.display())), "{text}");
}

#[test]
fn a_foreign_folder_is_left_as_it_was() {
    let place = tempdir().unwrap();
    fs::write(place.path().join("thesis.txt"), "mine").unwrap();
    let error = open(place.path(), 3).unwrap_err();
    let expected =
        format!("{} is not empty and holds no study; name a new or empty folder with --out", place.path().display());
    assert_eq!(error.to_string(), expected);
    assert_eq!(names(place.path()), ["thesis.txt"]);
}

#[test]
fn a_file_in_the_place_of_the_folder_is_named_and_kept() {
    let place = tempdir().unwrap();
    let file = place.path().join("file");
    fs::write(&file, "kept").unwrap();
    for path in [&file, &file.join("study")] {
        let text = open(path, 3).unwrap_err().to_string();
        assert!(text.starts_with(&format!("cannot read {}", path.display())), "{text}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
    assert!(is_occupied(&file).is_err() && !is_occupied(&place.path().join("absent")).unwrap());
}

#[test]
fn what_killed_processes_left_does_not_count_and_is_removed() {
    let place = tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    // Of 0.1.0, of this version, and a lock whose process ended.
    for (folder, name) in [("", ".softnce-abc123"), ("", ".softnce-lock"), ("parts", ".softnce-abc123")] {
        fs::create_dir_all(at(folder)).unwrap();
        fs::write(at(folder).join(name), "half a").unwrap();
    }
    for folder in [".atomicwriteAbC123", "parts/.atomicwriteAbC123"] {
        fs::create_dir(at(folder)).unwrap();
        fs::write(at(folder).join("tmpfile.tmp"), "half a").unwrap();
    }
    fs::remove_dir_all(at("parts")).unwrap();
    assert!(!is_occupied(place.path()).unwrap());
    let folder = open(place.path(), 3).unwrap();
    assert_eq!(names(place.path()), [".softnce-lock", "study.json"]);
    folder.parts().write("a", &1).unwrap();
    drop(folder);
    fs::create_dir(at("parts/.atomicwriteAbC123")).unwrap();
    fs::write(at("parts/.softnce-abc123"), "half a").unwrap();
    open(place.path(), 3).unwrap();
    assert_eq!(names(&at("parts")), ["a.json"]);
}

const HELD: &str = "SOFTNCE_STORE_HOLDS";

/// Not a test: the process that holds a folder for the next one.
#[test]
fn holds_a_folder_until_its_input_ends() {
    let Some(path) = std::env::var_os(HELD) else { return };
    let _folder = open(Path::new(&path), 3).unwrap();
    println!("\nheld");
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[test]
fn a_folder_of_another_process_is_refused_until_it_ends() {
    let place = tempdir().unwrap();
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["holds_a_folder_until_its_input_ends", "--exact", "--nocapture"])
        .env(HELD, place.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(other.stdout.take().unwrap()).lines();
    assert!(said.map_while(Result::ok).any(|line| line == "held"));
    let error = open(place.path(), 3).unwrap_err();
    // It says which process, where, since when.
    let text = error.to_string();
    let start = format!("another process is using {} (process {} on ", place.path().display(), other.id());
    assert!(text.starts_with(&start) && text.contains(", since 20"), "{text}");
    assert!(text.ends_with("Z); wait until it has ended, or name another folder with --out"), "{text}");
    assert!(matches!(error, StoreError::Locked { .. }) && error.is_usage());
    // Killed, it holds nothing any more.
    other.kill().unwrap();
    other.wait().unwrap();
    open(place.path(), 3).unwrap();
}

#[test]
fn a_lock_is_held_until_it_is_dropped() {
    let place = tempdir().unwrap();
    let take = || Lock::take(&place.path().join("set.lock"), Path::new("set"), "wait until it has ended");
    let held = take().unwrap();
    let text = take().unwrap_err().to_string();
    assert!(text.starts_with("another process is using set (process "), "{text}");
    assert!(text.ends_with("; wait until it has ended"), "{text}");
    drop(held);
    take().unwrap();
    let error = Lock::take(&place.path().join("absent/lock"), Path::new("set"), "").unwrap_err().to_string();
    assert!(error.starts_with("cannot write ") && error.contains("absent/lock: "), "{error}");
}

/// A manifest whose folder holds work once there is a part.
#[derive(Serialize, Deserialize)]
struct Started(u32);

impl Manifest for Started {
    fn read(folder: &Path) -> Result<Option<Self>, StoreError> {
        read_json(&folder.join(FILE), "name another folder with --out")
    }

    fn write(&self, folder: &Folder) -> Result<(), StoreError> {
        folder.write_json(FILE, self)
    }

    fn differences(&self, _: &Self) -> Vec<String> {
        Vec::new()
    }

    fn other_data(&self, found: &Self) -> Option<(Vec<String>, &'static str)> {
        (found.0 != self.0).then(|| (vec![format!("pictures: {} there, {} here", found.0, self.0)], "put them back"))
    }

    fn has_work(folder: &Path) -> bool {
        folder.join("parts").exists()
    }
}

#[test]
fn a_folder_without_work_is_taken_over_and_other_data_are_refused_where_there_is_work() {
    let place = tempdir().unwrap();
    let path = place.path().join("run");
    let open = |pictures| Folder::open(&path, "run", &Started(pictures));
    drop(open(60).unwrap());
    // The first start trained nothing.
    let folder = open(59).unwrap();
    assert_eq!(read_json::<Started>(&path.join(FILE), "").unwrap().unwrap().0, 59);
    folder.parts().write("a", &1).unwrap();
    drop(folder);
    let error = open(60).unwrap_err();
    let expected = format!("{} holds a run on other data (pictures: 59 there, 60 here); put them back", path.display());
    assert_eq!(error.to_string(), expected);
    assert!(matches!(error, StoreError::OtherData { .. }) && error.is_usage());
    open(59).unwrap();
}

#[test]
fn a_damaged_part_is_found_at_any_bit() {
    let place = tempdir().unwrap();
    let parts = open(place.path(), 3).unwrap().parts();
    assert!(parts.is_empty());
    parts.write("a", &vec![0.25, 0.5]).unwrap();
    assert!(!parts.is_empty());
    let path = place.path().join("parts/a.json");
    let whole = fs::read(&path).unwrap();
    for bit in 0..8 * whole.len() {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &damaged).unwrap();
        match parts.read::<Vec<f64>>("a", |_| true) {
            Ok(found) => assert_eq!(found, Some(vec![0.25, 0.5]), "bit {bit}"),
            Err(error) => assert!(error.to_string().contains("a.json"), "{error}"),
        }
    }
    // Parts of earlier revisions have no checksum.
    fs::write(&path, format!("{{\"version\": \"{VERSION}\", \"content\": [1.0]}}")).unwrap();
    assert_eq!(parts.read::<Vec<f64>>("a", |_| true).unwrap(), Some(vec![1.0]));
}

#[test]
fn a_part_comes_back_and_what_is_not_it_is_refused() {
    let place = tempdir().unwrap();
    let parts = open(place.path(), 3).unwrap().parts();
    assert_eq!(parts.read::<u32>("a", |_| true).unwrap(), None);
    parts.write("a", &7).unwrap();
    assert_eq!(parts.read("a", |&found: &u32| found == 7).unwrap(), Some(7));
    let at = |name: &str| place.path().join("parts").join(name);
    let error = parts.read("a", |&found: &u32| found == 8).unwrap_err().to_string();
    let expected = format!(
        "{} is not valid: it holds another run than its name says; remove it to have its run repeated",
        at("a.json").display()
    );
    assert_eq!(error, expected);
    fs::write(at("b.json"), "{\"version\": \"0.0.1\", \"content\": 3}").unwrap();
    let error = parts.read::<u32>("b", |_| true).unwrap_err().to_string();
    let expected = format!(
        "{} was written by softnce 0.0.1, this is softnce {VERSION}; name another folder with --out",
        at("b.json").display()
    );
    assert_eq!(error, expected);
    fs::write(at("c.json"), "{\"version\"").unwrap();
    let error = parts.read::<u32>("c", |_| true).unwrap_err();
    assert!(
        matches!(error, StoreError::Invalid { .. }) && error.to_string().contains("c.json is not valid"),
        "{error}"
    );
}

#[test]
fn a_part_does_not_leave_its_folder() {
    let place = tempdir().unwrap();
    let parts = open(place.path(), 3).unwrap().parts();
    for name in ["../a", "/a", "a/b", "..", ""] {
        let error = parts.write(name, &1).unwrap_err().to_string();
        assert!(error.contains(&format!("a part is called {name:?}, expected the name of a file")), "{error}");
        assert!(parts.read::<u32>(name, |_| true).is_err());
    }
    assert_eq!(names(place.path()), [".softnce-lock", "study.json"]);
    // A name with a dot keeps all of it.
    parts.write("rate-1.5", &1).unwrap();
    assert_eq!(names(&place.path().join("parts")), ["rate-1.5.json"]);
}

#[test]
fn a_folder_is_removed_once_and_again() {
    let place = tempdir().unwrap();
    let path = place.path().join("trial");
    drop(open(&path, 3).unwrap());
    remove_folder(&path).unwrap();
    remove_folder(&path).unwrap();
    assert!(!path.exists());
    fs::write(&path, "").unwrap();
    let error = remove_folder(&path).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot remove {}: ", path.display())), "{error}");
}
