//! The paper's claims with power: a linear head and a perceptron on the features of a pretrained network.
//!
//! Such a training takes seconds, so that every loss can be tuned with the same number of trials and trained from many
//! seeds.

mod page;
mod plan;
mod results;
mod run;
mod search;

pub(crate) use page::files;
pub use plan::{FeatureTask, FeaturesConfig, Head, Method};
pub use results::{Claim, FeaturesResults, MethodResults, TaskResults};
pub use run::run;
