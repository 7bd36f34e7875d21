//! Very many classes: quality against the number of samples and against time.
//!
//! A [`Group`] is a recipe over many classes with variants of its candidates. Each variant is trained from the same seeds
//! and evaluated over all classes.

mod groups;
mod measure;
mod page;
mod plan;
mod results;
mod run;

pub use groups::groups;
pub use measure::ClassesMeasure;
pub(crate) use page::files;
pub use plan::{ClassesConfig, Group, Variant};
pub use results::{ClassesResults, Found, GroupResults, Row};
pub use run::run;
