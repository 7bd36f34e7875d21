//! Studies made of variants of a recipe: ablations, long tails, human labels.
//!
//! Each is a list of [`Group`]s; every variant of a group is trained from the same seeds, judged on the test pictures,
//! and paired with the variant that it is held against.

mod ablations;
mod human;
mod long_tail;
mod measure;
mod page;
mod plan;
mod results;
mod run;
mod trial;

pub use ablations::ablations;
pub use human::human_labels;
pub use long_tail::long_tails;
pub use measure::Measure;
pub use plan::{ChartPlan, Drawn, Group, Variant, VariantsConfig};
pub use results::{GroupResults, Row, VariantsResults};
pub use run::{Place, run};
pub use trial::Found;
