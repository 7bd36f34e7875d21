//! Temperature scaling: the temperature with the lowest negative log likelihood on a held-out split.

use ndarray::{ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::error::MetricError;
use crate::overall::check_rows;
use crate::scores::{largest, shifted};

/// The search covers the starting temperature divided by this to the starting temperature times this.
pub const LARGEST_CHANGE: f64 = 100.0;

/// Steps of Newton's method, safeguarded by bisection: enough for bisection alone.
const MOST_STEPS: usize = 60;

/// Relative change of the temperature that shows in no metric.
const PRECISION: f64 = 1e-9;

/// Temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599, section 4.2),
/// to be fitted on the validation split and used on the test set. It changes no prediction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TemperatureFit {
    /// The temperature of the posterior `softmax(logits / temperature)` with the least negative log likelihood.
    pub temperature: f64,
    /// Mean negative log likelihood at the temperature to start from, in nats.
    pub nll_before: f64,
    /// Mean negative log likelihood at the temperature fitted, in nats; at most `nll_before`.
    pub nll_after: f64,
    /// Whether the search stopped at an end of its range, [`LARGEST_CHANGE`] away from the start, although the
    /// likelihood still rises there. This happens at the lower end if every prediction is right, and at the upper end
    /// if the logits are no better than chance.
    pub at_bound: bool,
    /// Number of passes over the logits.
    pub passes: usize,
    /// Examples that it was fitted on; 0 in files of older versions.
    #[serde(default)]
    pub examples: usize,
}

impl TemperatureFit {
    /// Fits the temperature to `logits` and `labels`, from the temperature `start`.
    ///
    /// # Shapes
    /// - logits: `[examples, classes]`
    /// - labels: `[examples]`, each in `0..classes`
    ///
    /// # Errors
    /// As [`TemperatureFit::fit_passes`].
    pub fn fit(logits: ArrayView2<'_, f32>, labels: &[usize], start: f64) -> Result<Self, MetricError> {
        Self::fit_passes(start, |visit| visit(logits, labels))
    }

    /// Fits the temperature to more rows than fit in memory: `pass` hands all of them, in batches of any size (shapes
    /// as in [`TemperatureFit::fit`]), to the function it is given, and must hand over the same rows each time it is
    /// called; about ten passes are usual. The fit does not depend on the batches.
    ///
    /// The negative log likelihood is convex in `1 / temperature`; Newton's method on its derivative, kept within a
    /// bracket, works on the logarithm of the temperature.
    ///
    /// # Errors
    /// `start` is not a finite number > 0, or so small that `logits / start` leaves the range of `f64`; no rows; rows
    /// that [`evaluate`](crate::evaluate) would reject; what `pass` itself says.
    pub fn fit_passes<E: From<MetricError>>(
        start: f64,
        mut pass: impl FnMut(&mut dyn FnMut(ArrayView2<'_, f32>, &[usize]) -> Result<(), MetricError>) -> Result<(), E>,
    ) -> Result<Self, E> {
        if !(start.is_finite() && start > 0.0) {
            return Err(MetricError::Temperature { value: start }.into());
        }
        let (mut passes, mut examples) = (0, 0);
        // `at` is the logarithm of start / temperature.
        let mut measure = |at: f64| {
            let mut sums = Sums::default();
            pass(&mut |logits, labels| sums.add(logits, labels, start / at.exp()))?;
            passes += 1;
            examples = sums.examples;
            sums.finish(start / at.exp()).map_err(E::from)
        };
        let before = measure(0.0)?;
        let bound = -before.slope.signum() * LARGEST_CHANGE.ln();
        let (mut best, mut best_at, mut at_bound) = (before, 0.0, false);
        if before.slope != 0.0 {
            let end = measure(bound)?;
            at_bound = end.slope * before.slope >= 0.0;
            if at_bound {
                (best, best_at) = (end, bound);
            } else {
                (best, best_at) = search((0.0, before), (bound, end), &mut measure)?;
            }
        }
        // The start itself may be the optimum, up to rounding.
        if best.nll > before.nll {
            (best, best_at) = (before, 0.0);
        }
        let temperature = start / best_at.exp();
        Ok(Self { temperature, nll_before: before.nll, nll_after: best.nll, at_bound, passes, examples })
    }
}

/// The root of the slope between two points of which it has different signs.
fn search<E>(
    start: (f64, Point),
    end: (f64, Point),
    measure: &mut impl FnMut(f64) -> Result<Point, E>,
) -> Result<(Point, f64), E> {
    let (mut low, mut high) = if start.0 < end.0 { (start.0, end.0) } else { (end.0, start.0) };
    let (mut at, mut point) = start;
    let mut newton_is_slow = false;
    for _ in 0..MOST_STEPS {
        let newton = at - point.slope / point.curvature;
        let halves = newton_is_slow || !(newton > low && newton < high);
        let next = if halves { (low + high) / 2.0 } else { newton };
        let (step, slope) = (next - at, point.slope);
        (at, point) = (next, measure(next)?);
        if step.abs() < PRECISION || point.slope == 0.0 {
            break;
        }
        if point.slope < 0.0 {
            low = at
        } else {
            high = at
        }
        newton_is_slow = !halves && point.slope.abs() > 0.5 * slope.abs();
    }
    Ok((point, at))
}

/// The mean negative log likelihood at a point, and its derivatives by the logarithm of the inverse temperature.
#[derive(Debug, Clone, Copy)]
struct Point {
    nll: f64,
    slope: f64,
    curvature: f64,
}

/// Sums over the rows.
#[derive(Debug, Default)]
struct Sums {
    examples: usize,
    nll: f64,
    slope: f64,
    curvature: f64,
}

impl Sums {
    fn add(&mut self, logits: ArrayView2<'_, f32>, labels: &[usize], temperature: f64) -> Result<(), MetricError> {
        check_rows(logits, labels)?;
        for (row, &label) in logits.rows().into_iter().zip(labels) {
            self.add_row(row, label, temperature);
        }
        self.examples += labels.len();
        Ok(())
    }

    /// With `u = (z - max z) / temperature` and `p = softmax(u)`: `-log p_y = log sum exp u - u_y`, and its
    /// derivatives by `log (1 / temperature)` are `E_p u - u_y` and `Var_p u + E_p u - u_y`.
    fn add_row(&mut self, row: ArrayView1<'_, f32>, label: usize, temperature: f64) {
        let largest = largest(row);
        let (mut partition, mut first, mut second) = (0.0, 0.0, 0.0);
        for &logit in row {
            let scaled = shifted(logit, largest, temperature);
            let weight = scaled.exp();
            // Where the weight underflows, its products with `scaled` are 0 too, not NaN.
            if weight > 0.0 {
                partition += weight;
                first += weight * scaled;
                second += weight * scaled * scaled;
            }
        }
        let own = shifted(row[label], largest, temperature);
        let mean = first / partition;
        self.nll += partition.ln() - own;
        self.slope += mean - own;
        self.curvature += second / partition - mean * mean + mean - own;
    }

    fn finish(self, temperature: f64) -> Result<Point, MetricError> {
        if self.examples == 0 {
            return Err(MetricError::Empty { argument: "logits", expected: "row (example)" });
        }
        if !(self.nll.is_finite() && self.slope.is_finite()) {
            return Err(MetricError::TemperatureTooSmall { value: temperature });
        }
        let n = self.examples as f64;
        Ok(Point { nll: self.nll / n, slope: self.slope / n, curvature: self.curvature / n })
    }
}

#[cfg(test)]
mod tests;
