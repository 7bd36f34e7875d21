//! The forms that targets are kept in.

/// The form that targets are kept in, which chooses the path of the computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Form {
    /// One class a row.
    Hard,
    /// A uniform share plus a few weighted classes a row.
    Compact,
    /// One probability per class.
    Dense,
}
