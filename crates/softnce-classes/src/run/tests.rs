//! What a finished run is used for: predictions, export, and its files written again.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use ndarray::Array2;
use safetensors::{Dtype, SafeTensors};
use softnce_rows::{Element, RowBlocks};
use softnce_store::CsvStream;
use tempfile::TempDir;

use super::*;
use crate::recipe::ClassesRecipe;
use crate::report;

const COLUMNS: usize = 6;

const GENERATED: &str = r#"
name = "test"
[data]
kind = "generated"
test_rows = 50
rows = { rows = 600, classes = 90, columns = 6, cluster_size = 5, exponent = 0.8, separation = 8.0, offset = 3.0 }
[optimizer]
kind = "adagrad"
learning_rate = 0.3
[schedule]
steps = 14
[training]
batch_size = 40
[evaluation]
every = 10
"#;

const SPARSE: &str = r#"
name = "sparse"
[data]
kind = "sparse-text"
train = "train.txt"
test = "train.txt"
options = { first_input = 1 }
[encoder]
kind = "bag"
width = 4
pooling = "norm"
activation = "relu"
init_std = 0.5
[head]
init_std = 0.5
bias = true
[optimizer]
kind = "adamw"
learning_rate = 0.02
weight_decay = 0.1
[schedule]
steps = 9
[training]
batch_size = 2
[evaluation]
k = [1, 2]
"#;

const ROWS: &str = "0,2 1:1 3:0.5\n1 2:2\n2 1:-1 4:1\n0 5:1\n1,3 2:0.25 5:2\n";

fn recipe(text: &str, changes: &str) -> ClassesRecipe {
    let mut table: toml::Table = toml::from_str(text).unwrap();
    table.extend(toml::from_str::<toml::Table>(changes).unwrap());
    ClassesRecipe::from_table("test", table).unwrap()
}

/// A folder with `train.txt`, and the finished run of a recipe in `run`.
fn finished(recipe: &ClassesRecipe) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("train.txt"), ROWS).unwrap();
    let data = ClassesData::open(&recipe.data, place.path()).unwrap();
    let mut run = ClassesRun::open(recipe.clone(), data, &place.path().join("run")).unwrap();
    let outcome = run.train(&AtomicBool::new(false), &()).unwrap();
    assert!(matches!(outcome, Outcome::Finished(_)), "{outcome:?}");
    run.export(&place.path().join("of-run.safetensors")).unwrap();
    place
}

fn open(place: &TempDir) -> TrainedRun {
    TrainedRun::open(&place.path().join("run")).unwrap()
}

/// The tensors of a file: shape, type, and values.
type Tensors = BTreeMap<String, (Vec<usize>, Dtype, Vec<f32>)>;

fn tensors(path: &Path) -> (Tensors, BTreeMap<String, String>) {
    let bytes = fs::read(path).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().clone().unwrap().into_iter().collect();
    let value = |bytes: &[u8]| {
        let mut all = [0; 4];
        all[4 - bytes.len()..].copy_from_slice(bytes);
        f32::from_le_bytes(all)
    };
    let of = |(name, tensor): (String, safetensors::tensor::TensorView<'_>)| {
        let size = if tensor.dtype() == Dtype::BF16 { 2 } else { 4 };
        let values = tensor.data().chunks(size).map(value).collect();
        (name, (tensor.shape().to_vec(), tensor.dtype(), values))
    };
    (SafeTensors::deserialize(&bytes).unwrap().tensors().into_iter().map(of).collect(), metadata)
}

fn exported(place: &TempDir, trained: &TrainedRun) -> (Tensors, BTreeMap<String, String>) {
    let path = place.path().join("export.safetensors");
    trained.export(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), fs::read(place.path().join("of-run.safetensors")).unwrap());
    tensors(&path)
}

fn predicted(place: &TempDir, trained: &TrainedRun, rows: &str, top: Option<usize>) -> Vec<Vec<String>> {
    let (path, rows) = (place.path().join("predicted.csv"), trained.open_rows(&place.path().join(rows)).unwrap());
    let mut out = CsvStream::file(&path).unwrap();
    assert_eq!(trained.predict(&rows, top, &mut out, &AtomicBool::new(false)).unwrap(), rows.len());
    out.finish().unwrap();
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// Compares predictions with the softmax of scores that were computed one by one. Shape of `features`: `[N, D]`.
fn compare(rows: &[Vec<String>], features: &Array2<f64>, tensors: &Tensors, temperature: f64, cosine: bool) {
    let (shape, _, weights) = &tensors["head.weight"];
    let weights = Array2::from_shape_vec((shape[0], shape[1]), weights.iter().copied().map(f64::from).collect());
    let weights = weights.unwrap();
    let direction = |row: ndarray::ArrayView1<'_, f64>| {
        let norm = if cosine { row.dot(&row).sqrt() } else { 1.0 };
        row.to_owned() / norm
    };
    assert_eq!(rows.len(), features.nrows() + 1);
    for (number, features) in features.outer_iter().enumerate() {
        let score = |class: usize| {
            let bias = tensors.get("head.bias").map_or(0.0, |(_, _, biases)| f64::from(biases[class]));
            (direction(features).dot(&direction(weights.row(class))) + bias) / temperature
        };
        let scores: Vec<f64> = (0..shape[0]).map(score).collect();
        let sum: f64 = scores.iter().map(|score| score.exp()).sum();
        let found = &rows[number + 1];
        assert_eq!(found[0], number.to_string());
        let mut last = f64::INFINITY;
        for pair in found[1..].chunks(2) {
            let class: usize = pair[0].parse().unwrap();
            let (probability, expected): (f64, f64) = (pair[1].parse().unwrap(), scores[class].exp() / sum);
            assert!((probability - expected).abs() < 1e-5 * expected, "row {number}: {probability}, not {expected}");
            assert!(probability <= last);
            last = probability;
        }
        let better = scores.iter().filter(|score| score.exp() / sum > last * (1.0 + 1e-4)).count();
        assert!(better < (found.len() - 1) / 2, "row {number}: {better} classes are above {last}");
    }
}

/// A file in NumPy's format, version 1.
fn write_npy(path: &Path, rows: &Array2<f64>) {
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {:?}, }}\n", rows.dim());
    let values = rows.iter().flat_map(|value| value.to_le_bytes());
    let head = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()].concat();
    fs::write(path, head.into_iter().chain(values).collect::<Vec<u8>>()).unwrap();
}

fn features(rows: usize, columns: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, columns), |(row, column)| f64::from(((3 * row + 7 * column) as f32).sin()))
}

#[test]
fn predictions_on_dense_rows_are_the_softmax_of_all_scores() {
    for (changes, temperature, cosine) in [
        ("head = { bias = true }\nloss = { temperature = 0.5 }", Some(0.5), false),
        ("head = { normalise = true, init_std = 0.1 }\nloss = { temperature = 0.2 }", Some(0.2), true),
        ("loss = { learn_temperature = true, noise = \"estimated\" }", None, false),
        (
            "candidates = { kind = \"classes\", count = 20 }\nhead = { storage = { place = \"disk\" } }",
            Some(1.0),
            false,
        ),
    ] {
        let place = finished(&recipe(GENERATED, changes));
        let trained = open(&place);
        let (tensors, metadata) = exported(&place, &trained);
        let written: f64 = metadata["temperature"].parse().unwrap();
        assert_eq!(written, trained.results().history.last().unwrap().temperature, "{changes}");
        assert!(temperature.map_or(written != 1.0, |expected| written == expected), "{changes}: {written}");
        // More rows than are read at once.
        let features = features(1030, COLUMNS);
        write_npy(&place.path().join("rows.npy"), &features);
        let rows = predicted(&place, &trained, "rows.npy", Some(4));
        assert_eq!(rows[0][..4], ["row", "class_1", "probability_1", "class_2"], "{changes}");
        compare(&rows, &features, &tensors, written, cosine);
        let alone = predicted(&place, &trained, "rows.npy", None);
        assert_eq!(alone[0], ["row", "class", "probability"]);
        assert!(rows[1..].iter().zip(&alone[1..]).all(|(row, alone)| row[..3] == alone[..]));
    }
}

#[test]
fn predictions_on_sparse_rows_are_the_softmax_of_all_scores() {
    let place = finished(&recipe(SPARSE, ""));
    let trained = open(&place);
    let (tensors, metadata) = exported(&place, &trained);
    assert_eq!((&*metadata["pooling"], &*metadata["activation"]), ("norm", "relu"));
    // With labels and without, and a row without inputs.
    let bags: [&[(usize, f64)]; 3] = [&[(0, 1.0), (3, 0.5)], &[(4, 2.0)], &[(1, 1.0), (2, -3.0)]];
    fs::write(place.path().join("new.txt"), "1 1:1 4:0.5\n 5:2\n 2:1 3:-3\n").unwrap();
    let (shape, _, embeddings) = &tensors["embeddings.weight"];
    assert_eq!(shape[..], [5, 4]);
    let features = Array2::from_shape_fn((3, 4), |(row, column)| {
        let norm = bags[row].iter().map(|(_, value)| value * value).sum::<f64>().sqrt();
        let sum: f64 = bags[row].iter().map(|(input, value)| value * f64::from(embeddings[input * 4 + column])).sum();
        (sum / norm).max(0.0)
    });
    compare(&predicted(&place, &trained, "new.txt", Some(4)), &features, &tensors, 1.0, false);
}

/// The values are those that the scan reads, in the type in which they are kept.
#[test]
fn an_export_holds_the_rows_as_after_the_last_step() {
    for (text, changes, dtype, idle_move) in [
        (GENERATED, "", Dtype::F32, false),
        (GENERATED, "head = { bias = true, storage = { weights = \"bf16\" } }", Dtype::BF16, false),
        (SPARSE, "", Dtype::F32, true),
        (
            GENERATED,
            "optimizer = { kind = \"adamw\", learning_rate = 0.02 }\nhead = { storage = { weights = \"bf16\" } }",
            Dtype::BF16,
            true,
        ),
    ] {
        let recipe = recipe(text, changes);
        let place = finished(&recipe);
        let trained = open(&place);
        let (tensors, metadata) = exported(&place, &trained);
        assert_eq!(metadata["step"], recipe.schedule.steps.to_string());
        let tables =
            [("head.weight", Some(&trained.parts.head.table)), ("head.bias", trained.parts.head.bias.as_ref())];
        let tables = tables.into_iter().chain([("embeddings.weight", trained.parts.encoder.table())]);
        let mut moved = 0;
        for (name, table) in tables {
            let Some(table) = table else {
                assert!(!tensors.contains_key(name), "{name}");
                continue;
            };
            let (shape, found, values) = &tensors[name];
            let (rows, width) = (table.spec().rows, table.spec().width);
            let expected = if name == "head.bias" { vec![rows] } else { vec![rows, width] };
            assert_eq!((shape, *found), (&expected, if name == "head.weight" { dtype } else { Dtype::F32 }), "{name}");
            let current = table.current(&trained.store).unwrap();
            let mut scanned = vec![0.0; rows * width];
            current.read(0..rows, &mut scanned).unwrap();
            // Rows that are caught up are rounded to the nearest value of bf16.
            let tolerance = if idle_move && table.spec().weights == Element::Bf16 { 1.0 / 256.0 } else { 0.0 };
            let pairs = values.iter().zip(&scanned);
            assert!(
                pairs.clone().all(|(one, other)| (one - other).abs() <= tolerance * other.abs()),
                "{name}: {changes}"
            );
            let stored = trained.store.matrix(&format!("{}-weights", table.spec().name)).unwrap();
            let mut kept = vec![0.0; rows * width];
            stored.read(0..rows, &mut kept).unwrap();
            moved += values.iter().zip(&kept).filter(|(one, other)| one != other).count();
        }
        assert_eq!(moved > 0, idle_move, "{changes}: {moved} values moved without a gradient");
    }
}

#[test]
fn what_cannot_be_predicted_is_named() {
    let place = finished(&recipe(GENERATED, ""));
    let folder = place.path().join("run");
    let closed = |folder: &Path, expected: &str| {
        let message = TrainedRun::open(folder).map(drop).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    };
    closed(place.path(), "holds no results.json");
    let trained = open(&place);
    closed(&folder, "another process is using");
    let refused = |name: &str| {
        let message = trained.open_rows(&place.path().join(name)).map(drop).unwrap_err().to_string();
        assert!(message.contains(name), "{message}");
        message
    };
    write_npy(&place.path().join("wide.npy"), &features(2, 7));
    let wide = refused("wide.npy");
    assert!(wide.contains("7 columns") && wide.contains("6, as the run was trained on"), "{wide}");
    refused("missing.npy");
    refused("train.txt");
    write_npy(&place.path().join("rows.npy"), &features(2, COLUMNS));
    let rows = trained.open_rows(&place.path().join("rows.npy")).unwrap();
    let path = place.path().join("out.csv");
    let predict = |top, stop| {
        let mut out = CsvStream::file(&path).unwrap();
        trained.predict(&rows, top, &mut out, &AtomicBool::new(stop)).map_err(|error| error.to_string())
    };
    for top in [0, 91] {
        let expected = format!("top is {top}, expected 1 to 90, the number of classes");
        assert_eq!(predict(Some(top), false), Err(expected));
    }
    assert_eq!((predict(None, true), predict(Some(90), false)), (Ok(0), Ok(2)));
    let mut bad = features(2, COLUMNS);
    bad[[1, 2]] = f64::NAN;
    write_npy(&place.path().join("rows.npy"), &bad);
    let message = predict(None, false).unwrap_err();
    assert!(message.contains("rows.npy") && message.contains("row 1, column 2"), "{message}");
    // A score beyond f32, in the second block of rows: the row is named, not its place in the block.
    let (tensors, _) = exported(&place, &trained);
    let (_, _, weights) = &tensors["head.weight"];
    let sum = |class: &&[f32]| class.iter().map(|weight| weight.abs()).sum::<f32>();
    let largest = weights.chunks(COLUMNS).max_by(|one, other| sum(one).total_cmp(&sum(other))).unwrap();
    let mut far = features(1100, COLUMNS);
    far.row_mut(1050).iter_mut().zip(largest).for_each(|(value, weight)| *value = 3e38 * f64::from(weight.signum()));
    write_npy(&place.path().join("far.npy"), &far);
    let rows = trained.open_rows(&place.path().join("far.npy")).unwrap();
    let mut out = CsvStream::file(&path).unwrap();
    let message = trained.predict(&rows, None, &mut out, &AtomicBool::new(false)).unwrap_err().to_string();
    assert!(message.starts_with("row 1050: the score of class ") && message.contains("range of f32"), "{message}");
    drop(trained);
    fs::remove_file(folder.join("last.json")).unwrap();
    closed(&folder, "last.json is not valid: it is of step 0");
}

/// Before the first step, so that none is lost.
#[test]
fn a_test_part_that_says_nothing_is_refused() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("train.txt"), ROWS).unwrap();
    let mut recipe = recipe(SPARSE, "");
    for (text, is_refused) in [(" 1:1\n 2:1\n 3:1\n", true), (" 1:1\n0 2:1\n 3:1\n", false)] {
        fs::write(place.path().join("test.txt"), text).unwrap();
        let crate::recipe::DataSection::SparseText { test, options, .. } = &mut recipe.data else { panic!() };
        *test = "test.txt".into();
        (options.inputs, options.classes) = (Some(5), Some(4));
        let data = ClassesData::open(&recipe.data, place.path()).unwrap();
        let opened = ClassesRun::open(recipe.clone(), data, &place.path().join("run"));
        let message = opened.map(drop).map_err(|error| error.to_string());
        let expected = "the number of evaluated test rows with a label is 0 of 3, expected at least 1";
        assert_eq!(message, if is_refused { Err(expected.to_owned()) } else { Ok(()) });
    }
}

#[test]
fn sparse_rows_of_other_sizes_are_named() {
    let place = finished(&recipe(SPARSE, ""));
    let trained = open(&place);
    for (text, expected) in [("2 6 4\n0 1:1\n 2:1\n", "line 1"), (" 6:1\n", "line 1"), ("9 1:1\n", "line 1")] {
        fs::write(place.path().join("new.txt"), text).unwrap();
        let message = trained.open_rows(&place.path().join("new.txt")).map(drop).unwrap_err().to_string();
        assert!(message.contains("new.txt") && message.contains(expected), "{message}");
    }
}

#[test]
fn the_files_of_a_run_are_written_again() {
    let place = finished(&recipe(GENERATED, ""));
    let folder = place.path().join("run");
    let names = ["results.md", "results.csv", "curves.svg", "report.html"];
    let read = || names.map(|name| fs::read_to_string(folder.join(name)).unwrap());
    let first = read();
    names.iter().for_each(|name| fs::remove_file(folder.join(name)).unwrap());
    let results = report::write_again(&folder).unwrap();
    assert_eq!(read(), first);
    assert_eq!(results, *open(&place).results());
    let nll = results.history.last().unwrap().nll;
    assert!(first[0].contains(&format!("{nll:.4}")), "{}", first[0]);
    let message = report::write_again(place.path()).unwrap_err().to_string();
    assert!(message.contains("holds no results.json"), "{message}");
}

/// Rows whose labels spread over many classes are distributions to be matched, for which the batch is no candidate.
#[test]
fn a_recipe_that_is_probably_a_mistake_is_named() {
    struct Told(std::cell::RefCell<Vec<String>>);
    impl Progress for Told {
        fn warned(&self, warning: &str) {
            self.0.borrow_mut().push(warning.to_owned());
        }
    }
    let rows = "0,1,2,3,4,5 1:1\n1,2,3,4,5,6 2:1\n0,2,3,4,5,6 3:1\n0,1,3,4,5,6 4:1\n";
    let told = |candidates: &str| {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("train.txt"), rows).unwrap();
        let recipe = recipe(SPARSE, candidates);
        let data = ClassesData::open(&recipe.data, place.path()).unwrap();
        let told = Told(Default::default());
        let mut run = ClassesRun::open(recipe, data, &place.path().join("run")).unwrap();
        let Outcome::Finished(results) = run.train(&AtomicBool::new(false), &told).unwrap() else { panic!() };
        assert_eq!(results.warnings, *told.0.borrow());
        results.warnings
    };
    let warnings = told("");
    assert!(warnings.len() == 1 && warnings[0].starts_with("targets spread over many classes"), "{warnings:?}");
    assert!(told("candidates = { kind = \"classes\", count = 20 }").is_empty());
}
