//! Studies made of variants of a recipe: ablations, long tails, human labels.
//!
//! [`STUDIES`] lists them. A [`Study`] is a list of [`Group`]s with the words of its page. Every variant of a group is
//! trained from the same seeds, evaluated on the test pictures, and paired with the variant that it is compared with.

mod page;
mod plan;
mod results;
mod run;
mod studies;
mod study;
mod trial;

pub(crate) use page::files;
pub use plan::{ChartPlan, Group, Variant, VariantsConfig};
pub use results::{GroupResults, Row, VariantsResults};
pub use run::run;
pub use studies::STUDIES;
pub use study::Study;
pub use trial::Found;

pub use crate::chart::Drawn;
