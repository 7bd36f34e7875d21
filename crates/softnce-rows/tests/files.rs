//! Wrong arguments, damaged files, exports.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{bits, copy, message, spec};
use safetensors::{Dtype, SafeTensors};
use softnce_rows::{
    Changed, Element, Init, MatrixSpec, Place, Rounding, RowBlocks, RowMatrix, RowStore, RowsError, write_safetensors,
};
use softnce_store::{CHECKSUM, StoreError, UNSEALED, checksum_of};
use tempfile::tempdir;

fn specs() -> [MatrixSpec; 2] {
    [spec("weights", 10, 4, Element::F32, Place::Disk), spec("touched", 10, 1, Element::U32, Place::Memory)]
}

/// A store with the changes of a commit that was prepared.
fn prepared(folder: &Path) -> RowStore {
    let mut store = RowStore::create(folder, &specs()).unwrap();
    let [weights, touched] = store.matrices_mut(["weights", "touched"]).unwrap();
    weights.scatter(&[2, 3, 7], &[0.5; 12], Rounding::Nearest).unwrap();
    touched.scatter_u32(&[3], &[8]).unwrap();
    store.prepare(5).unwrap();
    store
}

#[test]
fn arguments_are_named() {
    let mut matrix = RowMatrix::in_memory(10, 4, Element::Bf16, Init::Zero).unwrap();
    let mut out = [0.0; 8];
    assert_eq!(message(matrix.gather(&[1, 10], &mut out)), "rows is row 10, expected 0 to 9");
    assert_eq!(message(matrix.gather(&[1], &mut out)), "out is [8], expected [1 rows * 4 values]");
    assert_eq!(message(matrix.read(0..3, &mut out)), "out is [8], expected [3 rows * 4 values]");
    assert_eq!(message(matrix.read(9..11, &mut out)), "range is 9..11, expected within 0..10");
    #[allow(clippy::reversed_empty_ranges)]
    let reversed = 3..1;
    assert_eq!(message(matrix.read(reversed, &mut out)), "range is 3..1, expected within 0..10");
    let mut scatter = |rows: &[u32], values: &[f32]| message(matrix.scatter(rows, values, Rounding::Nearest));
    assert_eq!(scatter(&[4, 4], &[1.0; 8]), "rows is 4 before 4, expected ascending rows, none twice");
    assert_eq!(scatter(&[4, 12], &[1.0; 8]), "rows is row 12, expected 0 to 9");
    assert_eq!(scatter(&[4], &[1.0; 8]), "values is [8], expected [1 rows * 4 values]");
    let not_finite = [1.0, 1.0, 1.0, 1.0, 1.0, f32::NAN, 1.0, 1.0];
    assert_eq!(scatter(&[4, 6], &not_finite), "values is NaN in row 6, column 1, expected finite numbers");
    assert!(scatter(&[4], &not_finite).starts_with("values is NaN in row -, column 1"));
    assert!(message(matrix.scatter_u32(&[4], &[1; 4])).starts_with("matrix is one of BF16, expected one of U32"));
    // After all of these nothing has changed.
    let mut all = [1.0; 40];
    matrix.read(0..10, &mut all).unwrap();
    assert_eq!(all, [0.0; 40]);
    matrix.scatter(&[], &[], Rounding::Nearest).unwrap();
    matrix.scatter(&[9], &[f32::MAX; 4], Rounding::Nearest).unwrap();
    matrix.gather(&[9, 9], &mut out).unwrap();
    assert_eq!(out, [half::bf16::MAX.to_f32(); 8]);
    let integers = RowMatrix::in_memory(10, 1, Element::U32, Init::Zero).unwrap();
    assert!(
        message(integers.gather(&[1], &mut [0.0])).starts_with("matrix is one of U32, expected a matrix of floats")
    );
    assert!(message(integers.read(0..1, &mut [0.0])).starts_with("matrix is one of U32"));
}

#[test]
fn sizes_and_names_are_checked_before_anything_is_written() {
    let place = tempdir().unwrap();
    let folder = place.path().join("rows");
    let refused = |change: &dyn Fn(&mut MatrixSpec)| {
        let mut specs = specs();
        change(&mut specs[0]);
        let text = message(RowStore::create(&folder, &specs));
        assert!(!folder.join("weights.rows").exists() && !RowStore::exists(&folder));
        text
    };
    assert_eq!(refused(&|spec| spec.rows = 0), "rows is 0, expected 1 to 4294967295");
    assert_eq!(refused(&|spec| spec.rows = 1 << 32), "rows is 4294967296, expected 1 to 4294967295");
    assert!(refused(&|spec| spec.width = 0).starts_with("width is 0, expected at least 1"));
    assert!(
        refused(&|spec| spec.width = usize::MAX / 8).starts_with("width is 2305843009213693951, expected at least 1")
    );
    for name in ["", "../weights", "we ights", "a/b"] {
        let expected = format!("name of a matrix is {name:?}, expected letters, digits, - and _");
        assert_eq!(refused(&|spec| name.clone_into(&mut spec.name)), expected);
    }
    assert!(refused(&|spec| "Touched".clone_into(&mut spec.name)).starts_with("matrices is two called 'touched'"));
    for std in [-1.0, f32::NAN, f32::INFINITY] {
        assert!(refused(&|spec| spec.init = Init::Normal { std, seed: 1 }).starts_with("std is "));
    }
    let integers = refused(&|spec| spec.element = Element::U32);
    assert!(integers.ends_with("expected Zero for a matrix of integers"), "{integers}");
    assert!(message(RowStore::create(&folder, &[])).starts_with("matrices is empty"));
    // A hundred terabytes of zeros, which would take no space at first.
    let zeros = |spec: &mut MatrixSpec| (spec.rows, spec.width, spec.init) = (100_000_000, 250_000, Init::Zero);
    if softnce_store::free_space(place.path()).is_some_and(|free| free < 100_000_000_000_000) {
        let text = refused(&zeros);
        assert!(text.contains("needs 100000000000040 bytes of disk space, and "), "{text}");
    }
}

#[test]
fn calls_out_of_order_are_refused() {
    let place = tempdir().unwrap();
    let mut store = RowStore::create(place.path(), &specs()).unwrap();
    assert_eq!(message(store.apply()), "apply is refused: no commit is prepared");
    assert_eq!(message(store.cancel()), "cancel is refused: no commit is prepared");
    assert_eq!(message(store.prepare(0)), "generation is 0, expected one after 0");
    store.prepare(5).unwrap();
    assert!(message(store.prepare(6)).starts_with("prepare is refused: a commit is prepared"));
    let [weights] = store.matrices_mut(["weights"]).unwrap();
    let scattered = weights.scatter(&[1], &[1.0; 4], Rounding::Nearest);
    assert_eq!(message(scattered), "scatter is refused: a commit is prepared: apply or cancel it first");
    store.apply().unwrap();
    assert_eq!(message(store.prepare(5)), "generation is 5, expected one after 5");
    assert_eq!(message(store.matrix("bias")), "name is \"bias\", expected one of touched, weights");
    assert!(message(store.matrices_mut(["weights", "bias"])).starts_with("name is \"bias\""));
    assert!(message(store.matrices_mut(["weights", "weights"])).ends_with("expected each name once"));
    drop(store);
    assert!(message(RowStore::create(place.path(), &specs())).contains("expected one without a store"));
}

#[test]
fn the_size_of_the_next_commit_is_known() {
    let place = tempdir().unwrap();
    let mut store = RowStore::create(place.path(), &specs()).unwrap();
    let none = store.changed();
    assert_eq!((none.rows, none.memory), (0, 0));
    let [weights, touched] = store.matrices_mut(["weights", "touched"]).unwrap();
    weights.scatter(&[2, 3, 7], &[0.5; 12], Rounding::Nearest).unwrap();
    weights.scatter(&[3], &[0.75; 4], Rounding::Nearest).unwrap();
    touched.scatter_u32(&[3], &[8]).unwrap();
    let Changed { rows, memory, journal } = store.changed();
    assert_eq!(rows, 4);
    assert!(memory >= 3 * 16, "{memory}");
    assert_eq!(journal, none.journal + 3 * (4 + 16) + (4 + 4));
    assert_eq!(store.disk_bytes(), 10 * 16 + 10 * 4 + journal);
    store.prepare(u64::MAX - 1).unwrap();
    // The numbers of the generations have at most 20 digits each; they are 0 and one of 20.
    let file = fs::metadata(place.path().join("journal")).unwrap().len();
    assert!(file <= journal && file + 19 >= journal, "{file}, {journal}");
}

#[test]
fn other_generations_and_damaged_files_are_refused() {
    let place = tempdir().unwrap();
    let (folder, specs) = (place.path().join("rows"), specs());
    let store = prepared(&folder);
    let after = bits(&store, &specs);
    drop(store);
    let damaged = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let place = tempdir().unwrap();
        copy(&folder, place.path());
        let mut content = fs::read(folder.join(name)).unwrap();
        change(&mut content);
        fs::write(place.path().join(name), content).unwrap();
        place
    };
    let generation = |folder: &Path, generation| match RowStore::open(folder, &specs, generation) {
        Err(RowsError::Generation { found, expected, .. }) if expected == generation => found,
        other => panic!("{other:?}"),
    };
    assert_eq!(generation(&folder, 4), "generation 0 and a journal from 0 to 5");
    assert_eq!(generation(&folder, 6), "generation 0 and a journal from 0 to 5");
    // A flipped bit in any byte of the journal and of the state is noticed.
    for name in ["journal", "rows.json"] {
        for byte in 0..fs::metadata(folder.join(name)).unwrap().len() as usize {
            let place = damaged(name, &|content| content[byte] ^= 1 << (byte % 7));
            assert!(RowStore::open(place.path(), &specs, 5).is_err(), "{name}, byte {byte}");
            assert_eq!(
                fs::read(folder.join("weights.rows")).unwrap(),
                fs::read(place.path().join("weights.rows")).unwrap()
            );
        }
        let cut = damaged(name, &|content| content.truncate(content.len() / 2));
        assert!(RowStore::open(cut.path(), &specs, 5).is_err());
    }
    // A journal that the checkpoint does not name is removed whatever it holds.
    let unnamed = damaged("journal", &|content| content.truncate(9));
    assert_eq!(RowStore::open(unnamed.path(), &specs, 0).unwrap().generation(), 0);
    assert!(!unnamed.path().join("journal").exists());
    assert_eq!(generation(unnamed.path(), 5), "generation 0 and no journal");
    // Sizes.
    for size in [159, 161] {
        let place = damaged("weights.rows", &|content| content.resize(size, 0));
        for generation in [0, 5] {
            let text = message(RowStore::open(place.path(), &specs, generation));
            assert!(text.contains(&format!("weights.rows is not valid: it has {size} bytes, expected 160;")), "{text}");
        }
    }
    let absent = tempdir().unwrap();
    copy(&folder, absent.path());
    fs::remove_file(absent.path().join("weights.rows")).unwrap();
    assert!(message(RowStore::open(absent.path(), &specs, 0)).starts_with("cannot open "));
    fs::remove_file(absent.path().join("rows.json")).unwrap();
    let opened = RowStore::open(absent.path(), &specs, 0);
    assert!(matches!(opened, Err(RowsError::Store(StoreError::Missing { .. }))));
    assert!(RowStore::open(&absent.path().join("nowhere"), &specs, 0).is_err());
    assert!(!absent.path().join("nowhere").exists());
    // What a torn write left of the rows of the commit does not count.
    let torn =
        damaged("weights.rows", &|content| [2, 3, 7].iter().for_each(|row| content[16 * row + 5..][..9].fill(0xa5)));
    assert_eq!(bits(&RowStore::open(torn.path(), &specs, 5).unwrap(), &specs), after);
    // Other matrices, in any order.
    let mut other = specs.clone();
    other.swap(0, 1);
    other[1].width = 5;
    let text = message(RowStore::open(&folder, &other, 5));
    assert!(text.contains("holds a store of matrices with other settings (weights.width: 4 there, 5 here)"), "{text}");
    other[1].width = 4;
    other[1].place = Place::Memory;
    // The checkpoint names the commit that was prepared, so its rows are there.
    let store = RowStore::open(&folder, &other, 5).unwrap();
    assert_eq!((bits(&store, &specs), store.generation()), (after, 5));
    drop(store);
    assert_eq!(generation(&folder, 0), "generation 5 and no journal");
}

#[test]
fn a_file_that_is_cut_while_it_is_in_use_is_an_error() {
    let place = tempdir().unwrap();
    let mut store = RowStore::create(place.path(), &specs()).unwrap();
    let path = place.path().join("weights.rows");
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(100).unwrap();
    let [weights] = store.matrices_mut(["weights"]).unwrap();
    let mut out = [0.0; 4];
    weights.gather(&[5], &mut out).unwrap();
    for error in [weights.gather(&[6], &mut out), weights.read(0..10, &mut [0.0; 40])] {
        let text = error.unwrap_err().to_string();
        assert!(text.starts_with(&format!("cannot read {}: ", path.display())), "{text}");
    }
    // A changed row is in memory.
    weights.scatter(&[6], &[2.0; 4], Rounding::Nearest).unwrap();
    weights.gather(&[6], &mut out).unwrap();
    assert_eq!(out, [2.0; 4]);
}

#[test]
fn other_programs_read_the_export() {
    let place = tempdir().unwrap();
    let kinds =
        [("a", Element::F32, Place::Disk), ("b", Element::Bf16, Place::Memory), ("c", Element::U32, Place::Disk)];
    let specs = kinds.map(|(name, element, place)| spec(name, 1000, 3, element, place));
    let mut store = RowStore::create(&place.path().join("rows"), &specs).unwrap();
    let [a, c] = store.matrices_mut(["a", "c"]).unwrap();
    a.scatter(&[0, 999], &[7.0, 8.0, 9.0, -7.0, -8.0, -9.0], Rounding::Nearest).unwrap();
    c.scatter_u32(&[500], &[1, 2, u32::MAX]).unwrap();
    let path = place.path().join("head.safetensors");
    let metadata = BTreeMap::from([(CHECKSUM, UNSEALED), ("step", "\"12\"")]);
    let metadata: BTreeMap<String, String> =
        metadata.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let tensors = [("weight", "a"), ("half \"b\"", "b"), ("touched", "c")];
    let tensors = tensors.map(|(name, matrix)| (name, store.matrix(matrix).unwrap()));
    write_safetensors(&path, &tensors, &metadata).unwrap();
    assert!(checksum_of(&path, "").unwrap().is_some_and(|checksum| checksum != UNSEALED));
    let bytes = fs::read(&path).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["step"], "\"12\"");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.len(), 3);
    let all = bits(&store, &specs);
    for ((name, _), (spec, dtype)) in tensors.iter().zip(specs.iter().zip([Dtype::F32, Dtype::BF16, Dtype::U32])) {
        let tensor = file.tensor(name).unwrap();
        assert_eq!((tensor.dtype(), tensor.shape()), (dtype, &[1000, 3][..]));
        let size = spec.element.size();
        // The upper half of a value of bf16 comes second, and its lower half is zero.
        let values = tensor.data().chunks(size).map(|value| {
            let mut bits = [0; 4];
            bits[4 - size..].copy_from_slice(value);
            u32::from_le_bytes(bits)
        });
        assert_eq!(values.collect::<Vec<_>>(), all[&spec.name]);
    }
    for names in [["x", "x"], ["x", "__metadata__"]] {
        let tensors = names.map(|name| (name, store.matrix("a").unwrap()));
        let text = message(write_safetensors(&path, &tensors, &BTreeMap::new()));
        assert!(text.ends_with("expected a name that no other entry has"), "{text}");
    }
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
#[cfg(target_os = "linux")]
fn zeros_take_no_space_on_the_disk() {
    use std::os::unix::fs::MetadataExt;
    let place = tempdir().unwrap();
    let specs = [MatrixSpec { init: Init::Zero, ..spec("moments", 1 << 16, 256, Element::F32, Place::Disk) }];
    let mut store = RowStore::create(place.path(), &specs).unwrap();
    let found = || fs::metadata(place.path().join("moments.rows")).unwrap();
    let taken = found().blocks() * 512;
    assert_eq!(found().len(), 64 << 20);
    let full = [MatrixSpec { init: Init::ZeroInFull, ..spec("full", 1 << 12, 256, Element::F32, Place::Disk) }];
    let folder = place.path().join("full");
    let full = RowStore::create(&folder, &full).unwrap();
    let mut values = vec![1.0; 1 << 20];
    full.matrix("full").unwrap().read(0..1 << 12, &mut values).unwrap();
    assert!(values.iter().all(|&value| value == 0.0));
    assert!(fs::metadata(folder.join("full.rows")).unwrap().blocks() * 512 >= 4 << 20);
    // File systems without holes take all of it.
    if taken < 1 << 20 {
        let [moments] = store.matrices_mut(["moments"]).unwrap();
        moments.scatter(&[9, 40_000], &[1.0; 512], Rounding::Nearest).unwrap();
        store.prepare(1).unwrap();
        store.apply().unwrap();
        let taken = found().blocks() * 512;
        assert!((2048..1 << 20).contains(&taken), "{taken}");
    }
}
