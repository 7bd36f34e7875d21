//! The Python libraries that load exported weights.

use std::fmt;
use std::str::FromStr;

/// The library whose names the tensors of a file have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Library {
    /// timm's, which for residual networks are also torchvision's.
    #[default]
    Timm,
    /// torchvision's.
    Torchvision,
}

impl fmt::Display for Library {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Library::Timm => "timm",
            Library::Torchvision => "torchvision",
        })
    }
}

impl FromStr for Library {
    type Err = String;

    fn from_str(text: &str) -> Result<Library, String> {
        let known = [Library::Timm, Library::Torchvision].into_iter().find(|library| library.to_string() == text);
        known.ok_or_else(|| "expected timm or torchvision".to_owned())
    }
}
