mod arrays;
mod paths;
mod tables;

use std::fs;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::sets::{Layout, MemorySet, Split};

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
        let message = labels(&source, rows, classes).unwrap_err().to_string();
        message.replace(&format!("{}{}", self.0.path().display(), std::path::MAIN_SEPARATOR), "")
    }
}

/// Pictures without paths, of classes called `c0`, `c1` and so on.
fn pictures(rows: usize, classes: usize) -> MemorySet {
    let names = (0..classes).map(|class| format!("c{class}")).collect();
    MemorySet::new("made", names, vec![0; rows], [1, 1, 1], vec![0; rows]).unwrap()
}

/// Reads labels for pictures without paths.
fn labels(source: &LabelSource, rows: usize, classes: usize) -> Result<Array2<f32>, LabelError> {
    read(source, &pictures(rows, classes), Path::new(""))
}

fn csv(path: PathBuf) -> LabelSource {
    LabelSource::Csv { path }
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
fn logits_become_a_softmax() {
    let place = Place::new();
    let path =
        place.file("z.npy", &npy("<f4", false, "(1, 3)", &bytes([1e4f32, 1e4 - 2.0, -1e8].map(f32::to_le_bytes))));
    // 1 / (1 + exp(-1)), at temperature 2
    let softmax = labels(&logits(path.clone(), 2.0), 1, 3).unwrap();
    assert!((softmax[(0, 0)] - 0.731_058_6).abs() < 1e-6 && softmax[(0, 2)] == 0.0);
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(
            place.message(logits(path.clone(), temperature), 1, 3),
            format!("temperature: {temperature}; expected a finite number above 0")
        );
    }
}

proptest! {
    #[test]
    fn every_row_is_on_the_simplex(
        values in proptest::collection::vec(-80.0f32..80.0, 12),
        temperature in 0.05f64..20.0,
    ) {
        let place = Place::new();
        let path = place.file("z.npy", &npy("<f4", false, "(3, 4)", &bytes(values.iter().map(|value| value.to_le_bytes()))));
        let softmax = labels(&logits(path, temperature), 3, 4).unwrap();
        let text: String = values.chunks(4).map(|row| {
            row.iter().map(|value| value.abs().to_string()).collect::<Vec<_>>().join(",") + "\n"
        }).collect();
        let weights = labels(&LabelSource::Csv { path: place.file("w.csv", text.as_bytes()) }, 3, 4);
        for read in [Ok(softmax), weights].into_iter().flatten() {
            for row in read.rows() {
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

/// A set of two classes, `a` and `b`, with three training pictures; `labels.csv` beside them.
fn folders(place: &Place) -> Arc<dyn PictureSource> {
    for picture in ["a/0", "a/1", "b/0"] {
        let path = place.0.path().join("train").join(picture).with_extension("png");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    Layout::TREE.open(place.0.path(), Split::Train).unwrap()
}
