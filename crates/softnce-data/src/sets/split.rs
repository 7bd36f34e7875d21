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
    /// The pictures to test on.
    Test,
}

impl Split {
    /// All parts.
    pub const ALL: [Split; 2] = [Split::Train, Split::Test];

    /// The name of the part, as in recipes and on the command line.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
