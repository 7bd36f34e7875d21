//! Temperature scaling: the one temperature that makes the posterior of a held-out split most likely.

use ndarray::{ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::metrics::{MetricError, check_rows, largest, shifted};

/// The temperature is looked for between the one to start from divided by this and multiplied by it.
pub const LARGEST_CHANGE: f64 = 100.0;

/// Steps of Newton's method, safeguarded by bisection: enough for bisection alone.
const MOST_STEPS: usize = 60;

/// A change of the temperature by this factor less one does not show in any metric.
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
    /// Whether the likelihood still rises at the end of the range, [`LARGEST_CHANGE`] away from the start, where the
    /// search stops: as it does downwards where every prediction is right, and upwards where the logits are no better
    /// than chance.
    pub at_bound: bool,
    /// How often the logits were gone through.
    pub passes: usize,
}

impl TemperatureFit {
    /// Fits the temperature to `logits` (shape: examples x classes) and `labels` (length: examples), from the
    /// temperature `start`.
    ///
    /// # Errors
    /// As [`TemperatureFit::fit_passes`].
    pub fn fit(logits: ArrayView2<'_, f32>, labels: &[usize], start: f64) -> Result<Self, MetricError> {
        Self::fit_passes(start, |visit| visit(logits, labels))
    }

    /// Fits the temperature to rows that are too many to hold: `pass` hands all of them, in parts of any size (shapes
    /// as in [`TemperatureFit::fit`]), to the function it is given, and must do so alike each time it is called; some
    /// ten passes are usual. The fit does not depend on the parts.
    ///
    /// The negative log likelihood is convex in `1 / temperature`; Newton's method on its derivative, kept within a
    /// bracket, works on the logarithm of the temperature.
    ///
    /// # Errors
    /// `start` is not a finite number > 0, or so small that `logits / start` leaves the range of `f64`; no rows; rows
    /// that [`crate::metrics::evaluate`] would reject; what `pass` itself says.
    pub fn fit_passes<E: From<MetricError>>(
        start: f64,
        mut pass: impl FnMut(&mut dyn FnMut(ArrayView2<'_, f32>, &[usize]) -> Result<(), MetricError>) -> Result<(), E>,
    ) -> Result<Self, E> {
        if !(start.is_finite() && start > 0.0) {
            return Err(MetricError::Temperature { value: start }.into());
        }
        let mut passes = 0;
        // `at` is the logarithm of start / temperature.
        let mut measure = |at: f64| {
            let mut sums = Sums::default();
            pass(&mut |logits, labels| sums.add(logits, labels, start / at.exp()))?;
            passes += 1;
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
        Ok(Self { temperature, nll_before: before.nll, nll_after: best.nll, at_bound, passes })
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
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use chacha20::ChaCha8Rng;
    use ndarray::{Array2, array, s};
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::metrics::evaluate;

    /// Logits whose labels are drawn from `softmax(logits / temperature)`.
    fn drawn(examples: usize, classes: usize, temperature: f64, seed: u64) -> (Array2<f32>, Vec<usize>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let logits = Array2::from_shape_simple_fn((examples, classes), || 6.0 * rng.random::<f32>());
        let labels = logits.rows().into_iter().map(|row| {
            let weights: Vec<f64> = row.iter().map(|&logit| (f64::from(logit) / temperature).exp()).collect();
            let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
            let class = weights.iter().position(|weight| {
                left -= weight;
                left < 0.0
            });
            class.unwrap_or(classes - 1)
        });
        let labels = labels.collect();
        (logits, labels)
    }

    #[test]
    fn finds_the_temperature_of_two_classes_by_hand() {
        // All margins are 2, and 3 of 4 are right: sigmoid(2 / t) = 3/4, t = 2 / log 3.
        let logits = array![[2.0_f32, 0.0], [0.0, 2.0], [5.0, 3.0], [1.0, 3.0]];
        let fit = TemperatureFit::fit(logits.view(), &[0, 1, 0, 0], 1.0).unwrap();
        assert!((fit.temperature / (2.0 / 3f64.ln()) - 1.0).abs() < 1e-8, "{fit:?}");
        // -(3 * np.log(3 / 4) + np.log(1 / 4)) / 4
        assert!((fit.nll_after - 0.562_335_144_618_808_3).abs() < 1e-12, "{fit:?}");
        assert!(!fit.at_bound && fit.passes < 15, "{fit:?}");
    }

    #[test]
    fn finds_the_temperature_that_labels_were_drawn_with() {
        for (seed, temperature) in [0.4, 1.0, 3.0].into_iter().enumerate() {
            let (logits, labels) = drawn(20_000, 10, temperature, seed as u64);
            for start in [0.1, 1.0, 20.0] {
                let fit = TemperatureFit::fit(logits.view(), &labels, start).unwrap();
                // About four standard errors.
                assert!((fit.temperature / temperature - 1.0).abs() < 0.06, "{fit:?}, drawn with {temperature}");
                assert!(fit.nll_after <= fit.nll_before && !fit.at_bound && fit.passes < 30, "{fit:?}");
                // The likelihoods are those of the evaluation, and the fit is its minimum.
                let nll = |t: f64| evaluate(logits.view(), t, &labels).unwrap().nll;
                assert!((fit.nll_before / nll(start) - 1.0).abs() < 1e-12);
                assert!((fit.nll_after / nll(fit.temperature) - 1.0).abs() < 1e-12);
                assert!(nll(fit.temperature * 1.001) > fit.nll_after && nll(fit.temperature / 1.001) > fit.nll_after);
            }
        }
    }

    #[test]
    fn parts_make_no_difference() {
        let (logits, labels) = drawn(300, 5, 2.0, 7);
        let whole = TemperatureFit::fit(logits.view(), &labels, 1.0).unwrap();
        let parts = TemperatureFit::fit_passes(1.0, |visit| {
            visit(logits.slice(s![..17, ..]), &labels[..17])?;
            visit(logits.slice(s![17..17, ..]), &[])?;
            visit(logits.slice(s![17.., ..]), &labels[17..])
        });
        assert_eq!(parts, Ok(whole));
    }

    #[test]
    fn the_range_ends_the_search() {
        // Every prediction right: the colder the better. Every one wrong: the warmer the better.
        let logits = array![[3.0_f32, 0.0], [0.0, 3.0]];
        let cold = TemperatureFit::fit(logits.view(), &[0, 1], 2.0).unwrap();
        assert!(cold.at_bound && (cold.temperature - 0.02).abs() < 1e-12 && cold.nll_after < cold.nll_before);
        let warm = TemperatureFit::fit(logits.view(), &[1, 0], 2.0).unwrap();
        assert!(warm.at_bound && (warm.temperature - 200.0).abs() < 1e-9 && warm.nll_after < warm.nll_before);
        // No temperature changes anything.
        let flat = TemperatureFit::fit(Array2::zeros((3, 4)).view(), &[0, 1, 2], 0.5).unwrap();
        assert_eq!((flat.temperature, flat.at_bound), (0.5, false));
        assert_eq!(flat.nll_before, flat.nll_after);
    }

    #[test]
    fn extreme_logits_are_no_trouble() {
        let logits = array![[1e30_f32, -1e30, 0.0], [1.0, 2.0, 3.0]];
        let fit = TemperatureFit::fit(logits.view(), &[0, 1], 1.0).unwrap();
        assert!(fit.temperature.is_finite() && fit.nll_after.is_finite() && fit.nll_after < fit.nll_before, "{fit:?}");
    }

    #[test]
    fn bad_input_is_named() {
        let logits = array![[1.0_f32, 2.0]];
        let error = |labels: &[usize], start| TemperatureFit::fit(logits.view(), labels, start).unwrap_err();
        assert_eq!(error(&[0], -1.0), MetricError::Temperature { value: -1.0 });
        assert_eq!(error(&[2], 1.0), MetricError::LabelOutOfRange { row: 0, label: 2, classes: 2 });
        assert_eq!(error(&[0], 1e-320), MetricError::TemperatureTooSmall { value: 1e-320 });
        let nothing = TemperatureFit::fit(Array2::zeros((0, 2)).view(), &[], 1.0);
        assert!(matches!(nothing, Err(MetricError::Empty { .. })));
    }
}
