//! Which pictures of a part are used; warnings about its folders.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use softnce_data::PictureSource;
use softnce_data::sets::{BadPicture, find_bad};

use crate::recipe::BadPolicy;

/// The pictures that were left out because they cannot be decoded, in `run.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Their number.
    pub count: usize,
    /// Each with the reason.
    pub pictures: Vec<BadPicture>,
}

impl LeftOut {
    /// Whether no picture was left out.
    pub fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }
}

/// What was found while the parts of a set were opened.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings {
    pub(super) notes: Vec<String>,
    pub(super) left_out: LeftOut,
    /// Whether the notes were shown, and whether the held-out pictures were checked; shared by all runs on these data.
    pub(super) told: Arc<AtomicBool>,
    pub(super) checked: Arc<AtomicBool>,
}

impl Findings {
    /// The rows of a part that are used: all, or, with [`BadPolicy::Skip`], those of pictures that can be decoded.
    pub(super) fn usable(&mut self, pictures: &dyn PictureSource, policy: BadPolicy) -> Vec<usize> {
        self.notes.extend(pictures.warnings().iter().map(|warning| format!("warning: {warning}")));
        let mut rows: Vec<usize> = (0..pictures.labels().len()).collect();
        if policy == BadPolicy::Error {
            return rows;
        }
        let bad = find_bad(pictures, &rows, &AtomicBool::new(false));
        if let Some((_, BadPicture { picture, reason })) = bad.first() {
            let (count, all) = (bad.len(), rows.len());
            self.notes.push(format!(
                "warning: {count} of {all} pictures cannot be decoded and are left out; run.json lists them; the first: \
                 {picture}: {reason}"
            ));
        }
        rows.retain(|row| bad.binary_search_by_key(row, |(row, _)| *row).is_err());
        self.left_out.count += bad.len();
        self.left_out.pictures.extend(bad.into_iter().map(|(_, bad)| bad));
        rows
    }
}
