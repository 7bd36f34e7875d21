#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use half::f16;
use npyz::WriterBuilder;
use safetensors::tensor::{Dtype, TensorView};

use crate::sets::{Layout, SetError, Split};

/// Writes an array as `numpy.save` does.
fn npy<T: npyz::Serialize + npyz::AutoSerialize + Copy>(path: &Path, shape: &[u64], values: &[T]) {
    let mut bytes = Vec::new();
    let options = npyz::WriteOptions::new().default_dtype().shape(shape);
    let mut writer = options.writer(&mut bytes).begin_nd().unwrap();
    writer.extend(values.iter().copied()).unwrap();
    writer.finish().unwrap();
    fs::write(path, bytes).unwrap();
}

/// Four rows of two features to train on, two to test on.
fn made() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    npy(&root.path().join("train.npy"), &[4, 2], &[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    npy(&root.path().join("train_labels.npy"), &[4], &[0i64, 2, 1, 2]);
    npy(&root.path().join("test.npy"), &[2, 2], &[8.0f32, 9.0, 10.0, 11.0]);
    npy(&root.path().join("test_labels.npy"), &[2], &[0i32, 1]);
    root
}

fn refused(root: &Path, split: Split) -> String {
    Layout::FEATURES.open(root, split).unwrap_err().to_string()
}

#[test]
fn rows_and_labels_are_read_and_the_training_labels_count_the_classes() {
    let root = made();
    assert_eq!(Layout::detect(root.path()).unwrap(), Layout::FEATURES);
    let train = Layout::FEATURES.open(root.path(), Split::Train).unwrap();
    assert_eq!((train.labels(), train.features()), (&[0, 2, 1, 2][..], Some(2)));
    let mut row = [0.0; 2];
    train.row(2, &mut row).unwrap();
    assert_eq!(row, [4.0, 5.0]);
    let test = Layout::FEATURES.open(root.path(), Split::Test).unwrap();
    assert_eq!(test.class_names(), ["0", "1", "2"]);
    assert!(train.picture(0).unwrap_err().to_string().contains("expected a picture"));
    assert!(train.row(4, &mut row).unwrap_err().to_string().contains("has 4 pictures"));
    assert!(train.row(0, &mut [0.0]).unwrap_err().to_string().contains("1; expected 2"));
    assert!(matches!(Layout::FEATURES.open(root.path(), Split::Validation), Err(SetError::NoPart { .. })));
    fs::write(root.path().join("classes.txt"), "ant\nbee\ncat\n").unwrap();
    let named = Layout::FEATURES.open(root.path(), Split::Test).unwrap();
    assert_eq!(named.class_names(), ["ant", "bee", "cat"]);
}

#[test]
fn safetensors_hold_both_in_half_precision_and_distributions() {
    let root = tempfile::tempdir().unwrap();
    let rows: Vec<u8> = [0.5f32, -2.0, 1.0, 0.0].iter().flat_map(|&x| f16::from_f32(x).to_le_bytes()).collect();
    let labels: Vec<u8> = [0.2f32, 0.8, 0.7, 0.3].iter().flat_map(|x| x.to_le_bytes()).collect();
    let tensors = HashMap::from([
        ("features", TensorView::new(Dtype::F16, vec![2, 2], &rows).unwrap()),
        ("labels", TensorView::new(Dtype::F32, vec![2, 2], &labels).unwrap()),
    ]);
    safetensors::serialize_to_file(&tensors, None, &root.path().join("train.safetensors")).unwrap();
    let set = Layout::FEATURES.open(root.path(), Split::Train).unwrap();
    assert_eq!(set.labels(), [1, 0]);
    let shares = set.distributions().unwrap();
    assert!((shares[[0, 1]] - 0.8).abs() < 1e-6 && (shares[[1, 0]] - 0.7).abs() < 1e-6);
    let mut row = [0.0; 2];
    set.row(0, &mut row).unwrap();
    assert_eq!(row, [0.5, -2.0]);
}

#[test]
fn damaged_files_are_named_with_what_was_expected() {
    let root = made();
    let at = |name: &str| root.path().join(name);
    let check = |name: &str, split, expected: &str| {
        let message = refused(root.path(), split);
        assert!(message.starts_with(&at(name).display().to_string()) && message.contains(expected), "{message}");
    };
    npy(&at("test_labels.npy"), &[3], &[0i64, 1, 1]);
    check("test_labels.npy", Split::Test, "labels of 3 rows; expected 2");
    npy(&at("test_labels.npy"), &[2], &[0i64, 3]);
    check("test_labels.npy", Split::Test, "class 3 in row 1; expected classes 0 to 2");
    npy(&at("test_labels.npy"), &[2], &[0.0f64, 0.5]);
    check("test_labels.npy", Split::Test, "0.5 in row 1; expected the number of a class");
    npy(&at("test_labels.npy"), &[2, 3], &[0.5f64, 0.5, 0.0, 0.5, 0.6, 0.0]);
    check("test_labels.npy", Split::Test, "in row 1; expected shares of the classes");
    npy(&at("test_labels.npy"), &[2, 3], &[0.5f64, 0.5, 0.0, -0.5, 1.5, 0.0]);
    check("test_labels.npy", Split::Test, "-0.5 in row 1");
    npy(&at("test_labels.npy"), &[2, 2], &[0.5f64; 4]);
    check("test_labels.npy", Split::Test, "shares of 2 classes; expected 3 classes");
    fs::remove_file(at("test_labels.npy")).unwrap();
    check("test_labels.npy", Split::Test, "missing; expected the class of each row");
    npy(&at("train.npy"), &[4], &[0.0f32; 4]);
    check("train.npy", Split::Train, "one dimension; expected an array of shape [rows, features]");
    npy(&at("train.npy"), &[4, 0], &[0.0f32; 0]);
    check("train.npy", Split::Train, "no columns");
    npy(&at("train.npy"), &[0, 2], &[0.0f32; 0]);
    check("train.npy", Split::Train, "no rows");
    npy(&at("train.npy"), &[4, 1, 2], &[0.0f32; 8]);
    check("train.npy", Split::Train, "shape [4, 1, 2]");
    npy(&at("train.npy"), &[4, 2], &[0.0f32; 8]);
    let whole = fs::read(at("train.npy")).unwrap();
    fs::write(at("train.npy"), &whole[..whole.len() - 1]).unwrap();
    check("train.npy", Split::Train, "expected a file that holds all of it");
    for torn in [&b""[..], b"text", &whole[..9]] {
        fs::write(at("train.npy"), torn).unwrap();
        check("train.npy", Split::Train, "the header of an .npy file");
    }
    fs::remove_file(at("train.npy")).unwrap();
    fs::write(at("train.safetensors"), b"\xff\xff\xff\xff\xff\xff\xff\xff{}").unwrap();
    check("train.safetensors", Split::Train, "the header of a .safetensors file");
    fs::remove_file(at("train.safetensors")).unwrap();
    check("train.npy", Split::Train, "missing; expected train.npy or train.safetensors");
}

#[test]
fn a_value_that_is_not_finite_is_named_with_its_place() {
    let root = made();
    npy(&root.path().join("train.npy"), &[4, 2], &[0.0f32, 1.0, 2.0, 3.0, 4.0, f32::NAN, 6.0, 7.0]);
    let set = Layout::FEATURES.open(root.path(), Split::Train).unwrap();
    let message = set.row(2, &mut [0.0; 2]).unwrap_err().to_string();
    assert!(message.contains("train.npy: NaN in row 2, column 1; expected finite numbers"), "{message}");
}

#[test]
fn standardised_rows_have_mean_0_and_deviation_1() {
    let root = made();
    npy(&root.path().join("train.npy"), &[4, 2], &[1e6f32, 5.0, 1e6 + 2.0, 5.0, 1e6 + 4.0, 5.0, 1e6 + 6.0, 5.0]);
    let set = Layout::FEATURES.open(root.path(), Split::Train).unwrap();
    let scale = crate::features::Standardisation::of(set.as_ref()).unwrap();
    assert_eq!((scale.mean[0], scale.deviation[0]), (1e6 + 3.0, 5f32.sqrt()));
    // The same value in all rows has no scale: it becomes 0.
    assert_eq!((scale.mean[1], scale.deviation[1]), (5.0, 1.0));
    let mut row = [1e6 + 6.0, 5.0];
    scale.apply(&mut row);
    assert_eq!(row, [3.0 / 5f32.sqrt(), 0.0]);
}

#[test]
fn values_beyond_what_training_rows_can_have_are_limited() {
    let root = made();
    // 400 rows, of which one has a value: the furthest that a standardised value can be, sqrt(399).
    let mut values = vec![0.0f32; 400];
    values[7] = 1e-6;
    npy(&root.path().join("train.npy"), &[400, 1], &values);
    npy(&root.path().join("train_labels.npy"), &[400], &vec![0i64; 400]);
    let set = Layout::FEATURES.open(root.path(), Split::Train).unwrap();
    let scale = crate::features::Standardisation::of(set.as_ref()).unwrap();
    assert_eq!(scale.limit, 20.0);
    let standardised = |value: f32| {
        let mut row = [value];
        scale.apply(&mut row);
        row[0]
    };
    // A training row keeps its value; others would have 400 and -8,000.
    assert!((standardised(1e-6) - 399f32.sqrt()).abs() < 1e-3, "{}", standardised(1e-6));
    assert_eq!((standardised(2e-5), standardised(-4e-4)), (20.0, -20.0));
}
