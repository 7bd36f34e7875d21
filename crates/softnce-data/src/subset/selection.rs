//! A subset of a set.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis};

use super::SubsetError;
use crate::{Picture, PictureSource};

/// Some pictures of a source in any order, with all classes of the source.
#[derive(Debug, Clone)]
pub struct Subset {
    source: Arc<dyn PictureSource>,
    indices: Vec<usize>,
    labels: Vec<usize>,
}

impl Subset {
    /// The pictures at `indices`, which may repeat.
    ///
    /// # Errors
    /// [`SubsetError::Index`] for an index out of range.
    pub fn new(source: Arc<dyn PictureSource>, indices: Vec<usize>) -> Result<Self, SubsetError> {
        let all = source.labels();
        let label = |(position, &index): (usize, &usize)| {
            all.get(index).copied().ok_or(SubsetError::Index { position, index, pictures: all.len() })
        };
        let labels = indices.iter().enumerate().map(label).collect::<Result<_, _>>()?;
        Ok(Self { source, indices, labels })
    }

    /// The index of each picture in the source.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }

    /// The rows of these pictures.
    ///
    /// # Shapes
    /// `all`: `[pictures of the source, columns]`; the result: `[pictures, columns]`.
    ///
    /// # Errors
    /// [`SubsetError::Rows`] if `all` has another number of rows.
    pub fn rows(&self, all: ArrayView2<'_, f32>) -> Result<Array2<f32>, SubsetError> {
        let (found, expected) = (all.nrows(), self.source.labels().len());
        if found != expected {
            return Err(SubsetError::Rows { found, expected });
        }
        Ok(all.select(Axis(0), &self.indices))
    }
}

impl PictureSource for Subset {
    fn class_names(&self) -> &[String] {
        self.source.class_names()
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn picture(&self, index: usize) -> Result<Picture<'_>, Box<dyn Error + Send + Sync>> {
        let pictures = self.indices.len();
        let outer = self.indices.get(index).ok_or(SubsetError::Picture { index, pictures })?;
        self.source.picture(*outer)
    }

    fn features(&self) -> Option<usize> {
        self.source.features()
    }

    fn row(&self, index: usize, out: &mut [f32]) -> Result<(), Box<dyn Error + Send + Sync>> {
        let pictures = self.indices.len();
        let outer = self.indices.get(index).ok_or(SubsetError::Picture { index, pictures })?;
        self.source.row(*outer, out)
    }

    fn describe(&self, index: usize) -> String {
        self.indices.get(index).map_or_else(|| format!("picture {index}"), |&outer| self.source.describe(outer))
    }

    fn path(&self, index: usize) -> Option<PathBuf> {
        self.source.path(*self.indices.get(index)?)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::sets::MemorySet;

    fn three() -> Arc<dyn PictureSource> {
        let names = vec!["a".to_owned(), "b".to_owned()];
        Arc::new(MemorySet::new("made", names, vec![0, 1, 1], [1, 1, 1], vec![10, 11, 12]).unwrap())
    }

    #[test]
    fn pictures_labels_and_rows_are_taken_alike() {
        let subset = Subset::new(three(), vec![2, 0, 2]).unwrap();
        assert_eq!(subset.labels(), [1, 0, 1]);
        assert_eq!(subset.class_names(), ["a", "b"]);
        assert_eq!(subset.picture(0).unwrap().pixels[0], 12);
        assert_eq!(subset.picture(1).unwrap().pixels[0], 10);
        assert_eq!(subset.describe(0), "made, picture 2");
        let rows = array![[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]];
        assert_eq!(subset.rows(rows.view()).unwrap(), array![[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]);
        // A subset of a subset.
        let part = Subset::new(Arc::new(subset), vec![1]).unwrap();
        assert_eq!((part.labels(), part.picture(0).unwrap().pixels[0]), (&[0][..], 10));
    }

    #[test]
    fn rejects_what_is_not_there() {
        let message = Subset::new(three(), vec![0, 3]).unwrap_err().to_string();
        assert_eq!(message, "indices[1]: 3; expected an index below 3");
        let subset = Subset::new(three(), vec![1]).unwrap();
        assert_eq!(subset.picture(1).unwrap_err().to_string(), "index: 1; expected an index below 1");
        assert_eq!(subset.rows(array![[1.0]].view()), Err(SubsetError::Rows { found: 1, expected: 3 }));
        assert!(Subset::new(three(), vec![]).unwrap().labels().is_empty());
    }
}
