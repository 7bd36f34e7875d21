//! The paper's claims on real pictures, at equal budgets: soft target InfoNCE on par with soft target cross-entropy, and
//! better than the losses of hard targets. Our own design: the paper's tables could not be consulted.
//!
//! Each set of pictures is a comparison over a recipe (`softnce_train::compare`): the same network, data, epochs and grid of
//! learning rates for each loss, paired by seed. *On par* is an equivalence test with a margin stated beforehand, *better*
//! a paired interval that excludes zero.

mod page;
mod plan;
mod results;
mod run;

pub(crate) use page::files;
pub use plan::{PictureSet, PicturesConfig};
pub use results::{Claim, LossRow, PicturesResults, SetResults};
pub use run::run;
