//! Fingerprints: they tell whether the data of a run have changed since it started.

use serde::{Deserialize, Serialize};
use softnce_data::Fingerprint;

/// The fingerprints of the parts that a run uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprints {
    /// Of the training pictures.
    pub training: Fingerprint,
    /// Of the validation pictures, unless those are the test pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Fingerprint>,
    /// Of the test pictures.
    pub test: Fingerprint,
}

impl Fingerprints {
    /// Describes how `there` differs from these.
    pub(super) fn differences(&self, there: &Fingerprints) -> Vec<String> {
        let mut words = self.training.differences(&there.training, "training");
        if let (Some(here), Some(there)) = (&self.validation, &there.validation) {
            words.extend(here.differences(there, "validation"));
        }
        words.extend(self.test.differences(&there.test, "test"));
        words
    }
}
