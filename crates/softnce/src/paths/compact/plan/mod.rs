//! The candidates in the form that the kernel reads: equal ones merged, in the order of their first class.

mod build;
mod columns;
mod further;
mod listing;
mod merge;
mod merged;

pub(crate) use columns::Columns;
pub(crate) use merged::{Fold, Pair, Plan};
