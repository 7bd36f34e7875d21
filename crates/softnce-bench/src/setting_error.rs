//! A setting that is out of its range.

/// A setting, a case or a path that is refused.
#[derive(Debug, thiserror::Error)]
#[error("{argument} is {found}, expected {expected}")]
pub struct SettingError {
    /// Name of the setting.
    pub argument: &'static str,
    /// The value that was given.
    pub found: String,
    /// The values that are accepted.
    pub expected: &'static str,
}
