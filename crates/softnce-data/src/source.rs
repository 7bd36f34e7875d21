//! Where pictures and their classes come from.

use std::error::Error;

use crate::Picture;

/// Labelled pictures, in memory or decoded as they are asked for.
pub trait PictureSource: Send + Sync + std::fmt::Debug {
    /// Names of the classes; their number is the number of classes.
    fn class_names(&self) -> &[String];

    /// Class of each picture, in `0..classes`; as long as there are pictures.
    fn labels(&self) -> &[usize];

    /// A picture, decoded.
    ///
    /// # Errors
    /// A file that cannot be read or decoded, named by its path; an index out of range.
    fn picture(&self, index: usize) -> Result<Picture<'_>, Box<dyn Error + Send + Sync>>;

    /// What to call a picture in a report or an error: its path, or the set's name and its number.
    fn describe(&self, index: usize) -> String;
}
