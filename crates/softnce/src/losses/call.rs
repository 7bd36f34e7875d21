//! The common part of every loss: checks the arguments, runs the code that computes the loss of each row (the *path*),
//! and applies reduction, row weights and upstream gradient.

use ndarray::{Array1, ArrayView1, ArrayView2};
use num_traits::Zero;

use super::request::{GradientRequest, Wanted};
use super::result::Evaluation;
use crate::paths::{Gradients, Outputs, Scores};
use crate::reduction::reduce;
use crate::targets::check_size;
use crate::{Accum, Batch, Element, Error, LossSettings, LossValue, NoiseDistribution, Reduction};

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
        settings: &LossSettings,
        noise: &NoiseDistribution,
        shape: (usize, usize),
        batch: &Batch<'_>,
        request: Option<&GradientRequest<'_>>,
    ) -> Result<Self, Error> {
        let (rows, classes) = check_size(shape)?;
        let positives = batch.check(rows, classes)?;
        noise.check_classes(classes)?;
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

/// Runs a path on logits.
pub(super) fn run_path<E: Element, G: Element<Accum = E::Accum>>(
    settings: &LossSettings,
    noise: &NoiseDistribution,
    logits: ArrayView2<'_, E>,
    batch: &Batch<'_>,
    wanted: Option<Wanted<'_, '_, G>>,
    path: impl Fn(&Scores<'_, E>, &[usize], &mut Outputs<'_, E::Accum, G>) -> Result<(), Error>,
) -> Result<Evaluation<E::Accum>, Error> {
    let request = wanted.as_ref().map(|wanted| wanted.request);
    let rows = Checked::new::<E::Accum>(settings, noise, logits.dim(), batch, request)?;
    let count = rows.positives.len();
    let gradients = wanted.map(|wanted| Gradients {
        logits: wanted.logits,
        zeroed: wanted.zeroed,
        temperature: wanted.request.temperature.then(|| vec![0.0; count]),
        factors: &rows.factors,
    });
    let mut outputs = Outputs { losses: vec![E::Accum::zero(); count], gradients };
    let scores = Scores::new(logits, settings.temperature(), noise, settings.instructions());
    path(&scores, &rows.positives, &mut outputs)?;
    let temperature_gradient = outputs.gradients.and_then(|gradients| gradients.temperature).map(Array1::from);
    Ok(Evaluation { value: rows.reduce(outputs.losses)?, temperature_gradient })
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
