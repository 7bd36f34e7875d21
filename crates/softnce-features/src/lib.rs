//! One set of features for the packages that Burn depends on, so that every command of the workspace builds Burn once.
//!
//! Cargo unifies features: it builds a package with all features that the crates selected by a command ask for. Without
//! this crate `cargo test --workspace` and `cargo build` would ask for different features of, say, `syn`, and Burn
//! would be compiled once for each. The crate holds no code. `.ci/features.py` writes its dependencies; run it after a
//! change of dependencies.
