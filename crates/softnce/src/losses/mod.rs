//! The losses, one file each, and the code that all of them share.

mod any;
mod binary_cross_entropy;
mod call;
mod compute;
mod cross_entropy;
mod head_loss;
mod info_nce;
mod kind;
mod linear_head;
mod loss;
mod request;
mod result;
mod soft_distribution;
mod soft_target_info_nce;

pub use any::AnyLoss;
pub use binary_cross_entropy::BinaryCrossEntropy;
pub use cross_entropy::{Nll, SoftTargetCrossEntropy};
pub use head_loss::HeadLoss;
pub use info_nce::InfoNce;
pub use kind::{LossKind, LossSpec};
pub use linear_head::{HeadLossAndGradient, LinearHead};
pub use loss::Loss;
pub use request::GradientRequest;
pub use result::{Evaluation, LossAndGradient};
pub use soft_distribution::SoftDistributionInfoNce;
pub use soft_target_info_nce::SoftTargetInfoNce;
