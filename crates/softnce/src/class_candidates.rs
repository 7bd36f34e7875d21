//! Classes as candidates: all of them, or some drawn from the noise distribution.

use rand::{Rng, RngExt};

use crate::targets::Rows;
use crate::{Error, ErrorKind, NoiseDistribution, Targets};

/// A class whose weight in a target is above this share of the probability that it is drawn is not left to chance.
const SHARE_OF_CHANCE: f64 = 0.1;

/// One-hot candidates with their multiplicities, under which soft target InfoNCE matches soft targets as cross-entropy
/// does. [`Batch::with_class_candidates`](crate::Batch::with_class_candidates) takes them.
///
/// The targets of a batch shift the optimum away from a target that is a distribution to be matched, such as a teacher's
/// probabilities. With all d classes as candidates, class k counted `eta_k` times (the noise distribution), and the
/// targets themselves kept out of the sum, that distribution is the optimum:
///
/// ```text
/// L_i = log sum_k eta_k exp(S_ik) - S_i . w_i = soft target cross-entropy + log eta . w_i
/// ```
///
/// because `eta_k exp(S_ik) = exp(Z_ik / tau)`. A draw of some classes gives an unbiased estimate of this sum.
///
/// ```
/// use ndarray::array;
/// use softnce::{Batch, ClassCandidates, Loss, LossSettings, NoiseDistribution, SoftTargetInfoNce, Targets};
///
/// let teacher = Targets::dense(array![[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])?;
/// let noise = NoiseDistribution::from_counts(&[50, 30, 20], 0.0)?;
/// let batch = Batch::from(&teacher).with_class_candidates(&ClassCandidates::all(&noise, 3)?)?;
/// let loss = SoftTargetInfoNce::new(LossSettings::new().with_noise(noise));
/// let value = loss.loss(array![[2.0_f32, 0.5, -1.0], [0.1, 0.2, 1.5]].view(), batch)?;
/// assert!(value.scalar().is_some_and(f32::is_finite));
/// # Ok::<(), softnce::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ClassCandidates {
    classes: usize,
    labels: Vec<u32>,
    multiplicities: Vec<f64>,
}

impl ClassCandidates {
    /// The largest number of draws.
    pub const MOST_DRAWS: usize = 1 << 24;

    /// All `classes` classes, class k with multiplicity `eta_k`. The gradient of the loss is that of soft target
    /// cross-entropy, and so is its cost.
    ///
    /// # Errors
    /// No classes; a noise distribution over another number of classes.
    pub fn all(noise: &NoiseDistribution, classes: usize) -> Result<Self, Error> {
        let multiplicities = noise.probabilities(classes)?.to_vec();
        Ok(ClassCandidates { classes, labels: (0..classes as u32).collect(), multiplicities })
    }

    /// `count` classes drawn from the noise distribution, each draw with multiplicity `1 / count`; equal draws are
    /// merged.
    ///
    /// The classes that matter in `targets` are not left to chance: class k counts `eta_k` times, drawn or not, if a
    /// target gives it more than a tenth of the probability `1 - (1 - eta_k)^count` that it is drawn. Otherwise the loss
    /// would have no lower bound: a logit that is in the target and in no sum would grow without limit. In both cases the
    /// expectation of a class's multiplicity is `eta_k`, so that the mean over the draws of the sum in the loss is
    /// `sum_k exp(Z_ik / tau)`, that of [`ClassCandidates::all`].
    ///
    /// # Shapes
    /// `targets`: `[N]` rows over the d classes of the noise, those of the batch.
    ///
    /// # Errors
    /// A count of 0 or above [`ClassCandidates::MOST_DRAWS`]; a noise distribution over another number of classes.
    pub fn draw<R: Rng + ?Sized>(
        noise: &NoiseDistribution,
        targets: &Targets<'_>,
        count: usize,
        generator: &mut R,
    ) -> Result<Self, Error> {
        let most = Self::MOST_DRAWS;
        if !(1..=most).contains(&count) {
            return Err(Error::new(ErrorKind::Range, "count", count.to_string(), format!("1 to {most} draws")));
        }
        let classes = targets.classes();
        let mut multiplicities = noise.probabilities(classes)?.to_vec();
        let ends: Vec<f64> = multiplicities
            .iter()
            .scan(0.0, |end, &probability| {
                *end += probability;
                Some(*end)
            })
            .collect();
        let total = ends.last().copied().unwrap_or(1.0);
        let mut draws = vec![0u32; classes];
        for _ in 0..count {
            let level = total * generator.random::<f64>();
            draws[ends.partition_point(|&end| end <= level).min(classes - 1)] += 1;
        }
        let chance = |probability: f64| -f64::exp_m1(count as f64 * f64::ln_1p(-probability));
        let limits: Vec<f64> = multiplicities.iter().map(|&p| SHARE_OF_CHANCE * chance(p)).collect();
        let above = above_limits(targets, &limits);
        for ((multiplicity, draws), exact) in multiplicities.iter_mut().zip(draws).zip(above) {
            if !exact {
                *multiplicity = f64::from(draws) / count as f64;
            }
        }
        let present = multiplicities.iter().enumerate().filter(|(_, multiplicity)| **multiplicity > 0.0);
        let (labels, multiplicities) = present.map(|(class, &multiplicity)| (class as u32, multiplicity)).unzip();
        Ok(ClassCandidates { classes, labels, multiplicities })
    }

    /// Number of classes d.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The classes, in ascending order, each once.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The multiplicity of each of the [`labels`](ClassCandidates::labels), above 0.
    pub fn multiplicities(&self) -> &[f64] {
        &self.multiplicities
    }

    /// The classes as one-hot targets.
    ///
    /// # Errors
    /// None for candidates that [`ClassCandidates::all`] or [`ClassCandidates::draw`] made.
    pub fn targets<'t>(&self) -> Result<Targets<'t>, Error> {
        Targets::hard(&self.labels, self.classes)
    }
}

/// Of each class, whether some target gives it more weight than its limit.
fn above_limits(targets: &Targets<'_>, limits: &[f64]) -> Vec<bool> {
    let mut above = vec![false; limits.len()];
    match &targets.rows {
        Rows::Hard(labels) => labels.iter().for_each(|&label| above[label as usize] = true),
        Rows::Compact(rows) => {
            let floor = |row: usize| rows.uniform[row] / limits.len() as f64;
            let highest = (0..rows.len()).map(floor).fold(0.0, f64::max);
            above.iter_mut().zip(limits).for_each(|(above, &limit)| *above = highest > limit);
            for row in 0..rows.len() {
                for (class, weight) in rows.entries(row) {
                    above[class] |= floor(row) + weight > limits[class];
                }
            }
        }
        Rows::Dense(rows) => {
            let mut weights = vec![0.0_f32; limits.len()];
            for row in 0..rows.dim().0 {
                rows.write_row(row, &mut weights);
                let pairs = weights.iter().zip(limits);
                above.iter_mut().zip(pairs).for_each(|(above, (&weight, &limit))| *above |= f64::from(weight) > limit);
            }
        }
    }
    above
}
