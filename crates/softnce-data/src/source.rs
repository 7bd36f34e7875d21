//! Pictures and sources of labelled ones.

use std::borrow::Cow;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use ndarray::Array2;

/// A decoded picture of 8 bits per channel, as `[height, width, channels]`, rows from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture<'p> {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// `height * width * channels` values.
    pub pixels: Cow<'p, [u8]>,
}

/// Labelled pictures or rows of features, in memory or read on request.
pub trait PictureSource: Send + Sync + std::fmt::Debug {
    /// Names of the classes; their number is the number of classes.
    fn class_names(&self) -> &[String];

    /// Class of each picture, below the number of classes. Shape: `[pictures]`.
    fn labels(&self) -> &[usize];

    /// The decoded picture of this index.
    ///
    /// # Errors
    /// A file that cannot be read or decoded, with its path; an index out of range; a source of features.
    fn picture(&self, index: usize) -> Result<Picture<'_>, Box<dyn Error + Send + Sync>>;

    /// Values of a row, if the source holds rows of features and no pictures.
    fn features(&self) -> Option<usize> {
        None
    }

    /// Writes the row of features of this index.
    ///
    /// # Shapes
    /// `out`: `[features]`.
    ///
    /// # Errors
    /// A source of pictures; a row that cannot be read; a value that is not finite, with its place.
    fn row(&self, index: usize, _out: &mut [f32]) -> Result<(), Box<dyn Error + Send + Sync>> {
        Err(format!("{}: a picture; expected a row of features", self.describe(index)).into())
    }

    /// The label distributions that the set itself has. Shape `[pictures, classes]`.
    fn distributions(&self) -> Option<&Arc<Array2<f32>>> {
        None
    }

    /// A name of a picture for reports and errors: its path, or the set's name and its index.
    fn describe(&self, index: usize) -> String;

    /// The file of a picture; `None` if the pictures are not files of their own, or for an index out of range.
    fn path(&self, _index: usize) -> Option<PathBuf> {
        None
    }

    /// What a user should know of the set: files that are not read, classes without pictures.
    fn warnings(&self) -> &[String] {
        &[]
    }
}
