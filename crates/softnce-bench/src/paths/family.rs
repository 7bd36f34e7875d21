//! The losses of the library.

use ndarray::{ArrayView2, s};
use softnce::{
    Error, GradientRequest, InfoNce, Loss, LossSettings, Nll, SoftTargetCrossEntropy, SoftTargetInfoNce, Targets,
};

use super::output::{Kept, Output};
use crate::BenchError;
use crate::data::LossData;

type Called = Result<Output, BenchError>;

pub(super) fn dense(settings: &LossSettings, data: &LossData, rows: ArrayView2<'_, f32>, kept: &mut Kept) -> Called {
    call(&SoftTargetInfoNce::new(settings.clone()), data, &as_is(rows)?, kept)
}

pub(super) fn recognised(
    settings: &LossSettings,
    data: &LossData,
    rows: ArrayView2<'_, f32>,
    kept: &mut Kept,
) -> Called {
    call(&SoftTargetInfoNce::new(settings.clone()), data, &recognise(rows)?, kept)
}

pub(super) fn compact(settings: &LossSettings, data: &LossData, kept: &mut Kept) -> Called {
    call(&SoftTargetInfoNce::new(settings.clone()), data, &data.compact, kept)
}

pub(super) fn hard(settings: &LossSettings, data: &LossData, kept: &mut Kept) -> Called {
    call(&InfoNce::new(settings.clone()), data, &data.hard, kept)
}

pub(super) fn soft_cross_entropy(
    settings: &LossSettings,
    data: &LossData,
    rows: ArrayView2<'_, f32>,
    kept: &mut Kept,
) -> Called {
    let own = as_is(rows.slice_move(s![..data.logits.nrows(), ..]))?;
    call(&SoftTargetCrossEntropy::new(settings.clone()), data, &own, kept)
}

pub(super) fn nll(settings: &LossSettings, data: &LossData, kept: &mut Kept) -> Called {
    call(&Nll::new(settings.clone()), data, &data.hard, kept)
}

fn call(loss: &impl Loss, data: &LossData, targets: &Targets<'_>, kept: &mut Kept) -> Called {
    let (logits, request) = (data.logits.view(), GradientRequest::new());
    Ok(match &mut kept.gradient {
        Some(gradient) => {
            let out = loss.loss_and_gradient_into(logits, targets, &request, gradient.view_mut())?;
            Output::Kept(out.value.scalar())
        }
        None => Output::Loss(loss.loss_and_gradient(logits, targets, &request)?),
    })
}

/// Dense rows that stay dense.
fn as_is(rows: ArrayView2<'_, f32>) -> Result<Targets<'_>, Error> {
    Targets::dense_as_is(rows)
}

/// Dense rows whose compact form is recognised.
fn recognise(rows: ArrayView2<'_, f32>) -> Result<Targets<'_>, Error> {
    Targets::dense(rows)
}
