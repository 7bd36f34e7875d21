//! The loss from the features of a linear head.

use softnce::{GradientRequest, HeadLoss, LinearHead, LossSettings, SoftTargetInfoNce};

use super::output::Output;
use crate::data::HeadData;
use crate::{BenchError, Case};

pub(super) fn head(settings: &LossSettings, data: &HeadData) -> Result<Output, BenchError> {
    let HeadData { features, weights, compact } = data;
    let head = LinearHead::new(features, weights)?;
    let loss = SoftTargetInfoNce::new(settings.clone());
    Ok(Output::Head(loss.head_loss_and_gradient(&head, compact, &GradientRequest::new())?))
}

/// Bytes that it needs: the features with their gradient, and the weights.
pub(super) fn memory(rows: usize, classes: usize, features: usize) -> u128 {
    2 * Case::bytes(&[rows, features]) + Case::bytes(&[classes, features])
}
