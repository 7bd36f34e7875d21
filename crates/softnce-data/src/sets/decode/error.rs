//! Why a picture cannot be decoded.

use image::error::{ImageError, LimitErrorKind};
use thiserror::Error;

/// Why a picture cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The file holds nothing.
    #[error("the file is empty")]
    Empty,
    /// The file is not a picture, or its format is not supported.
    #[error("{found}; expected JPEG, PNG, GIF, TIFF, WebP, BMP or PNM")]
    Format {
        /// The format, or the first bytes.
        found: String,
    },
    /// The picture has too many pixels.
    #[error(
        "{width} x {height} are {pixels} pixels; expected at most {limit}: raise data.max_pixels in the recipe (for `data \
         info`, --max-pixels)",
        pixels = width.saturating_mul(*height)
    )]
    Size {
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
        /// Most pixels.
        limit: u64,
    },
    /// The end of the file is missing.
    #[error("the file is cut off: its picture data ends too early")]
    CutOff,
    /// The content cannot be decoded.
    #[error("{reason}")]
    Damaged {
        /// What the decoder said.
        reason: String,
    },
}

impl DecodeError {
    pub(super) fn damaged(reason: impl ToString) -> Self {
        DecodeError::Damaged { reason: reason.to_string() }
    }

    pub(super) fn image(error: ImageError) -> Self {
        match error {
            ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => DecodeError::CutOff,
            ImageError::Limits(limits) if matches!(limits.kind(), LimitErrorKind::InsufficientMemory) => {
                DecodeError::damaged("the picture takes more memory than data.max_pixels allows")
            }
            error => DecodeError::damaged(error),
        }
    }
}
