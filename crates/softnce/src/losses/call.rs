//! What the calls of all losses share: the batch as a loss reads it, checks, reduction, upstream gradient.

use std::borrow::Cow;

use ndarray::{Array1, ArrayView1};

use super::kind::LossKind;
use super::request::GradientRequest;
use crate::reduction::reduce;
use crate::targets::check_size;
use crate::{Accum, Batch, Error, Form, LossSettings, LossValue, Reduction};

impl Batch<'_> {
    /// The batch as a loss of this kind reads it: the same, or hard labels in place of one-hot rows of any form if the
    /// loss takes nothing else.
    ///
    /// # Errors
    /// A row with weight on more than one class, if the loss takes hard labels.
    pub fn for_loss(&self, kind: LossKind) -> Result<Cow<'_, Batch<'_>>, Error> {
        let segments = self.segments();
        if !kind.needs_hard_labels() || segments.iter().all(|segment| segment.form() == Form::Hard) {
            return Ok(Cow::Borrowed(self));
        }
        let hard =
            segments.iter().map(|segment| segment.to_hard().ok_or_else(|| kind.hard_labels_needed(segment.form())));
        Ok(Cow::Owned(self.with_segments(hard.collect::<Result<_, _>>()?)))
    }
}

/// What a path needs to know of the rows, after every check that does not read the logits.
pub(super) struct Checked {
    /// Shape `[N]`.
    pub(super) positives: Vec<usize>,
    /// Factors of the gradients: reduction, row weights and upstream gradient. Shape `[N]`.
    pub(super) factors: Vec<f64>,
    /// Factors of the losses. Shape `[N]`.
    reduced_by: Vec<f64>,
    reduction: Reduction,
}

impl Checked {
    /// Checks a call over logits of this shape.
    pub(super) fn new<A: Accum>(
        kind: LossKind,
        settings: &LossSettings,
        shape: (usize, usize),
        batch: &Batch<'_>,
        request: Option<&GradientRequest<'_>>,
    ) -> Result<Self, Error> {
        let (rows, classes) = check_size(shape)?;
        let positives = batch.check(rows, classes)?;
        if kind.is_contrastive() {
            batch.warn_once();
            settings.noise().check_classes(classes)?;
        }
        settings.check_temperature::<A>()?;
        let reduction = settings.reduction();
        let mut factors = reduction.factors(rows, batch.row_weights())?;
        let reduced_by = factors.clone();
        if let Some(upstream) = request.and_then(|request| request.upstream) {
            apply_upstream(upstream, reduction, &mut factors)?;
        }
        if request.is_some() {
            check_factors::<A>(&factors, settings.temperature())?;
        }
        Ok(Checked { positives, factors, reduced_by, reduction })
    }

    /// The losses of the rows put together.
    pub(super) fn reduce<A: Accum>(&self, losses: Vec<A>) -> Result<LossValue<A>, Error> {
        let value = reduce(self.reduction, Array1::from(losses), &self.reduced_by);
        check_finite(&value)?;
        Ok(value)
    }
}

/// The rows are finite; huge row weights can still carry their sum out of range.
fn check_finite<A: Accum>(value: &LossValue<A>) -> Result<(), Error> {
    let found = match value {
        LossValue::Scalar(value) => (!value.is_finite()).then(|| (vec![], value.as_f64())),
        LossValue::Rows(rows) => {
            rows.iter().position(|value| !value.is_finite()).map(|row| (vec![row], rows[row].as_f64()))
        }
    };
    match found {
        Some((index, value)) => Err(Error::non_finite("loss", index, value)),
        None => Ok(()),
    }
}

/// The factor of a row's gradient must fit the type it is computed in.
fn check_factors<A: Accum>(factors: &[f64], temperature: f64) -> Result<(), Error> {
    match factors.iter().position(|factor| !A::of(factor / temperature).is_finite()) {
        Some(row) => {
            let value = factors[row] / temperature;
            Err(Error::non_finite("row weight x upstream gradient / temperature", [row], value))
        }
        None => Ok(()),
    }
}

fn apply_upstream(upstream: ArrayView1<'_, f64>, reduction: Reduction, factors: &mut [f64]) -> Result<(), Error> {
    if let Some((row, &value)) = upstream.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        return Err(Error::non_finite("upstream", [row], value));
    }
    let expected = if reduction == Reduction::None { factors.len() } else { 1 };
    if upstream.len() != expected {
        return Err(Error::shape("upstream", &[upstream.len()], format!("[{expected}], as the loss")));
    }
    let upstream = upstream.iter().copied().cycle();
    factors.iter_mut().zip(upstream).for_each(|(factor, upstream)| *factor *= upstream);
    Ok(())
}
