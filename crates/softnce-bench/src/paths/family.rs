//! The losses of the library.

use ndarray::{ArrayView2, s};
use softnce::{
    Error, GradientRequest, InfoNce, Loss, LossSettings, Nll, SoftTargetCrossEntropy, SoftTargetInfoNce, Targets,
};

use super::Output;
use crate::BenchError;
use crate::data::LossData;

type Called = Result<Output, BenchError>;

pub(super) fn dense(settings: &LossSettings, data: &LossData, rows: ArrayView2<'_, f32>) -> Called {
    call(&SoftTargetInfoNce::new(settings.clone()), data, &as_is(rows)?)
}

pub(super) fn recognised(settings: &LossSettings, data: &LossData, rows: ArrayView2<'_, f32>) -> Called {
    call(&SoftTargetInfoNce::new(settings.clone()), data, &recognise(rows)?)
}

pub(super) fn compact(settings: &LossSettings, data: &LossData) -> Called {
    call(&SoftTargetInfoNce::new(settings.clone()), data, &data.compact)
}

pub(super) fn hard(settings: &LossSettings, data: &LossData) -> Called {
    call(&InfoNce::new(settings.clone()), data, &data.hard)
}

pub(super) fn soft_cross_entropy(settings: &LossSettings, data: &LossData, rows: ArrayView2<'_, f32>) -> Called {
    let own = as_is(rows.slice_move(s![..data.logits.nrows(), ..]))?;
    call(&SoftTargetCrossEntropy::new(settings.clone()), data, &own)
}

pub(super) fn nll(settings: &LossSettings, data: &LossData) -> Called {
    call(&Nll::new(settings.clone()), data, &data.hard)
}

fn call(loss: &impl Loss, data: &LossData, targets: &Targets<'_>) -> Called {
    Ok(Output::Loss(loss.loss_and_gradient(data.logits.view(), targets, &GradientRequest::new())?))
}

/// Dense rows that stay dense.
fn as_is(rows: ArrayView2<'_, f32>) -> Result<Targets<'_>, Error> {
    Targets::dense(rows)
}

/// Dense rows whose compact form may be recognised.
fn recognise(rows: ArrayView2<'_, f32>) -> Result<Targets<'_>, Error> {
    Targets::dense(rows)
}
