//! Labelled pictures: the set that a comparison trains and tests on, and its splits.

mod error;
pub mod optdigits;
pub mod split;

use ndarray::{Array2, Axis};

pub use error::DataError;

/// Grey pictures of one size with their classes.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureSet {
    /// Brightness, in `[0, 1]`; shape: examples x (height * width), each picture row by row.
    pub pixels: Array2<f32>,
    /// Class of each picture, in `0..classes`; length: examples.
    pub labels: Vec<usize>,
    /// Number of classes.
    pub classes: usize,
    /// Height of a picture, in pixels.
    pub height: usize,
    /// Width of a picture, in pixels.
    pub width: usize,
}

impl PictureSet {
    /// Puts a set together and checks that its parts agree.
    ///
    /// # Errors
    ///
    /// [`DataError`] if `pixels` (shape: examples x (height * width)) and `labels` (length: examples) disagree in
    /// size, a pixel is not in `[0, 1]` or a label not in `0..classes`.
    pub fn new(
        pixels: Array2<f32>,
        labels: Vec<usize>,
        classes: usize,
        height: usize,
        width: usize,
    ) -> Result<Self, DataError> {
        let (examples, found) = pixels.dim();
        let expected = height.saturating_mul(width);
        if found != expected {
            return Err(DataError::Shape { argument: "pixels, columns", found, expected });
        }
        if labels.len() != examples {
            return Err(DataError::Shape { argument: "labels", found: labels.len(), expected: examples });
        }
        if let Some(((row, column), &value)) = pixels.indexed_iter().find(|(_, pixel)| !(0.0..=1.0).contains(*pixel)) {
            return Err(DataError::Pixel { row, column, value });
        }
        check_labels(&labels, classes)?;
        Ok(Self { pixels, labels, classes, height, width })
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no pictures.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pictures at `indices`, in that order; one may be named more than once.
    ///
    /// # Errors
    ///
    /// [`DataError`] if an index is not below [`PictureSet::len`], or `pixels` and `labels` disagree in length.
    pub fn select(&self, indices: &[usize]) -> Result<PictureSet, DataError> {
        let examples = self.len();
        // The fields are public: a set may have been changed since it was put together.
        if self.pixels.nrows() != examples {
            return Err(DataError::Shape { argument: "pixels, rows", found: self.pixels.nrows(), expected: examples });
        }
        if let Some((position, &index)) = indices.iter().enumerate().find(|&(_, &index)| index >= examples) {
            return Err(DataError::IndexOutOfRange { position, index, examples });
        }
        Ok(Self {
            pixels: self.pixels.select(Axis(0), indices),
            labels: indices.iter().map(|&index| self.labels[index]).collect(),
            ..*self
        })
    }
}

/// Rejects labels that are not in `0..classes`.
fn check_labels(labels: &[usize], classes: usize) -> Result<(), DataError> {
    match labels.iter().enumerate().find(|&(_, &label)| label >= classes) {
        Some((row, &label)) => Err(DataError::LabelOutOfRange { row, label, classes }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use ndarray::array;

    use super::*;

    fn three() -> PictureSet {
        PictureSet::new(array![[0.0, 0.1], [0.2, 0.3], [0.4, 1.0]], vec![2, 0, 1], 3, 1, 2).unwrap()
    }

    #[test]
    fn selects_in_the_order_asked_for() {
        let chosen = three().select(&[2, 0, 2]).unwrap();
        assert_eq!(chosen.pixels, array![[0.4, 1.0], [0.0, 0.1], [0.4, 1.0]]);
        assert_eq!(chosen.labels, [1, 2, 1]);
        assert_eq!((chosen.classes, chosen.height, chosen.width, chosen.len()), (3, 1, 2, 3));
    }

    #[test]
    fn selects_nothing() {
        let none = three().select(&[]).unwrap();
        assert!(none.is_empty());
        assert_eq!(none.pixels.dim(), (0, 2));
        assert!(none.select(&[0]).is_err());
    }

    #[test]
    fn rejects_bad_input() {
        let error = three().select(&[0, 3]).unwrap_err();
        assert_eq!(error.to_string(), "indices[1]: 3, expected one of 0..3");
        let mut torn = three();
        torn.labels.push(0);
        assert!(matches!(torn.select(&[3]), Err(DataError::Shape { found: 3, expected: 4, .. })));

        let new = |pixels, labels, height| PictureSet::new(pixels, labels, 3, height, 2);
        assert!(matches!(new(array![[0.0, 0.0]], vec![0], 2), Err(DataError::Shape { found: 2, expected: 4, .. })));
        assert!(matches!(new(array![[0.0, 0.0]], vec![0], usize::MAX), Err(DataError::Shape { .. })));
        assert!(matches!(new(array![[0.0, 0.0]], vec![], 1), Err(DataError::Shape { found: 0, expected: 1, .. })));
        assert!(matches!(
            new(array![[0.0, 0.0]], vec![3], 1),
            Err(DataError::LabelOutOfRange { row: 0, label: 3, classes: 3 })
        ));
        for value in [-0.1, 1.1, f32::NAN] {
            let error = new(array![[0.0, value]], vec![0], 1).unwrap_err();
            assert_eq!(error.to_string(), format!("pixels[0, 1]: {value}, expected a number in [0, 1]"));
        }
    }
}
