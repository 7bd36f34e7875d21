//! Studies made of variants of a recipe: ablations, long tails, human labels.
//!
//! A [`Study`] says what to train and what its page says; [`STUDIES`] lists them. Each is a list of [`Group`]s; every variant of a group is trained from the same seeds, judged on the test pictures,
//! and paired with the variant that it is held against.

mod measure;
mod page;
mod plan;
mod results;
mod run;
mod studies;
mod study;
mod trial;

pub use measure::Measure;
pub use plan::{ChartPlan, Drawn, Group, Variant, VariantsConfig};
pub use results::{GroupResults, Row, VariantsResults};
pub use run::{Place, run};
pub use studies::STUDIES;
pub use study::Study;
pub use trial::Found;
