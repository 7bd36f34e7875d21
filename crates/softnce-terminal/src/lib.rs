//! What the programs share in a terminal: progress bars, logging, interruption, output.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
