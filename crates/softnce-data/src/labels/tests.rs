use std::fs;

use half::f16;
use ndarray::array;
use proptest::prelude::*;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::*;

/// An `.npy` file, version 1.0: NumPy's specification, written out.
fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    header += &" ".repeat(63 - (10 + header.len()) % 64);
    header += "\n";
    [NPY, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
}

fn bytes<const N: usize>(values: impl IntoIterator<Item = [u8; N]>) -> Vec<u8> {
    values.into_iter().flatten().collect()
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// What reading says, without the folder.
    fn message(&self, source: LabelSource, rows: usize, classes: usize) -> String {
        let message = read(&source, rows, classes).unwrap_err().to_string();
        message.replace(&format!("{}{}", self.0.path().display(), std::path::MAIN_SEPARATOR), "")
    }
}

fn votes(path: PathBuf) -> LabelSource {
    LabelSource::Votes { path }
}

fn probabilities(path: PathBuf) -> LabelSource {
    LabelSource::Probabilities { path, tensor: None }
}

fn logits(path: PathBuf, temperature: f64) -> LabelSource {
    LabelSource::Logits { path, tensor: None, temperature }
}

#[test]
fn votes_are_counted_alike_from_either_file() {
    let place = Place::new();
    let counts = [[0u8, 10, 30], [1, 1, 2]];
    let expected = array![[0.0, 0.25, 0.75], [0.25, 0.25, 0.5]];
    let raw = place.file("counts.u8", counts.as_flattened());
    assert_eq!(read(&votes(raw), 2, 3).unwrap(), expected);
    let wide = bytes(counts.as_flattened().iter().map(|&count| i64::from(count).to_le_bytes()));
    let array = place.file("counts.npy", &npy("<i8", false, "(2, 3)", &wide));
    assert_eq!(read(&votes(array), 2, 3).unwrap(), expected);
    // Told by its content where the name says nothing; column after column.
    let turned = [0u8, 1, 10, 1, 30, 2];
    let array = place.file("counts", &npy("|u1", true, "(2, 3)", &turned));
    assert_eq!(read(&votes(array), 2, 3).unwrap(), expected);
}

#[test]
fn probabilities_in_every_precision_and_order() {
    let place = Place::new();
    let rows = [0.5f32, 0.25, 0.25, 0.0, 0.125, 0.875];
    let turned = [0.5f32, 0.0, 0.25, 0.125, 0.25, 0.875];
    let expected = array![[0.5, 0.25, 0.25], [0.0, 0.125, 0.875]];
    let files = [
        npy("<f2", false, "(2, 3)", &bytes(rows.map(|value| f16::from_f32(value).to_le_bytes()))),
        npy("<f4", true, "(2, 3)", &bytes(turned.map(f32::to_le_bytes))),
        npy(">f8", false, "(2, 3)", &bytes(rows.map(|value| f64::from(value).to_be_bytes()))),
    ];
    for (number, file) in files.iter().enumerate() {
        let path = place.file(&format!("{number}.npy"), file);
        assert_eq!(read(&probabilities(path), 2, 3).unwrap(), expected);
    }
    // Rounding is scaled away.
    let path = place.file("rounded.npy", &npy("<f4", false, "(1, 2)", &bytes([0.501f32, 0.501].map(f32::to_le_bytes))));
    assert_eq!(read(&probabilities(path), 1, 2).unwrap(), array![[0.5, 0.5]]);
}

#[test]
fn tensors_are_found_by_shape_or_name() {
    let place = Place::new();
    let one = bytes([0.5f32, 0.5].map(f32::to_le_bytes));
    let two = bytes([0.25f32, 0.75].map(f32::to_le_bytes));
    let write = |name: &str, tensors: Vec<(&str, TensorView<'_>)>| {
        place.file(name, &safetensors::serialize(tensors, None).unwrap())
    };
    let view = |shape: &[usize], data| TensorView::new(Dtype::F32, shape.to_vec(), data).unwrap();
    let single = write("single.safetensors", vec![("names", view(&[2], &one)), ("teacher", view(&[1, 2], &two))]);
    assert_eq!(read(&probabilities(single.clone()), 1, 2).unwrap(), array![[0.25, 0.75]]);
    let several = write("several.safetensors", vec![("a", view(&[1, 2], &one)), ("b", view(&[1, 2], &two))]);
    let named = |path, name: &str| LabelSource::Probabilities { path, tensor: Some(name.to_owned()) };
    assert_eq!(read(&named(several.clone(), "b"), 1, 2).unwrap(), array![[0.25, 0.75]]);

    let expected = "expected one, or the name of the one to read ('tensor')";
    assert_eq!(
        place.message(probabilities(several.clone()), 1, 2),
        format!("several.safetensors: several tensors of two dimensions among a, b; {expected}")
    );
    assert_eq!(place.message(named(several, "c"), 1, 2), "several.safetensors: tensors a, b; expected a tensor 'c'");
    assert_eq!(
        place.message(probabilities(single.clone()), 2, 2),
        "single.safetensors: tensor 'teacher' of shape [1, 2]; expected 2 rows of 2 classes"
    );
    let cut = place.file("cut.safetensors", &fs::read(single).unwrap()[..50]);
    assert!(place.message(probabilities(cut), 1, 2).starts_with("cut.safetensors, byte 0: "));
    let array = place.file("a.npy", &npy("<f4", false, "(1, 2)", &one));
    assert!(place.message(named(array, "a"), 1, 2).starts_with("a.npy: tensor 'a'; expected no name"));
}

#[test]
fn logits_become_a_softmax() {
    let place = Place::new();
    let path =
        place.file("z.npy", &npy("<f4", false, "(1, 3)", &bytes([1e4f32, 1e4 - 2.0, -1e8].map(f32::to_le_bytes))));
    // 1 / (1 + exp(-1)), at temperature 2
    let labels = read(&logits(path.clone(), 2.0), 1, 3).unwrap();
    assert!((labels[(0, 0)] - 0.731_058_6).abs() < 1e-6 && labels[(0, 2)] == 0.0);
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(
            place.message(logits(path.clone(), temperature), 1, 3),
            format!("temperature: {temperature}; expected a finite number above 0")
        );
    }
}

#[test]
fn tables_with_and_without_a_header() {
    let place = Place::new();
    let csv = |text: &str| LabelSource::Csv { path: place.file("w.csv", text.as_bytes()) };
    let expected = array![[0.25, 0.75], [1.0, 0.0]];
    for text in ["1,3\n2,0\n", "cat,dog\r\n1, 3\r\n\r\n2,0", " \"cat\", dog\n1e0,3.0\n.5,0\n"] {
        assert_eq!(read(&csv(text), 2, 2).unwrap(), expected, "{text:?}");
    }
    let cases = [
        ("1,3\n2,x\n", "w.csv, line 2: 'x'; expected a number"),
        ("1,cat\n2,0\n", "w.csv, line 1: 'cat'; expected a number"),
        ("1,3\n2\n", "w.csv, line 2: 1 columns; expected 2, one per class"),
        ("a,b,c\n1,3\n", "w.csv, line 1: 3 columns; expected 2, one per class"),
        ("a,b\n1,3\n", "w.csv: 1 rows; expected 2 rows of 2 classes"),
        ("1,3\n\n1,3\n1,3\n", "w.csv, line 4: a further row; expected 2 rows"),
        ("1,3\n0,0\n", "w.csv, row 1: sum 0; expected a finite number above 0"),
        ("1,3\n2,-1\n", "w.csv, row 1, column 1: -1; expected a finite number of at least 0"),
        ("1,3\n2,NaN\n", "w.csv, row 1, column 1: NaN; expected a finite number of at least 0"),
        ("", "w.csv: 0 rows; expected 2 rows of 2 classes"),
    ];
    for (text, expected) in cases {
        assert_eq!(place.message(csv(text), 2, 2), expected, "{text:?}");
    }
    let path = place.file("w.csv", b"1,\xff\n");
    assert!(place.message(LabelSource::Csv { path }, 1, 2).starts_with("w.csv, line 1: "));
}

#[test]
fn damaged_arrays_are_named_with_the_byte() {
    let place = Place::new();
    let whole = npy("<f4", false, "(2, 2)", &bytes([0.5f32, 0.5, 1.0, 0.0].map(f32::to_le_bytes)));
    assert_eq!(whole.len(), 128 + 16);
    let message = |content: &[u8]| place.message(probabilities(place.file("p.npy", content)), 2, 2);
    assert_eq!(message(&whole[..141]), "p.npy, byte 141: the file ends in row 1; expected 16 bytes from byte 128 on");
    assert_eq!(message(&[&whole[..], b"x"].concat()), "p.npy, byte 144: further bytes; expected the end of the file");
    for content in [&whole[..0], &whole[..7], &whole[..60], b"text, not an array"] {
        let message = message(content);
        assert!(
            message.starts_with("p.npy, byte 0: ") && message.ends_with("; expected the header of an .npy file"),
            "{message}"
        );
    }
    let turned = npy("<f4", true, "(2, 2)", &[0; 15]);
    assert!(message(&turned).starts_with("p.npy, byte 143: the file ends in row 0; "));
    for shape in ["(2,)", "(1, 2)", "(2, 2, 1)", "(2, 3)", "()"] {
        assert!(message(&npy("<f4", false, shape, &[])).ends_with("; expected 2 rows of 2 classes"), "{shape}");
    }
    assert!(message(&npy("<c8", false, "(2, 2)", &[])).ends_with("; expected integers or floating-point numbers"));
    let raw = place.file("counts.u8", &[1, 2, 3]);
    assert_eq!(place.message(votes(raw), 2, 2), "counts.u8: 3 bytes; expected 2 rows of 2 classes");
    let text = place.file("p.txt", b"0.5 0.5");
    assert_eq!(place.message(probabilities(text), 1, 2), "p.txt: unknown ending; expected .npy or .safetensors");
    let absent = place.0.path().join("absent.npy");
    for source in [votes(absent.clone()), probabilities(absent.clone()), LabelSource::Csv { path: absent }] {
        assert!(place.message(source, 1, 2).starts_with("absent.npy: "));
    }
}

#[test]
fn values_that_are_no_labels_are_named_with_their_row() {
    let place = Place::new();
    let array =
        |values: [f32; 4]| place.file("v.npy", &npy("<f4", false, "(2, 2)", &bytes(values.map(f32::to_le_bytes))));
    let good = [0.5, 0.5];
    for bad in [-0.5, f32::NAN, f32::INFINITY] {
        let path = array([good[0], good[1], 0.5, bad]);
        let expected = format!("v.npy, row 1, column 1: {bad}; expected a finite number of at least 0");
        assert_eq!(place.message(votes(path.clone()), 2, 2), expected);
        assert_eq!(place.message(probabilities(path), 2, 2), expected);
    }
    for bad in [f32::NAN, f32::NEG_INFINITY] {
        let path = array([good[0], good[1], 0.5, bad]);
        assert_eq!(
            place.message(logits(path, 1.0), 2, 2),
            format!("v.npy, row 1, column 1: {bad}; expected a finite number")
        );
    }
    let path = array([0.5, 0.5, 0.0, 0.0]);
    assert_eq!(place.message(votes(path.clone()), 2, 2), "v.npy, row 1: sum 0; expected a finite number above 0");
    assert_eq!(place.message(probabilities(path), 2, 2), "v.npy, row 1: sum 0; expected 1 within 0.005");
    let path = array([0.5, 0.5, 0.5, 0.625]);
    assert_eq!(place.message(probabilities(path), 2, 2), "v.npy, row 1: sum 1.125; expected 1 within 0.005");
}

proptest! {
    #[test]
    fn every_row_is_on_the_simplex(
        values in proptest::collection::vec(-80.0f32..80.0, 12),
        temperature in 0.05f64..20.0,
    ) {
        let place = Place::new();
        let path = place.file("z.npy", &npy("<f4", false, "(3, 4)", &bytes(values.iter().map(|value| value.to_le_bytes()))));
        let softmax = read(&logits(path, temperature), 3, 4).unwrap();
        let text: String = values.chunks(4).map(|row| {
            row.iter().map(|value| value.abs().to_string()).collect::<Vec<_>>().join(",") + "\n"
        }).collect();
        let weights = read(&LabelSource::Csv { path: place.file("w.csv", text.as_bytes()) }, 3, 4);
        for labels in [Ok(softmax), weights].into_iter().flatten() {
            for row in labels.rows() {
                prop_assert!(row.iter().all(|&label| (0.0..=1.0).contains(&label)));
                prop_assert!((row.iter().map(|&label| f64::from(label)).sum::<f64>() - 1.0).abs() < 1e-6);
            }
        }
    }
}

#[test]
fn a_recipe_names_the_source() {
    use serde::de::value::{Error, MapDeserializer};
    let parse = |fields: &[(&'static str, &'static str)]| {
        LabelSource::deserialize(MapDeserializer::<_, Error>::new(fields.iter().copied()))
    };
    assert_eq!(parse(&[("kind", "votes"), ("path", "a.npy")]).unwrap(), votes("a.npy".into()));
    assert_eq!(parse(&[("kind", "logits"), ("path", "a.npy")]).unwrap(), logits("a.npy".into(), 1.0));
    assert!(parse(&[("kind", "votes"), ("path", "a.npy"), ("pathh", "b")]).is_err());
    assert!(parse(&[("kind", "vote"), ("path", "a.npy")]).is_err());
}
