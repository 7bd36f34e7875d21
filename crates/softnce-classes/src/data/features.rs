//! Rows of features in files.

use std::path::Path;
use std::sync::Arc;

use softnce_data::PictureSource;
use softnce_data::sets::{Layout, Split};

use super::{DataError, Example, Inputs, Source};

/// Rows of features in `.npy` or `.safetensors` files, in the layout `features` of softnce-data: `train.npy`, and in
/// `train_labels.npy` the class of each row or its distribution over the classes; likewise for the other parts. Rows
/// are read when they are asked for.
#[derive(Debug, Clone)]
pub struct FeatureRows {
    source: Arc<dyn PictureSource>,
    columns: usize,
}

impl FeatureRows {
    /// Opens a part of the set in a folder.
    ///
    /// # Errors
    /// A part that the set does not have; a file that is missing, damaged, or contradicts the others.
    pub fn open(root: &Path, part: Split) -> Result<Self, DataError> {
        let layout: Layout = "features".parse()?;
        FeatureRows::of(layout.open(root, part)?)
    }

    /// The rows of a source of features.
    ///
    /// # Errors
    /// A source of pictures; more classes than 32 bits count.
    pub fn of(source: Arc<dyn PictureSource>) -> Result<Self, DataError> {
        let Some(columns) = source.features() else {
            return Err(DataError::argument("source", "one of pictures", "one of rows of features"));
        };
        let classes = source.class_names().len();
        if u32::try_from(classes).is_err() {
            return Err(DataError::argument("classes", classes, "a number of 32 bits"));
        }
        Ok(FeatureRows { source, columns })
    }
}

impl Source for FeatureRows {
    fn len(&self) -> usize {
        self.source.labels().len()
    }

    fn inputs(&self) -> Inputs {
        Inputs::Dense { columns: self.columns }
    }

    fn classes(&self) -> usize {
        self.source.class_names().len()
    }

    fn read(&self, index: usize, example: &mut Example) -> Result<(), DataError> {
        DataError::check_index(index, self.len())?;
        example.clear();
        example.dense.resize(self.columns, 0.0);
        let failed = |source| DataError::Features { set: self.source.describe(index), source };
        self.source.row(index, &mut example.dense).map_err(failed)?;
        example.relevant.push(self.source.labels()[index] as u32);
        let Some(distributions) = self.source.distributions() else {
            example.share_equally();
            return Ok(());
        };
        // They are of f32, whose sum is 1 only to rounding.
        let row = distributions.row(index);
        let sum: f64 = row.iter().copied().map(f64::from).sum();
        for (class, &share) in row.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            example.classes.push(class as u32);
            example.weights.push(f64::from(share) / sum);
        }
        Ok(())
    }

    fn class_name(&self, class: usize) -> Option<&str> {
        self.source.class_names().get(class).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use softnce_data::sets::MemorySet;

    use super::*;
    use crate::data::{InputRows, Minibatch};

    /// A file in NumPy's format, version 1.
    fn npy(kind: &str, shape: &str, bytes: Vec<u8>) -> Vec<u8> {
        let header = format!("{{'descr': '<{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &bytes].concat()
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn folder(features: Vec<u8>, labels: Vec<u8>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("train.npy"), features).unwrap();
        fs::write(folder.path().join("train_labels.npy"), labels).unwrap();
        folder
    }

    #[test]
    fn rows_with_classes_or_distributions() {
        let features = npy("f4", "(2, 3)", floats(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
        let labels = npy("i8", "(2,)", [1_i64, 0].iter().flat_map(|label| label.to_le_bytes()).collect());
        let files = folder(features.clone(), labels);
        let rows = FeatureRows::open(files.path(), Split::Train).unwrap();
        assert_eq!((rows.len(), rows.classes(), rows.class_name(1)), (2, 2, Some("1")));
        let batch = Minibatch::read(&rows, &[1, 0]).unwrap();
        assert_eq!(batch.inputs, InputRows::Dense(ndarray::arr2(&[[3.0, 4.0, 5.0], [0.0, 1.0, 2.0]])));
        assert_eq!(batch.targets().unwrap().labels().unwrap().to_vec(), [0, 1]);
        let shares = npy("f4", "(2, 4)", floats(&[0.0, 0.25, 0.75, 0.0, 0.5, 0.0, 0.125, 0.375]));
        let files = folder(features, shares);
        let rows = FeatureRows::open(files.path(), Split::Train).unwrap();
        let batch = Minibatch::read(&rows, &[0, 1]).unwrap();
        assert_eq!(batch.label(0), (&[1, 2][..], &[0.25, 0.75][..]));
        assert_eq!((batch.relevant(0), batch.relevant(1)), (&[2][..], &[0][..]));
        assert!(matches!(rows.read(2, &mut Example::default()), Err(DataError::Index { index: 2, rows: 2 })));
        assert!(matches!(FeatureRows::open(files.path(), Split::Test), Err(DataError::Set(_))));
    }

    #[test]
    fn bad_rows_are_named() {
        let labels = npy("i8", "(2,)", [0_i64; 2].iter().flat_map(|label| label.to_le_bytes()).collect());
        let files = folder(npy("f4", "(2, 1)", floats(&[0.0, f32::NAN])), labels);
        let rows = FeatureRows::open(files.path(), Split::Train).unwrap();
        let message = Minibatch::read(&rows, &[1]).unwrap_err().to_string();
        assert!(message.contains("train.npy") && message.contains("NaN in row 1, column 0"), "{message}");
        let pictures = MemorySet::new("made", vec!["a".to_owned()], vec![0], [1, 1, 1], vec![0]).unwrap();
        let message = FeatureRows::of(Arc::new(pictures)).unwrap_err().to_string();
        assert_eq!(message, "source is one of pictures, expected one of rows of features");
    }
}
