//! The loss from the features of a linear head.

use softnce::LossSettings;

use super::Output;
use crate::data::HeadData;
use crate::{BenchError, Case};

pub(super) fn head(_settings: &LossSettings, data: &HeadData) -> Result<Output, BenchError> {
    let _ = (&data.features, &data.weights, &data.compact);
    // TO FILL IN: SoftTargetInfoNce::head_loss_and_gradient(&LinearHead::new(features, weights, None)?, compact, ..)
    Err(BenchError::NotAvailable { what: "the loss with a linear head" })
}

/// Bytes that it needs: the features and the weights with a gradient for each.
pub(super) fn memory(rows: usize, classes: usize, features: usize) -> u128 {
    2 * (Case::bytes(&[rows, features]) + Case::bytes(&[classes, features]))
}
