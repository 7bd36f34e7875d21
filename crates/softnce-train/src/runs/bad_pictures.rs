//! The check of the pictures of a run, before its training and after an error.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use softnce_data::loader::LoaderError;
use softnce_data::sets::{BadPicture, BadPictures, find_bad};

use super::data::{Labelled, RunData};
use super::error::RunError;
use crate::recipe::BadPolicy;

impl RunData {
    /// What a user should know of the data: warnings about their folders, pictures that are left out.
    pub fn notes(&self) -> &[String] {
        &self.findings.notes
    }

    /// The notes, for the first of several runs on the same data; none for the others.
    pub(super) fn untold_notes(&self) -> &[String] {
        if self.findings.told.swap(true, Ordering::Relaxed) { &[] } else { self.notes() }
    }

    /// Decodes the validation and test pictures, once for all runs on the same data: those for training are decoded in the
    /// first epoch, but a bad test picture would end a run after its training.
    ///
    /// # Errors
    /// Pictures that cannot be decoded: all of them, also those for training.
    pub(super) fn check_held_out(&self, policy: BadPolicy, stop: &AtomicBool) -> Result<(), RunError> {
        if policy == BadPolicy::Skip || self.findings.checked.load(Ordering::Relaxed) {
            return Ok(());
        }
        let held_out = [self.validation.as_ref(), Some(&self.test)];
        let good = held_out.into_iter().flatten().all(|part| bad_of(part, stop).is_empty());
        self.findings.checked.store(!stop.load(Ordering::Relaxed), Ordering::Relaxed);
        if good { Ok(()) } else { Err(self.bad_pictures().into()) }
    }

    /// The error of a run; if it is that of one picture, all pictures that cannot be decoded are named instead.
    pub(super) fn explained(&self, error: RunError) -> RunError {
        if !matches!(error, RunError::Loader(LoaderError::Picture { .. })) {
            return error;
        }
        let bad = self.bad_pictures();
        // The picture may have been put back in the meantime.
        if bad.pictures.is_empty() { error } else { bad.into() }
    }

    /// All pictures that cannot be decoded.
    fn bad_pictures(&self) -> BadPictures {
        let parts = [Some(&self.train), self.validation.as_ref(), Some(&self.test)];
        let parts: Vec<&Labelled> = parts.into_iter().flatten().collect();
        let mut pictures: Vec<BadPicture> =
            parts.iter().flat_map(|part| bad_of(part, &AtomicBool::new(false))).collect();
        // A picture may be in two parts.
        let mut known = HashSet::new();
        pictures.retain(|bad| known.insert(bad.picture.clone()));
        BadPictures { pictures, checked: parts.iter().map(|part| part.len()).sum() }
    }
}

fn bad_of(part: &Labelled, stop: &AtomicBool) -> Vec<BadPicture> {
    let rows: Vec<usize> = (0..part.len()).collect();
    find_bad(part.pictures.as_ref(), &rows, stop).into_iter().map(|(_, bad)| bad).collect()
}
