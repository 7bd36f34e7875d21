//! Pictures of one size that lie in memory.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use super::error::SetError;
use crate::{Picture, PictureSource};

/// Labelled pictures of one size in memory. [`PictureSource::picture`] borrows them and copies nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct MemorySet {
    name: String,
    class_names: Vec<String>,
    labels: Vec<usize>,
    size: [usize; 3],
    pixels: Vec<u8>,
}

impl MemorySet {
    /// A set of these pictures; `name` is for errors and reports.
    ///
    /// # Shapes
    /// `size`: height, width and channels (1 or 3). `pixels`: `[pictures, height, width, channels]`. `labels`:
    /// `[pictures]`, each below `class_names.len()`.
    ///
    /// # Errors
    /// [`SetError::Argument`] if the arguments contradict each other.
    pub fn new(
        name: impl Into<String>,
        class_names: Vec<String>,
        labels: Vec<usize>,
        size: [usize; 3],
        pixels: Vec<u8>,
    ) -> Result<Self, SetError> {
        let [height, width, channels] = size;
        if height == 0 || width == 0 || !matches!(channels, 1 | 3) {
            return Err(SetError::Argument {
                argument: "size",
                found: format!("{height} x {width} x {channels}"),
                expected: "height and width above 0, 1 or 3 channels".to_owned(),
            });
        }
        let bytes = size.into_iter().chain([labels.len()]).try_fold(1usize, usize::checked_mul);
        if bytes != Some(pixels.len()) {
            return Err(SetError::Argument {
                argument: "pixels",
                found: format!("{} bytes", pixels.len()),
                expected: format!("{} x {height} x {width} x {channels}", labels.len()),
            });
        }
        if let Some((row, label)) = labels.iter().enumerate().find(|&(_, &label)| label >= class_names.len()) {
            return Err(SetError::Argument {
                argument: "labels",
                found: format!("class {label} in row {row}"),
                expected: format!("a class below {}", class_names.len()),
            });
        }
        Ok(Self { name: name.into(), class_names, labels, size, pixels })
    }
}

impl PictureSource for MemorySet {
    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn picture(&self, index: usize) -> Result<Picture<'_>, Box<dyn Error + Send + Sync>> {
        let [height, width, channels] = self.size;
        // `new` checked that no side is 0 and that the pictures fill `pixels`.
        let pixels = self.pixels.chunks_exact(height * width * channels).nth(index).ok_or_else(|| SetError::Index {
            index,
            pictures: self.labels.len(),
            set: self.name.clone(),
        })?;
        Ok(Picture { height, width, channels, pixels: Cow::Borrowed(pixels) })
    }

    fn describe(&self, index: usize) -> String {
        format!("{}, picture {index}", self.name)
    }
}

impl fmt::Debug for MemorySet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the pixels: there are millions.
        formatter
            .debug_struct("MemorySet")
            .field("name", &self.name)
            .field("pictures", &self.labels.len())
            .field("classes", &self.class_names.len())
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        vec!["cat".to_owned(), "dog".to_owned()]
    }

    #[test]
    fn pictures_are_borrowed() {
        let set = MemorySet::new("made", names(), vec![1, 0], [1, 2, 3], (0..12).collect()).unwrap();
        let second = set.picture(1).unwrap();
        assert_eq!((second.height, second.width, second.channels), (1, 2, 3));
        assert!(matches!(second.pixels, Cow::Borrowed([6, 7, 8, 9, 10, 11])));
        assert_eq!(set.describe(1), "made, picture 1");
        assert_eq!(set.picture(2).unwrap_err().to_string(), "index 2: made has 2 pictures");
        assert!(!format!("{set:?}").contains("11"));
    }

    #[test]
    fn contradicting_arguments_are_refused() {
        let new = |labels, size, bytes: u8| {
            MemorySet::new("made", names(), labels, size, (0..bytes).collect()).unwrap_err().to_string()
        };
        assert_eq!(new(vec![0], [1, 2, 1], 3), "pixels: 3 bytes; expected 1 x 1 x 2 x 1");
        assert_eq!(new(vec![0, 2], [1, 1, 1], 2), "labels: class 2 in row 1; expected a class below 2");
        for size in [[0, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 2], [1, 1, 4]] {
            assert!(new(vec![], size, 0).starts_with("size: "), "{size:?}");
        }
        assert!(new(vec![0], [usize::MAX, 2, 1], 0).starts_with("pixels: 0 bytes"));
    }
}
