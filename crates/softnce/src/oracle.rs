//! The definition in float64, written to be read as the specification.
//!
//! Every path of this crate is tested against these functions. They are public so that the tests of other crates can
//! use them too. They are slow: every sum of the definition is written out.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Dimension};

use crate::Error;

/// The losses and gradients of the rows, before weights, reduction and upstream gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct Exact {
    /// `L_i`. Shape `[N]`.
    pub losses: Array1<f64>,
    /// `dL_i / dZ_i` in row i. Shape `[N, d]`.
    pub logits_gradients: Array2<f64>,
    /// `dL_i / dtau`. Shape `[N]`.
    pub temperature_gradients: Array1<f64>,
}

/// Soft target InfoNCE by its definition (Hugger and Uhlmann, arXiv 2404.14076).
///
/// ```text
/// S      = Z / tau - log eta
/// A      = S W^T
/// L_i    = log sum_j m_j exp(A_ij) - A_i,p(i)
/// dL/dZ  = (sum_j P_ij W_j - W_p(i)) / tau,  P_ij = m_j exp(A_ij) / sum_j' m_j' exp(A_ij')
/// ```
///
/// # Shapes
/// `logits` Z: `[N, d]`; `targets` W: `[M, d]`; `positives` p: `[N]`; `multiplicities` m: `[M]`; `noise` eta: `[d]`.
///
/// # Errors
/// Shapes that do not agree; a positive out of range; logits or targets that are not finite; a temperature that is
/// not a finite number above 0 with a finite reciprocal; a noise probability not above 0; multiplicities below 0 or
/// all 0; scores, a loss or a gradient that overflow.
pub fn soft_target_info_nce<'v>(
    logits: impl Into<ArrayView2<'v, f64>>,
    targets: impl Into<ArrayView2<'v, f64>>,
    positives: &[usize],
    multiplicities: impl Into<ArrayView1<'v, f64>>,
    noise: impl Into<ArrayView1<'v, f64>>,
    temperature: f64,
) -> Result<Exact, Error> {
    let (logits, targets) = (logits.into(), targets.into());
    let (multiplicities, noise) = (multiplicities.into(), noise.into());
    let ((rows, classes), candidates) = (logits.dim(), targets.nrows());
    check("targets", targets.shape(), &[candidates, classes])?;
    check("positives", &[positives.len()], &[rows])?;
    check("multiplicities", multiplicities.shape(), &[candidates])?;
    check("noise", noise.shape(), &[classes])?;
    check_values(logits, targets, temperature)?;
    if let Some((class, &value)) = noise.iter().enumerate().find(|(_, p)| !(p.is_finite() && **p > 0.0)) {
        return Err(Error::range("noise", value, "a finite number above 0").at([class]));
    }
    let bad = multiplicities.iter().position(|m| !(m.is_finite() && *m >= 0.0));
    if let Some(index) = bad.or((multiplicities.sum() == 0.0).then_some(0)) {
        let value = multiplicities.get(index).copied().unwrap_or(0.0);
        let expected = "finite numbers not below 0, at least one of them above 0";
        return Err(Error::range("multiplicities", value, expected).at([index]));
    }
    if let Some(row) = positives.iter().position(|&positive| positive >= candidates) {
        return Err(Error::index_of("positives", "candidate", positives[row], candidates).at([row]));
    }

    let mut exact = Exact::zeros(rows, classes);
    for i in 0..rows {
        let scaled = scaled_row(logits, i, temperature)?;
        let mut score = vec![0.0; candidates];
        let mut scaled_dot = vec![0.0; candidates];
        for j in 0..candidates {
            for k in 0..classes {
                score[j] += targets[[j, k]] * (scaled[k] - noise[k].ln());
                scaled_dot[j] += targets[[j, k]] * scaled[k];
            }
        }
        let log_sum = log_sum_exp(multiplicities.iter().zip(&score).map(|(m, a)| m.ln() + a));
        exact.losses[i] = log_sum - score[positives[i]];
        for j in 0..candidates {
            let probability = (multiplicities[j].ln() + score[j] - log_sum).exp();
            let coefficient = probability - if j == positives[i] { 1.0 } else { 0.0 };
            for k in 0..classes {
                exact.logits_gradients[[i, k]] += coefficient * targets[[j, k]] / temperature;
            }
            // dA_ij / dtau = -(W_j . Z_i) / tau^2
            exact.temperature_gradients[i] -= coefficient * scaled_dot[j];
        }
        exact.temperature_gradients[i] /= temperature;
    }
    exact.check()
}

/// Soft target cross-entropy by its definition, `L_i = -sum_k W_ik log softmax(Z_i / tau)_k`.
///
/// # Shapes
/// `logits` Z, `targets` W: `[N, d]`.
///
/// # Errors
/// Shapes that do not agree; logits or targets that are not finite; a temperature that is not a finite number above 0
/// with a finite reciprocal; scores, a loss or a gradient that overflow.
pub fn soft_target_cross_entropy<'v>(
    logits: impl Into<ArrayView2<'v, f64>>,
    targets: impl Into<ArrayView2<'v, f64>>,
    temperature: f64,
) -> Result<Exact, Error> {
    let (logits, targets, mut exact) = checked_rows(logits.into(), targets.into(), temperature)?;
    for i in 0..logits.nrows() {
        let scaled = scaled_row(logits, i, temperature)?;
        let log_sum = log_sum_exp(scaled.iter().copied());
        let mass: f64 = targets.row(i).sum();
        for k in 0..logits.ncols() {
            let log_probability = scaled[k] - log_sum;
            exact.losses[i] -= targets[[i, k]] * log_probability;
            let coefficient = mass * log_probability.exp() - targets[[i, k]];
            exact.logits_gradients[[i, k]] = coefficient / temperature;
            exact.temperature_gradients[i] -= coefficient * scaled[k];
        }
        exact.temperature_gradients[i] /= temperature;
    }
    exact.check()
}

/// Binary cross-entropy with soft targets by its definition, `L_i = sum_k log(1 + exp(s_ik)) - W_ik s_ik` with
/// `s = Z / tau`.
///
/// # Shapes
/// `logits` Z, `targets` W: `[N, d]`.
///
/// # Errors
/// Shapes that do not agree; logits or targets that are not finite; a temperature not above 0.
pub fn binary_cross_entropy<'v>(
    logits: impl Into<ArrayView2<'v, f64>>,
    targets: impl Into<ArrayView2<'v, f64>>,
    temperature: f64,
) -> Result<Exact, Error> {
    let (logits, targets, mut exact) = checked_rows(logits.into(), targets.into(), temperature)?;
    for i in 0..logits.nrows() {
        for k in 0..logits.ncols() {
            let score = logits[[i, k]] / temperature;
            let softplus = score.max(0.0) + (-score.abs()).exp().ln_1p();
            exact.losses[i] += softplus - targets[[i, k]] * score;
            let coefficient = 1.0 / (1.0 + (-score).exp()) - targets[[i, k]];
            exact.logits_gradients[[i, k]] = coefficient / temperature;
            exact.temperature_gradients[i] -= coefficient * score / temperature;
        }
    }
    exact.check()
}

impl Exact {
    fn zeros(rows: usize, classes: usize) -> Self {
        Exact {
            losses: Array1::zeros(rows),
            logits_gradients: Array2::zeros((rows, classes)),
            temperature_gradients: Array1::zeros(rows),
        }
    }

    /// Refuses results that overflowed.
    fn check(self) -> Result<Self, Error> {
        for (argument, values) in [
            ("loss", self.losses.view().into_dyn()),
            ("gradient with respect to the logits", self.logits_gradients.view().into_dyn()),
            ("gradient with respect to the temperature", self.temperature_gradients.view().into_dyn()),
        ] {
            if let Some((index, &value)) = values.indexed_iter().find(|(_, value)| !value.is_finite()) {
                return Err(Error::non_finite(argument, index.slice(), value));
            }
        }
        Ok(self)
    }
}

/// Checks logits and targets that go row by row, and makes room for the result.
fn checked_rows<'v>(
    logits: ArrayView2<'v, f64>,
    targets: ArrayView2<'v, f64>,
    temperature: f64,
) -> Result<(ArrayView2<'v, f64>, ArrayView2<'v, f64>, Exact), Error> {
    let (rows, classes) = logits.dim();
    check("targets", targets.shape(), &[rows, classes])?;
    check_values(logits, targets, temperature)?;
    Ok((logits, targets, Exact::zeros(rows, classes)))
}

/// `Z_i / tau`, shape `[d]`. Refuses a row of which an entry, or the difference of two entries, overflows.
fn scaled_row(logits: ArrayView2<'_, f64>, row: usize, temperature: f64) -> Result<Vec<f64>, Error> {
    let scaled: Vec<f64> = logits.row(row).iter().map(|logit| logit / temperature).collect();
    let largest = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match scaled.iter().position(|score| !(score - largest).is_finite()) {
        Some(class) => Err(Error::overflow([row, class], logits[[row, class]], temperature, "f64")),
        None => Ok(scaled),
    }
}

fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let max = values.clone().fold(f64::NEG_INFINITY, f64::max);
    max + values.map(|value| (value - max).exp()).sum::<f64>().ln()
}

fn check(argument: &'static str, found: &[usize], expected: &[usize]) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::shape(argument, found, format!("{expected:?}"))) }
}

fn check_values(logits: ArrayView2<'_, f64>, targets: ArrayView2<'_, f64>, temperature: f64) -> Result<(), Error> {
    if !(temperature.is_finite() && temperature > 0.0 && temperature.recip().is_finite()) {
        return Err(Error::temperature(temperature));
    }
    for (argument, values) in [("logits", logits), ("targets", targets)] {
        if let Some(((row, class), &value)) = values.indexed_iter().find(|(_, value)| !value.is_finite()) {
            return Err(Error::non_finite(argument, [row, class], value));
        }
    }
    Ok(())
}
