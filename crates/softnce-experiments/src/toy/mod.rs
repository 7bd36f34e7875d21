//! A problem whose truth is known: what each loss estimates, and from how much.
//!
//! Soft targets are drawn from continuous categorical distributions whose natural parameter is a known function of an
//! input on a line, and the same small network is trained on them under each loss. Our own design; the theory that it
//! tests is that of ranking noise contrastive estimation (Ma and Collins, arXiv 1809.01812) with the critic of Hugger and
//! Uhlmann (arXiv 2404.14076).

mod density;
mod estimator;
mod page;
mod plan;
mod problem;
mod results;
mod run;
mod theory;
mod trial;

pub use estimator::{Candidates, Estimator, SKEW};
pub(crate) use page::files;
pub use plan::ToyConfig;
pub use results::{Cell, ToyResults};
pub use run::run;
pub use trial::{Found, Setting, Training, points};
