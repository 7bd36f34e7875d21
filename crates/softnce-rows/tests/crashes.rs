//! Stores whose process ends between any two operations on files, by a kill or with the power, or on a full disk.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use common::{bits, copy, files, spec};
use softnce_rows::{Element, MatrixSpec, Place, Rounding, RowStore, RowsError};
use softnce_store::faults::{Crash, Journal, failing, record};
use softnce_store::{StoreError, create_folder, read, write};
use tempfile::{TempDir, tempdir};

type Bits = BTreeMap<String, Vec<u32>>;

const LAST: u64 = 2;

fn specs(place: Place) -> Vec<MatrixSpec> {
    let mut specs = vec![
        spec("weights", 12, 3, Element::Bf16, place),
        spec("moments", 12, 3, Element::F32, place),
        spec("touched", 12, 1, Element::U32, Place::Memory),
    ];
    specs[1].init = softnce_rows::Init::Zero;
    specs
}

/// Changes rows as a training does, as a function of the step.
fn step(store: &mut RowStore, step: u64) -> Result<(), RowsError> {
    // Single rows, and runs of consecutive ones.
    let rows: Vec<u32> = (0..12).filter(|row| (row * 5 + step as u32) % 7 < 3 || row / 4 == step as u32 % 3).collect();
    let [weights, moments, touched] = store.matrices_mut(["weights", "moments", "touched"])?;
    let (mut values, mut sums) = (vec![0.0; 3 * rows.len()], vec![0.0; 3 * rows.len()]);
    weights.gather(&rows, &mut values)?;
    moments.gather(&rows, &mut sums)?;
    for (place, (value, sum)) in values.iter_mut().zip(&mut sums).enumerate() {
        *sum = 0.9 * *sum + (place as f32 + step as f32).sin();
        *value -= 0.01 * *sum;
    }
    weights.scatter(&rows, &values, Rounding::Stochastic { seed: 4, step })?;
    moments.scatter(&rows, &sums, Rounding::Nearest)?;
    touched.scatter_u32(&rows, &vec![step as u32; rows.len()])
}

/// The generation that the checkpoint of a run names.
fn checkpoint(run: &Path) -> u64 {
    read(&run.join("checkpoint")).unwrap().map_or(0, |text| String::from_utf8(text).unwrap().parse().unwrap())
}

/// Starts or continues a run of two steps for each commit; returns the rows of each generation that it saw.
fn finish(run: &Path, specs: &[MatrixSpec]) -> Result<BTreeMap<u64, Bits>, RowsError> {
    let folder = run.join("rows");
    create_folder(run)?;
    let from = checkpoint(run);
    let mut store = match from {
        0 if !RowStore::exists(&folder) => RowStore::create(&folder, specs)?,
        _ => RowStore::open(&folder, specs, from)?,
    };
    assert_eq!((store.generation(), store.changed().rows), (from, 0));
    let mut seen = BTreeMap::from([(from, bits(&store, specs))]);
    for generation in from + 1..=LAST {
        step(&mut store, 2 * generation)?;
        step(&mut store, 2 * generation + 1)?;
        store.prepare(generation)?;
        write(&run.join("checkpoint"), generation.to_string().as_bytes())?;
        store.apply()?;
        seen.insert(generation, bits(&store, specs));
    }
    Ok(seen)
}

/// Every state of the folder `run` that a crash after any number of operations leaves, each in a folder of its own;
/// states that differ in temporary files alone count once.
fn after_each_crash(journal: &Journal, run: &Path, crashes: &[Crash]) -> Vec<(TempDir, String)> {
    let (mut seen, mut left) = (BTreeSet::new(), Vec::new());
    for operations in 0..=journal.len() {
        for crash in crashes {
            let place = tempdir().unwrap();
            journal.leave(operations, *crash, run, place.path()).unwrap();
            let found = ["", "rows"].map(|folder| {
                let mut found = files(&place.path().join(folder));
                found.retain(|name, _| !name.starts_with(".softnce-"));
                found
            });
            if seen.insert(found) {
                left.push((place, format!("{crash:?} after {operations} of {} operations", journal.len())));
            }
        }
    }
    left
}

#[test]
fn a_run_that_ends_between_any_two_operations_on_files_loses_no_commit() {
    for place in [Place::Memory, Place::Disk] {
        let specs = specs(place);
        let folder = tempdir().unwrap();
        let run = folder.path().join("run");
        let (expected, journal) = record(|| finish(&run, &specs));
        let expected = expected.unwrap();
        let end = files(&run.join("rows"));
        assert!(expected.len() == 3 && journal.len() > 60, "{} operations", journal.len());
        let (mut torn, mut recovered) = (0, 0);
        for (left, crash) in after_each_crash(&journal, &run, &Crash::ALL) {
            let generation = checkpoint(left.path());
            let before = fs::read(left.path().join("rows/weights.rows")).map(|bytes| widened(&bytes));
            let seen = finish(left.path(), &specs).unwrap_or_else(|error| panic!("{place:?}, {crash}: {error}"));
            assert!(expected.range(generation..).eq(seen.iter()), "{place:?}, {crash}: from generation {generation}");
            assert!(files(&left.path().join("rows")) == end, "{place:?}, {crash}: other files at the end");
            // That the states are worth testing: some have rows of two generations.
            torn += usize::from(before.is_ok_and(|bits| !expected.values().any(|known| known["weights"] == bits)));
            recovered += usize::from(generation > 0);
        }
        assert!(torn >= 2 && recovered > 20, "{torn} torn states, {recovered} with a checkpoint");
    }
}

/// The bits of f32 for the bytes of bf16.
fn widened(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks(2).map(|half| u32::from(u16::from_le_bytes([half[0], half[1]])) << 16).collect()
}

#[test]
fn a_commit_that_is_finished_at_the_next_start_may_fail_there_too() {
    let specs = specs(Place::Disk);
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    let (expected, journal) = record(|| finish(&run, &specs));
    let expected = expected.unwrap();
    for (left, crash) in after_each_crash(&journal, &run, &[Crash::Kill]) {
        if !RowStore::exists(&left.path().join("rows")) {
            continue;
        }
        for failure in 0.. {
            let again = tempdir().unwrap();
            let (folder, generation) = (again.path(), checkpoint(left.path()));
            copy(&left.path().join("rows"), folder);
            let open = || RowStore::open(folder, &specs, generation);
            let (opened, failed) = failing(failure, ErrorKind::StorageFull, open);
            if !failed {
                break;
            }
            assert!(matches!(opened, Err(RowsError::Store(error)) if error.is_full_disk()));
            let store = open().unwrap();
            assert_eq!(bits(&store, &specs), expected[&generation], "{crash}, failure {failure}");
        }
    }
}

#[test]
fn a_full_disk_is_an_error_after_which_the_same_call_continues() {
    let specs = specs(Place::Disk);
    let twin = tempdir().unwrap();
    let expected = finish(twin.path(), &specs).unwrap();
    for failure in 0.. {
        let folder = tempdir().unwrap();
        let rows = folder.path().join("rows");
        let mut refused = 0;
        // Each call is repeated until it succeeds; one operation fails.
        let (_, failed) = failing(failure, ErrorKind::StorageFull, || {
            let mut again = |result: Result<(), RowsError>| match result {
                Ok(()) => false,
                Err(RowsError::Store(error)) if error.is_full_disk() => {
                    refused += 1;
                    true
                }
                Err(error) => panic!("failure {failure}: {error}"),
            };
            let mut store = None;
            // The state may have got its name before its last sync failed.
            while again(
                match RowStore::exists(&rows) {
                    true => RowStore::open(&rows, &specs, 0),
                    false => RowStore::create(&rows, &specs),
                }
                .map(|made| store = Some(made)),
            ) {}
            let mut store = store.unwrap();
            for generation in 1..=LAST {
                step(&mut store, 2 * generation).unwrap();
                while again(store.prepare(generation)) {}
                // The caller gives up this commit.
                while again(store.cancel()) {}
                step(&mut store, 2 * generation + 1).unwrap();
                while again(store.prepare(generation)) {}
                while again(store.apply()) {
                    let message = store.cancel().unwrap_err().to_string();
                    assert_eq!(message, "cancel is refused: rows may have been written already");
                }
                assert_eq!(bits(&store, &specs), expected[&generation], "failure {failure}");
            }
        });
        assert_eq!(refused, usize::from(failed));
        assert_eq!(files(&rows), files(&twin.path().join("rows")));
        if !failed {
            assert!(failure > 60);
            break;
        }
    }
}

#[test]
fn rows_that_were_applied_before_the_checkpoint_are_noticed() {
    let specs = specs(Place::Disk);
    let folder = tempdir().unwrap();
    let run = folder.path().join("run");
    let (_, journal) = record(|| {
        create_folder(&run).unwrap();
        let mut store = RowStore::create(&run.join("rows"), &specs).unwrap();
        step(&mut store, 1).unwrap();
        store.prepare(1).unwrap();
        store.apply().unwrap();
    });
    let mut messages = Vec::new();
    for operations in 0..=journal.len() {
        let left = tempdir().unwrap();
        journal.leave(operations, Crash::Kill, &run, left.path()).unwrap();
        let rows = left.path().join("rows");
        if !RowStore::exists(&rows) {
            continue;
        }
        let found = match RowStore::open(&rows, &specs, 0) {
            Ok(_) => "generation 0".to_owned(),
            Err(RowsError::Generation { found, expected: 0, .. }) => found,
            Err(error) => panic!("{error}"),
        };
        if messages.last() != Some(&found) {
            messages.push(found);
        }
    }
    let applied = ["generation 1 and a journal from 0 to 1", "generation 1 and no journal"];
    assert_eq!(messages, ["generation 0", "parts of generation 1", applied[0], applied[1]]);
}

#[test]
fn what_a_killed_process_left_is_removed() {
    let specs = specs(Place::Memory);
    let folder = tempdir().unwrap();
    fs::write(folder.path().join(".softnce-1.tmp"), "x").unwrap();
    fs::write(folder.path().join("weights.rows"), "half").unwrap();
    drop(RowStore::create(folder.path(), &specs).unwrap());
    let expected = ["moments.rows", "rows.json", "touched.rows", "weights.rows"];
    assert!(files(folder.path()).into_keys().eq(expected));
    fs::write(folder.path().join(".softnce-2.tmp"), "x").unwrap();
    drop(RowStore::open(folder.path(), &specs, 0).unwrap());
    assert!(files(folder.path()).into_keys().eq(expected));
    let in_use = RowStore::open(folder.path(), &specs, 0).unwrap();
    assert!(matches!(RowStore::open(folder.path(), &specs, 0), Err(RowsError::Store(StoreError::Locked { .. }))));
    drop(in_use);
}
