//! The estimators that are compared: the five losses with the candidates of the batch, and soft target InfoNCE with
//! candidates from elsewhere.

use ndarray::{Array1, Array2, ArrayView2, Axis};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use softnce::{
    AnyLoss, Batch, ClassDraws, Error, GradientRequest, Loss, LossKind, LossSettings, NoiseDistribution, Targets,
};
use softnce_metrics::largest_entry;

use super::density::sample;

/// Where the candidates come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Candidates {
    /// The batch: its own targets.
    Batch,
    /// The positive and draws from all training targets.
    Training,
    /// The positive and draws from the continuous categorical density with uniform noise distribution.
    Density,
    /// The same with the unbalanced noise distribution [`SKEW`].
    Skewed,
}

/// Natural parameter of the unbalanced noise for two classes: the first has `e^2` times the weight of the second.
pub const SKEW: [f64; 2] = [2.0, 0.0];

/// A loss with the candidates it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Estimator {
    /// The loss.
    pub loss: LossKind,
    /// Where its candidates come from.
    pub candidates: Candidates,
    /// Whether the loss knows the noise distribution; otherwise it assumes a uniform one.
    pub corrected: bool,
}

impl Candidates {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Estimator {
    /// A loss as it stands in training: in the batch, with the class frequencies for noise.
    pub const fn in_batch(loss: LossKind) -> Self {
        Estimator { loss, candidates: Candidates::Batch, corrected: true }
    }

    /// Soft target InfoNCE with other candidates.
    pub const fn with(candidates: Candidates) -> Self {
        Estimator { loss: LossKind::SoftTargetInfoNce, candidates, corrected: true }
    }

    /// Its name for people.
    pub fn title(self) -> String {
        let loss = self.loss.title();
        match (self.candidates, self.corrected) {
            (Candidates::Batch, _) if !self.loss.is_contrastive() => loss.to_owned(),
            (Candidates::Batch, _) => format!("{loss}, batch"),
            (Candidates::Training, _) => format!("{loss}, targets"),
            (Candidates::Density, _) => format!("{loss}, density"),
            (Candidates::Skewed, true) => "unbalanced noise, corrected".to_owned(),
            (Candidates::Skewed, false) => "unbalanced noise, not corrected".to_owned(),
        }
    }

    /// The noise distribution that the loss assumes, given the frequencies of the classes among its targets.
    fn noise(self, frequencies: &[f64]) -> Result<NoiseDistribution, Error> {
        match self.candidates {
            _ if !self.corrected => Ok(NoiseDistribution::uniform()),
            Candidates::Batch | Candidates::Training => {
                NoiseDistribution::from_counts(frequencies, NoiseDistribution::DEFAULT_SMOOTHING)
            }
            Candidates::Density => Ok(NoiseDistribution::uniform()),
            Candidates::Skewed => NoiseDistribution::from_counts(&SKEW.map(f64::exp), 0.0),
        }
    }
}

/// An estimator over the targets of a training sample.
pub(crate) struct Objective<'s> {
    estimator: Estimator,
    /// Candidates of a row, the positive included.
    count: usize,
    /// All training targets.
    targets: &'s Array2<f64>,
    loss: AnyLoss,
    /// The classes of soft distribution InfoNCE.
    class_draws: ClassDraws,
}

impl<'s> Objective<'s> {
    /// Over these targets. Shape `[n, d]`.
    pub(crate) fn new(estimator: Estimator, count: usize, targets: &'s Array2<f64>, seed: u64) -> Result<Self, Error> {
        let hard = !estimator.loss.takes_soft_targets();
        let mut frequencies = vec![0.0; targets.ncols()];
        for row in targets.rows() {
            match hard {
                true => frequencies[largest_entry(row)] += 1.0,
                false => frequencies.iter_mut().zip(row).for_each(|(sum, value)| *sum += value),
            }
        }
        let settings = LossSettings::new().with_noise(estimator.noise(&frequencies)?);
        let (loss, class_draws) = (AnyLoss::new(estimator.loss, settings), ClassDraws::new(seed));
        Ok(Objective { estimator, count, targets, loss, class_draws })
    }

    /// The mean loss of fresh rows that are each other's candidates, under the noise distribution of the training.
    ///
    /// # Shapes
    /// - logits: `[N, d]`
    /// - targets: `[N, d]`
    pub(crate) fn among(&mut self, logits: ArrayView2<'_, f32>, targets: Array2<f64>) -> Result<f64, Error> {
        Ok(self.in_batch(logits, targets)?.0)
    }

    /// The mean loss of a batch and its gradient by the logits.
    ///
    /// # Shapes
    /// - logits: `[N, d]`
    /// - rows: N, numbers of training targets
    pub(crate) fn evaluate(
        &mut self,
        logits: ArrayView2<'_, f32>,
        rows: &[usize],
        draws: &mut impl Rng,
    ) -> Result<(f64, Array2<f32>), Error> {
        let own = self.targets.select(Axis(0), rows);
        match self.estimator.candidates {
            Candidates::Batch => self.in_batch(logits, own),
            Candidates::Training => {
                let rows: Vec<usize> = (1..self.count).map(|_| draws.random_range(0..self.targets.nrows())).collect();
                Ok(self.beside(logits, &own, &self.targets.select(Axis(0), &rows)))
            }
            Candidates::Density => Ok(self.beside(logits, &own, &self.drawn(&vec![0.0; own.ncols()], draws))),
            Candidates::Skewed => Ok(self.beside(logits, &own, &self.drawn(&SKEW, draws))),
        }
    }

    fn drawn(&self, parameter: &[f64], draws: &mut impl Rng) -> Array2<f64> {
        let values: Vec<f64> = (1..self.count).flat_map(|_| sample(parameter, draws)).collect();
        let size = parameter.len();
        Array2::from_shape_fn((values.len() / size, size), |(row, class)| values[row * size + class])
    }

    /// Each row's candidates are the targets of all rows.
    fn in_batch(&mut self, logits: ArrayView2<'_, f32>, own: Array2<f64>) -> Result<(f64, Array2<f32>), Error> {
        let targets = if self.estimator.loss.takes_soft_targets() {
            Targets::dense_as_is(own)?
        } else {
            let labels: Vec<usize> = own.rows().into_iter().map(largest_entry).collect();
            Targets::hard(&labels, own.ncols())?
        };
        let batch = Batch::from(targets);
        let batch = if self.loss.kind().draws_classes() { self.class_draws.draw(&batch) } else { batch.clone() };
        let found = self.loss.loss_and_gradient(logits, batch, &GradientRequest::new())?;
        Ok((f64::from(found.value.scalar().unwrap_or(f32::NAN)), found.logits_gradient))
    }

    /// Each row's candidates are its own target and the noise.
    ///
    /// The library's losses let all rows share their candidates; here no row may see another's target, and a call for
    /// each row would cost more than the row. With scores `a = s . w`, `s = z - ln eta`, the loss is
    /// `ln(exp a_own + sum_j exp a_j) - a_own` and its gradient the mean candidate under the softmax less the own target.
    fn beside(&self, logits: ArrayView2<'_, f32>, own: &Array2<f64>, noise: &Array2<f64>) -> (f64, Array2<f32>) {
        let classes = logits.ncols();
        let uniform = Array1::zeros(classes);
        let log_noise =
            self.loss.settings().noise().log_probabilities().unwrap_or(uniform.view()).mapv(|log| log as f32);
        let own = own.mapv(|value| value as f32);
        // Class by class, so that the loops over candidates run through memory.
        let shares: Vec<Array1<f32>> =
            noise.columns().into_iter().map(|column| column.mapv(|value| value as f32)).collect();
        let mut gradient = Array2::zeros(logits.dim());
        let mut weights = Array1::<f32>::zeros(noise.nrows());
        let (mut sum, share) = (0.0, 1.0 / logits.nrows().max(1) as f32);
        for ((logits, own), mut gradient) in logits.rows().into_iter().zip(own.rows()).zip(gradient.rows_mut()) {
            let scores = &logits - &log_noise;
            let at_own = scores.dot(&own);
            weights.fill(0.0);
            for (score, shares) in scores.iter().zip(&shares) {
                weights.scaled_add(*score, shares);
            }
            let most = weights.iter().copied().fold(at_own, f32::max);
            weights.mapv_inplace(|weight| (weight - most).exp());
            let of_own = (at_own - most).exp();
            let total = of_own + weights.sum();
            sum += f64::from(total.ln() + most - at_own);
            for ((gradient, &own), shares) in gradient.iter_mut().zip(&own).zip(&shares) {
                *gradient = share * ((of_own * own + weights.dot(shares)) / total - own);
            }
        }
        (sum * f64::from(share), gradient)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ndarray::s;
    use softnce_train::randomness::{Stream, generator};

    use super::*;
    use crate::toy::problem::Problem;

    /// Row by row, the loss of the library with the row's own target and the noise as its candidates.
    #[test]
    fn own_target_beside_noise_is_the_loss_of_the_library() {
        for classes in [2, 3] {
            let sample = Problem { classes }.training(40, 3);
            let mut objective = Objective::new(Estimator::with(Candidates::Training), 30, &sample.targets, 0).unwrap();
            let rows: Vec<usize> = (5..12).collect();
            let logits = Array2::from_shape_fn((7, classes), |(row, class)| (row as f32 - 3.0) * (class as f32 + 0.5));
            let mut draws = generator(0, Stream::Draws, 0, 0);
            let picked: Vec<usize> = (1..30).map(|_| draws.random_range(0..40)).collect();
            let noise = sample.targets.select(Axis(0), &picked);
            let own = sample.targets.select(Axis(0), &rows);
            let (loss, gradient) = objective.beside(logits.view(), &own, &noise);
            let mut sum = 0.0;
            for row in 0..7 {
                let batch = Batch::from(Targets::dense_as_is(own.slice(s![row..=row, ..])).unwrap());
                let batch = batch.with_further(Targets::dense_as_is(noise.view()).unwrap()).unwrap();
                let one = logits.slice(s![row..=row, ..]);
                let found = objective.loss.loss_and_gradient(one, batch, &GradientRequest::new()).unwrap();
                sum += f64::from(found.value.scalar().unwrap());
                for class in 0..classes {
                    let (a, b) = (gradient[[row, class]], found.logits_gradient[[0, class]] / 7.0);
                    assert!((a - b).abs() < 1e-6, "row {row}, class {class}: {a} is not {b}");
                }
            }
            assert!((loss - sum / 7.0).abs() < 1e-5, "{loss} is not {}", sum / 7.0);
            assert!(objective.evaluate(logits.view(), &rows, &mut draws).unwrap().0.is_finite());
        }
    }
}
