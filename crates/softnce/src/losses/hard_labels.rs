//! Converts one-hot targets to hard labels, for the losses that accept only hard labels.

use super::kind::LossKind;
use crate::{Batch, Error};

impl Batch<'_> {
    /// The same batch with hard labels in place of one-hot rows of any form, as a loss of hard labels reads it.
    ///
    /// # Errors
    /// A row with weight on more than one class.
    pub fn to_hard(&self, loss: LossKind) -> Result<Batch<'_>, Error> {
        let mut segments = Vec::with_capacity(self.segments().len());
        for segment in self.segments() {
            segments.push(segment.to_hard().ok_or_else(|| loss.hard_labels_needed(segment.form()))?);
        }
        Ok(self.with_segments(segments))
    }
}
