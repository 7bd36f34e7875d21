//! Classes as candidates: all of them, or some drawn from the noise distribution.

use rand::Rng;

use crate::targets::Rows;
use crate::{ClassSampler, Error, ErrorKind, NoiseDistribution, Targets};

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

    /// `count` classes drawn from the sampler's noise distribution, each draw with multiplicity `1 / count`; equal draws
    /// are merged. The work does not depend on the number of classes, unless targets are dense or have a uniform share.
    ///
    /// The classes that matter in `targets` are not left to chance: class k counts `eta_k` times, drawn or not, if a
    /// target gives it more than a tenth of the probability `1 - (1 - eta_k)^count` that it is drawn. Otherwise the loss
    /// would have no lower bound: a logit that is in the target and in no sum would grow without limit. In both cases the
    /// expectation of a class's multiplicity is `eta_k`, so that the mean over the draws of the sum in the loss is
    /// `sum_k exp(Z_ik / tau)`, that of [`ClassCandidates::all`].
    ///
    /// # Shapes
    /// `targets`: `[N]` rows over the d classes of the sampler, those of the batch.
    ///
    /// # Errors
    /// A count of 0 or above [`ClassCandidates::MOST_DRAWS`]; targets over another number of classes.
    pub fn draw<R: Rng + ?Sized>(
        sampler: &ClassSampler,
        targets: &Targets<'_>,
        count: usize,
        generator: &mut R,
    ) -> Result<Self, Error> {
        let most = Self::MOST_DRAWS;
        if !(1..=most).contains(&count) {
            return Err(Error::new(ErrorKind::Range, "count", count.to_string(), format!("1 to {most} draws")));
        }
        let classes = sampler.classes();
        if targets.classes() != classes {
            let found = [targets.len(), targets.classes()];
            return Err(Error::shape("targets", &found, format!("[N, {classes}], as the sampler")));
        }
        let mut drawn: Vec<u32> = (0..count).map(|_| sampler.draw(generator)).collect();
        drawn.sort_unstable();
        let chance = |class: u32| -f64::exp_m1(count as f64 * f64::ln_1p(-sampler.probability(class as usize)));
        let exact = above_limits(targets, |class| SHARE_OF_CHANCE * chance(class));
        let exact_multiplicities = exact.iter().map(|&class| (class, sampler.probability(class as usize)));
        let left_to_chance = drawn.chunk_by(PartialEq::eq).filter(|equal| exact.binary_search(&equal[0]).is_err());
        let drawn = left_to_chance.map(|equal| (equal[0], equal.len() as f64 / count as f64));
        let mut candidates: Vec<(u32, f64)> = exact_multiplicities.chain(drawn).collect();
        candidates.sort_unstable_by_key(|&(class, _)| class);
        let (labels, multiplicities) = candidates.into_iter().unzip();
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

/// The classes to which some target gives more weight than their limit, in ascending order.
fn above_limits(targets: &Targets<'_>, limit: impl Fn(u32) -> f64) -> Vec<u32> {
    let classes = targets.classes();
    let mut above: Vec<u32> = Vec::new();
    match &targets.rows {
        Rows::Hard(labels) => above.extend(labels.iter().filter(|&&label| 1.0 > limit(label))),
        Rows::Compact(rows) => {
            let floor = |row: usize| rows.uniform[row] / classes as f64;
            let highest = (0..rows.len()).map(floor).fold(0.0, f64::max);
            if highest > 0.0 {
                above.extend((0..classes as u32).filter(|&class| highest > limit(class)));
            }
            for row in 0..rows.len() {
                let heavy = rows.entries(row).filter(|&(class, weight)| floor(row) + weight > limit(class as u32));
                above.extend(heavy.map(|(class, _)| class as u32));
            }
        }
        Rows::Dense(rows) => {
            let limits: Vec<f64> = (0..classes as u32).map(limit).collect();
            let mut is_above = vec![false; classes];
            let mut weights = vec![0.0_f32; classes];
            for row in 0..rows.dim().0 {
                rows.write_row(row, &mut weights);
                let pairs = weights.iter().zip(&limits);
                is_above
                    .iter_mut()
                    .zip(pairs)
                    .for_each(|(above, (&weight, &limit))| *above |= f64::from(weight) > limit);
            }
            above.extend((0..classes as u32).filter(|&class| is_above[class as usize]));
        }
    }
    above.sort_unstable();
    above.dedup();
    above
}
