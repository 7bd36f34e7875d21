//! The parts of a data set.

use serde::{Deserialize, Serialize};

/// A part of a data set, as its publisher split it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Split {
    /// The pictures to train on.
    Train,
    /// The pictures to validate on, in sets that have such a part beside the one for testing.
    #[serde(alias = "val", alias = "valid")]
    #[strum(to_string = "validation", serialize = "val", serialize = "valid")]
    Validation,
    /// The pictures to test on.
    Test,
}

impl Split {
    /// All parts.
    pub const ALL: [Split; 3] = [Split::Train, Split::Validation, Split::Test];
    /// The parts of most published sets.
    pub const TRAIN_AND_TEST: [Split; 2] = [Split::Train, Split::Test];

    /// The name of the part, as in recipes and on the command line.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
