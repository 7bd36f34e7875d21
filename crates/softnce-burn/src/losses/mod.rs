//! The loss modules: one implementation for the family, and a module of its own name for each loss.

mod config;
mod head;
mod named;
mod selected;

pub use config::{ComputePath, LossConfig, Noise};
pub use head::{HeadLoss, HeadRows};
pub use named::{
    InfoNceLoss, InfoNceLossConfig, NllLoss, NllLossConfig, SoftDistributionInfoNceLoss,
    SoftDistributionInfoNceLossConfig, SoftTargetCrossEntropyLoss, SoftTargetCrossEntropyLossConfig,
    SoftTargetInfoNceLoss, SoftTargetInfoNceLossConfig,
};
pub use selected::SelectedLoss;
