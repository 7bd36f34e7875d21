//! Files that are written atomically, and folders with a lock, a manifest and finished parts.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![forbid(unsafe_code)]

pub mod file;
pub mod parts;
