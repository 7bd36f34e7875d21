//! What crashes and full disks leave of files that are written, moved and removed.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use softnce_store::faults::{Crash, Journal, failing, record};
use softnce_store::{
    CHECKSUM, NewFile, RandomAccessFile, StoreError, UNSEALED, append, checksum_of, create_folder, free_space,
    is_occupied, put_in_place, remove_file, remove_folder, seal, sync, write, write_zeros,
};
use tempfile::tempdir;

/// The files below a folder, without temporary ones: path and content.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            let below = files(&entry.path()).into_iter().map(|(path, content)| (format!("{name}/{path}"), content));
            found.extend(below);
        } else if !name.starts_with(".softnce-") {
            found.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
    found
}

/// What is left after each number of operations, where it changes.
fn left(journal: &Journal, from: &Path, crash: Crash) -> Vec<BTreeMap<String, String>> {
    let mut states: Vec<BTreeMap<String, String>> = Vec::new();
    for operations in 0..=journal.len() {
        let place = tempdir().unwrap();
        journal.leave(operations, crash, from, place.path()).unwrap();
        let state = files(place.path());
        if states.last() != Some(&state) {
            states.push(state);
        }
    }
    states
}

fn state<const N: usize>(files: [(&str, &str); N]) -> BTreeMap<String, String> {
    files.into_iter().map(|(path, content)| (path.to_owned(), content.to_owned())).collect()
}

#[test]
fn a_file_has_its_old_or_its_new_content_after_any_crash() {
    let place = tempdir().unwrap();
    let from = place.path().join("run");
    let file = from.join("last");
    let (written, journal) = record(|| -> Result<(), StoreError> {
        create_folder(&from)?;
        write(&file, b"old")?;
        write(&file, b"newer")
    });
    written.unwrap();
    for crash in Crash::ALL {
        let expected = [state([]), state([("last", "old")]), state([("last", "newer")])];
        assert_eq!(left(&journal, &from, crash), expected, "{crash:?}");
    }
    // When the call returns, the content survives a loss of power; before that, a folder that was not synced is not
    // there.
    let place = tempdir().unwrap();
    journal.leave(1, Crash::PowerCut, &from, &place.path().join("x")).unwrap();
    assert!(!place.path().join("x").exists());
}

#[test]
fn what_is_not_synced_is_lost_with_the_power_and_not_with_the_process() {
    let place = tempdir().unwrap();
    let from = place.path().join("run");
    let (_, journal) = record(|| {
        create_folder(&from).unwrap();
        write(&from.join("a"), b"content").unwrap();
    });
    // After the rename, before the folder is synced.
    let before = journal.len() - 1;
    let at = |operations, crash| {
        let place = tempdir().unwrap();
        journal.leave(operations, crash, &from, place.path()).unwrap();
        files(place.path())
    };
    assert_eq!(at(before, Crash::Kill), state([("a", "content")]));
    assert_eq!(at(before, Crash::PowerCut), state([]));
    assert_eq!(at(before, Crash::NamesOnly), state([("a", "content")]));
}

#[test]
fn what_was_appended_survives_a_loss_of_power_once_it_is_synced() {
    let place = tempdir().unwrap();
    let from = place.path().join("run");
    let (_, journal) = record(|| {
        create_folder(&from).unwrap();
        write(&from.join("a"), b"1").unwrap();
        append(&from.join("a"), b"2").unwrap();
        sync(&from.join("a")).unwrap();
        append(&from.join("a"), b"3").unwrap();
    });
    let contents = ["1", "12", "123"].map(|content| state([("a", content)]));
    assert_eq!(left(&journal, &from, Crash::Kill)[1..], contents);
    assert_eq!(left(&journal, &from, Crash::PowerCut)[1..], contents[..2]);
    let (appended, failed) = failing(0, ErrorKind::StorageFull, || append(&from.join("a"), b"4"));
    assert!(failed && appended.unwrap_err().is_full_disk());
    assert_eq!(fs::read_to_string(from.join("a")).unwrap(), "123");
}

#[test]
fn files_that_are_moved_and_removed_are_there_or_not() {
    let place = tempdir().unwrap();
    let from = place.path().join("set");
    let (_, journal) = record(|| {
        create_folder(&from).unwrap();
        write(&from.join("a.part"), b"content").unwrap();
        put_in_place(&from.join("a.part"), &from.join("a")).unwrap();
        remove_file(&from.join("a")).unwrap();
        remove_file(&from.join("a")).unwrap();
    });
    for crash in Crash::ALL {
        let part = [("a.part", "content")];
        let expected = [state([]), state(part), state([("a", "content")]), state([])];
        assert_eq!(left(&journal, &from, crash), expected, "{crash:?}");
    }
    // A tree goes file by file.
    let (_, journal) = record(|| {
        create_folder(&from.join("trial")).unwrap();
        write(&from.join("trial/a"), b"content").unwrap();
        write(&from.join("trial/b"), b"content").unwrap();
        remove_folder(&from.join("trial")).unwrap();
    });
    assert!(!from.join("trial").exists());
    let counts: Vec<usize> = left(&journal, &from.join("trial"), Crash::Kill).iter().map(BTreeMap::len).collect();
    assert_eq!(counts, [0, 1, 2, 1, 0]);
}

#[test]
fn a_full_disk_at_any_operation_leaves_the_old_content_and_names_the_file() {
    let place = tempdir().unwrap();
    let file = place.path().join("last");
    write(&file, b"old").unwrap();
    for operation in 0.. {
        let (written, failed) = failing(operation, ErrorKind::StorageFull, || write(&file, b"new"));
        if !failed {
            written.unwrap();
            break;
        }
        let error = written.unwrap_err();
        assert!(error.to_string().starts_with(&format!("cannot write {}: ", file.display())), "{error}");
        assert!(error.is_full_disk() && !error.is_usage());
        let content = fs::read_to_string(&file).unwrap();
        // Once the new content has the name, only the sync of the folder can fail.
        assert_eq!(content, if operation < 4 { "old" } else { "new" }, "operation {operation}");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "nothing is left behind");
        fs::write(&file, "old").unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    let (made, failed) = failing(0, ErrorKind::StorageFull, || create_folder(&place.path().join("runs")));
    assert!(failed && made.unwrap_err().is_full_disk());
    assert!(is_occupied(place.path()).unwrap());
}

#[test]
fn what_was_written_in_place_survives_a_loss_of_power_once_it_is_synced() {
    let place = tempdir().unwrap();
    let from = place.path().join("run");
    let (_, journal) = record(|| {
        create_folder(&from).unwrap();
        write_zeros(&from.join("a"), 4).unwrap();
        let mut file = RandomAccessFile::open(&from.join("a")).unwrap();
        file.write(1, b"12").unwrap();
        file.sync().unwrap();
        file.write(3, b"34").unwrap();
    });
    let contents = ["\0\0\0\0", "\u{0}12\0", "\u{0}1234"].map(|content| state([("a", content)]));
    assert_eq!(left(&journal, &from, Crash::Kill)[1..], contents);
    assert_eq!(left(&journal, &from, Crash::PowerCut)[1..], contents[..2]);
    let mut file = RandomAccessFile::open(&from.join("a")).unwrap();
    let (written, failed) = failing(0, ErrorKind::StorageFull, || file.write(0, b"x"));
    assert!(failed && written.unwrap_err().is_full_disk());
    let mut bytes = [0; 2];
    file.read(3, &mut bytes).unwrap();
    assert_eq!((file.length().unwrap(), &bytes), (5, b"34"));
    let text = file.read(4, &mut bytes).unwrap_err().to_string();
    assert!(text.starts_with(&format!("cannot read {}: ", file.path().display())), "{text}");
}

#[test]
fn a_file_in_parts_has_its_old_or_its_new_content_after_any_crash_and_a_full_disk() {
    let place = tempdir().unwrap();
    let from = place.path().join("run");
    let file = from.join("last");
    let head = format!("{{\"{CHECKSUM}\":\"{UNSEALED}\"}}");
    let in_parts = || -> Result<(), StoreError> {
        let mut parts = NewFile::create(&file)?;
        parts.append(head.as_bytes())?;
        parts.append(b"first")?;
        parts.append(b"second")?;
        parts.finish()
    };
    let (written, journal) = record(|| -> Result<(), StoreError> {
        create_folder(&from)?;
        write(&file, b"old")?;
        in_parts()
    });
    written.unwrap();
    // As one that is sealed at once.
    let mut whole = format!("{head}firstsecond").into_bytes();
    seal(&mut whole);
    let whole = String::from_utf8(whole).unwrap();
    assert!(checksum_of(&file, "").unwrap().is_some());
    for crash in Crash::ALL {
        let expected = [state([]), state([("last", "old")]), state([("last", &whole)])];
        assert_eq!(left(&journal, &from, crash), expected, "{crash:?}");
    }
    for operation in 0.. {
        fs::write(&file, "old").unwrap();
        let (written, failed) = failing(operation, ErrorKind::StorageFull, in_parts);
        if !failed {
            break;
        }
        assert!(written.unwrap_err().is_full_disk());
        let content = fs::read_to_string(&file).unwrap();
        assert_eq!(content, if operation < 7 { "old" } else { &whole }, "operation {operation}");
        assert_eq!(fs::read_dir(&from).unwrap().count(), 1, "nothing is left behind");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), whole);
    assert!(NewFile::create(&from).unwrap_err().to_string().contains("directory"));
    assert!(free_space(&from).is_none_or(|bytes| bytes > 0));
}
