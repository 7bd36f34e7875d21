//! Matrices beside plain vectors, under random sequences of calls.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use common::spec;
use half::bf16;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use softnce_kernels::parallel::with_at_most;
use softnce_rows::{Element, Init, MatrixSpec, Place, Rounding, RowBlocks, RowMatrix, RowStore};

#[derive(Debug, Clone)]
enum Call {
    Gather(Vec<u32>),
    Read(u32, u32),
    Scatter(Vec<u32>, i32),
    /// With random directions of this seed; `true` commits afterwards.
    Random(Vec<u32>, u64, bool),
    Commit,
    /// Prepares a commit, and cancels it or forgets it.
    Prepare(bool),
    Reopen,
}

fn call(rows: u32) -> impl Strategy<Value = Call> {
    let ascending = move || btree_set(0..rows, 0..rows as usize).prop_map(|rows| rows.into_iter().collect::<Vec<_>>());
    prop_oneof![
        vec(0..rows, 0..20).prop_map(Call::Gather),
        (0..=rows, 0..=rows).prop_map(|(one, other)| Call::Read(one.min(other), one.max(other))),
        (ascending(), any::<i32>()).prop_map(|(rows, seed)| Call::Scatter(rows, seed)),
        (ascending(), any::<u64>(), any::<bool>()).prop_map(|(rows, seed, commit)| Call::Random(rows, seed, commit)),
        Just(Call::Commit),
        any::<bool>().prop_map(Call::Prepare),
        Just(Call::Reopen),
    ]
}

/// The value of bf16 for each of these.
fn to_bf16(values: &[f32]) -> Vec<f32> {
    values.iter().map(|&value| bf16::from_f32(value).to_f32()).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Rows of a vector.
fn picked(values: &[f32], width: usize, rows: &[u32]) -> Vec<f32> {
    rows.iter().flat_map(|&row| &values[row as usize * width..][..width]).copied().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_matrix_is_a_vector(
        (rows, calls) in (1..150_u32).prop_flat_map(|rows| (Just(rows), vec(call(rows), 1..16))),
        width in 1..7_usize,
    ) {
        let kinds = [
            (Element::F32, Place::Memory),
            (Element::F32, Place::Disk),
            (Element::Bf16, Place::Memory),
            (Element::Bf16, Place::Disk),
        ];
        let specs: Vec<MatrixSpec> = kinds
            .iter()
            .map(|&(element, place)| spec(&format!("{element:?}-{place:?}"), rows as usize, width, element, place))
            .collect();
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("rows");
        let mut store = RowStore::create(&folder, &specs).unwrap();
        let alone = RowMatrix::in_memory(rows as usize, width, Element::F32, specs[0].init).unwrap();
        let mut first = vec![0.0; rows as usize * width];
        alone.read(0..rows as usize, &mut first).unwrap();
        let mut twins: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
        for spec in &specs {
            twins.insert(&spec.name, if spec.element == Element::F32 { first.clone() } else { to_bf16(&first) });
        }
        let (mut committed, mut generation) = (twins.clone(), 0);
        for call in &calls {
            match call {
                Call::Gather(rows) => {
                    for spec in &specs {
                        let mut found = vec![f32::NAN; rows.len() * width];
                        store.matrix(&spec.name).unwrap().gather(rows, &mut found).unwrap();
                        prop_assert_eq!(bits(&found), bits(&picked(&twins[&*spec.name], width, rows)));
                    }
                }
                Call::Read(start, end) => {
                    for spec in &specs {
                        let (start, end) = (*start as usize, *end as usize);
                        let mut found = vec![f32::NAN; (end - start) * width];
                        store.matrix(&spec.name).unwrap().read(start..end, &mut found).unwrap();
                        prop_assert_eq!(bits(&found), bits(&twins[&*spec.name][start * width..end * width]));
                    }
                }
                Call::Scatter(rows, seed) => {
                    let values = 0..rows.len() * width;
                    let new: Vec<f32> = values.map(|place| (*seed as f32 + place as f32) * 1e-7).collect();
                    for spec in &specs {
                        let [matrix] = store.matrices_mut([&spec.name]).unwrap();
                        matrix.scatter(rows, &new, Rounding::Nearest).unwrap();
                        let new = if spec.element == Element::F32 { new.clone() } else { to_bf16(&new) };
                        let twin = twins.get_mut(&*spec.name).unwrap();
                        for (&row, new) in rows.iter().zip(new.chunks(width)) {
                            twin[row as usize * width..][..width].copy_from_slice(new);
                        }
                    }
                }
                Call::Random(rows, seed, commits) => {
                    let new: Vec<f32> = (0..rows.len() * width).map(|place| 1.0 + place as f32 * 1e-4).collect();
                    for spec in &specs {
                        let [matrix] = store.matrices_mut([&spec.name]).unwrap();
                        matrix.scatter(rows, &new, Rounding::Stochastic { seed: *seed, step: 3 }).unwrap();
                        // What the direction depends on, and that it is one of both, is tested beside the rounding.
                        let mut found = new.clone();
                        matrix.gather(rows, &mut found).unwrap();
                        if spec.element == Element::F32 {
                            prop_assert_eq!(bits(&found), bits(&new));
                        }
                        let twin = twins.get_mut(&*spec.name).unwrap();
                        for (&row, found) in rows.iter().zip(found.chunks(width)) {
                            twin[row as usize * width..][..width].copy_from_slice(found);
                        }
                    }
                    prop_assert_eq!(bits(&twins["Bf16-Memory"]), bits(&twins["Bf16-Disk"]));
                    if *commits {
                        generation += 1;
                        store.prepare(generation).unwrap();
                        store.apply().unwrap();
                        committed.clone_from(&twins);
                    }
                }
                Call::Commit => {
                    generation += 3;
                    store.prepare(generation).unwrap();
                    store.apply().unwrap();
                    prop_assert_eq!((store.changed().rows, store.changed().memory), (0, 0));
                    committed.clone_from(&twins);
                }
                Call::Prepare(cancels) => {
                    store.prepare(generation + 1).unwrap();
                    if *cancels {
                        store.cancel().unwrap();
                    } else {
                        drop(store);
                        store = RowStore::open(&folder, &specs, generation).unwrap();
                        twins.clone_from(&committed);
                    }
                }
                Call::Reopen => {
                    drop(store);
                    store = RowStore::open(&folder, &specs, generation).unwrap();
                    twins.clone_from(&committed);
                }
            }
            prop_assert_eq!(store.generation(), generation);
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let (rows, width) = (20_000, 33);
    let picks: Vec<u32> = (0..rows as u32).filter(|row| row % 3 != 1).collect();
    let values: Vec<f32> = (0..picks.len() * width).map(|place| (place as f32 * 0.01).sin()).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    let all = |threads: usize| {
        let mut found = Vec::new();
        for element in [Element::F32, Element::Bf16] {
            for place in [Place::Memory, Place::Disk] {
                let folder = tempfile::tempdir().unwrap();
                let specs = [spec("weights", rows, width, element, place)];
                let mut store = RowStore::create(folder.path(), &specs).unwrap();
                let [matrix] = store.matrices_mut(["weights"]).unwrap();
                let mut gathered = vec![0.0; values.len()];
                matrix.gather(&picks, &mut gathered).unwrap();
                matrix.scatter(&picks, &values, Rounding::Stochastic { seed: 1, step: 2 }).unwrap();
                let mut block = vec![0.0; (rows - 7) * width];
                matrix.read(7..rows, &mut block).unwrap();
                store.prepare(1).unwrap();
                store.apply().unwrap();
                found.push((bits(&gathered), bits(&block), common::files(folder.path())));
            }
        }
        // The first rows, and those after the change, differ between elements alone.
        assert!(found[0] == found[1] && found[2] == found[3], "{threads} threads: the places differ");
        found
    };
    let of = |threads| pool.install(|| with_at_most(threads, || all(threads)));
    let one = of(1);
    assert!([2, 4].into_iter().all(|threads| of(threads) == one));
}

#[test]
fn first_values_depend_on_seed_row_and_column_alone() {
    let matrix = |rows, width, seed| {
        let matrix = RowMatrix::in_memory(rows, width, Element::F32, Init::Normal { std: 2.0, seed }).unwrap();
        let mut values = vec![0.0; rows * width];
        matrix.read(0..rows, &mut values).unwrap();
        values
    };
    let (one, more, other) = (matrix(5, 6, 1), matrix(9, 6, 1), matrix(5, 6, 2));
    assert_eq!(one, more[..30]);
    assert!(one.iter().zip(&other).all(|(one, other)| one != other));
    let distinct: std::collections::BTreeSet<u32> = more.iter().map(|value| value.to_bits()).collect();
    assert_eq!(distinct.len(), 54);
    let zeros = RowMatrix::in_memory(5, 6, Element::Bf16, Init::Zero).unwrap();
    let mut values = vec![1.0; 30];
    zeros.read(0..5, &mut values).unwrap();
    assert_eq!(values, [0.0; 30]);
}
