//! Rows of features in a file.

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use ndarray::Array2;

use super::error::SetError;
use crate::arrays::RowFile;
use crate::{ContentError, Picture, PictureSource};

/// Labelled rows of features, each read from its file when it is asked for, so that the file may be larger than memory.
#[derive(Clone)]
pub struct FeatureSet {
    file: Arc<RowFile>,
    features: usize,
    class_names: Vec<String>,
    labels: Vec<usize>,
    distributions: Option<Arc<Array2<f32>>>,
}

impl FeatureSet {
    /// The tensor with the rows, in a safetensors file.
    pub(super) const TENSOR: &str = "features";

    /// The rows of an `.npy` file, or of the tensor `features` of a safetensors file, without labels: all rows get the
    /// first class.
    ///
    /// # Errors
    /// A file that cannot be read, or that is no matrix of numbers with at least one column.
    pub fn unlabelled(path: &Path, class_names: Vec<String>) -> Result<Self, SetError> {
        let (file, features) = FeatureSet::open(path)?;
        let labels = vec![0; file.rows()];
        Ok(FeatureSet { file: Arc::new(file), features, class_names, labels, distributions: None })
    }

    /// A file of rows, and the number of its columns.
    pub(super) fn open(path: &Path) -> Result<(RowFile, usize), SetError> {
        let file = RowFile::open(path, FeatureSet::TENSOR)?;
        match file.columns() {
            Some(columns) if columns > 0 => Ok((file, columns)),
            columns => {
                let found = columns.map_or_else(|| "an array of one dimension".to_owned(), |_| "no columns".to_owned());
                Err(ContentError::whole(path, found, "an array of shape [rows, features]"))
            }
        }
    }

    /// Rows with their labels, each below the number of names.
    pub(super) fn labelled(
        (file, features): (RowFile, usize),
        class_names: Vec<String>,
        labels: Vec<usize>,
        distributions: Option<Array2<f32>>,
    ) -> Self {
        FeatureSet { file: Arc::new(file), features, class_names, labels, distributions: distributions.map(Arc::new) }
    }
}

impl PictureSource for FeatureSet {
    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn picture(&self, index: usize) -> Result<Picture<'_>, Box<dyn Error + Send + Sync>> {
        Err(ContentError::whole::<SetError>(self.file.path(), format!("row {index} of features"), "a picture").into())
    }

    fn features(&self) -> Option<usize> {
        Some(self.features)
    }

    fn row(&self, index: usize, out: &mut [f32]) -> Result<(), Box<dyn Error + Send + Sync>> {
        if index >= self.labels.len() {
            let set = self.file.path().display().to_string();
            return Err(SetError::Index { index, pictures: self.labels.len(), set }.into());
        }
        if out.len() != self.features {
            let (found, expected) = (out.len().to_string(), format!("{}, the number of features", self.features));
            return Err(SetError::Argument { argument: "length of a row", found, expected }.into());
        }
        Ok(self.file.read(index, out).map_err(SetError::from)?)
    }

    fn distributions(&self) -> Option<&Arc<Array2<f32>>> {
        self.distributions.as_ref()
    }

    fn describe(&self, index: usize) -> String {
        format!("{}, row {index}", self.file.path().display())
    }
}

impl fmt::Debug for FeatureSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FeatureSet")
            .field("file", &self.file.path())
            .field("rows", &self.labels.len())
            .field("features", &self.features)
            .field("classes", &self.class_names.len())
            .finish_non_exhaustive()
    }
}
