//! What tells whether the data of a run are still those that it was started on.

use serde::{Deserialize, Serialize};
use softnce_data::Fingerprint;

/// The fingerprints of the parts that a run uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprints {
    /// Of what it learns from.
    pub training: Fingerprint,
    /// Of what it is validated on, where that is not the test part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Fingerprint>,
    /// Of what it is tested on.
    pub test: Fingerprint,
}

impl Fingerprints {
    /// In what others differ from these, in words.
    pub(super) fn differences(&self, there: &Fingerprints) -> Vec<String> {
        let mut words = self.training.differences(&there.training, "training");
        if let (Some(here), Some(there)) = (&self.validation, &there.validation) {
            words.extend(here.differences(there, "validation"));
        }
        words.extend(self.test.differences(&there.test, "test"));
        words
    }
}
