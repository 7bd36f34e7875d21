//! Sources of labelled pictures.

use std::error::Error;

use crate::Picture;

/// Labelled pictures, in memory or decoded on request.
pub trait PictureSource: Send + Sync + std::fmt::Debug {
    /// Names of the classes; their number is the number of classes.
    fn class_names(&self) -> &[String];

    /// Class of each picture, below the number of classes. Shape: `[pictures]`.
    fn labels(&self) -> &[usize];

    /// The decoded picture of this index.
    ///
    /// # Errors
    /// A file that cannot be read or decoded, with its path; an index out of range.
    fn picture(&self, index: usize) -> Result<Picture<'_>, Box<dyn Error + Send + Sync>>;

    /// A name of a picture for reports and errors: its path, or the set's name and its index.
    fn describe(&self, index: usize) -> String;
}
