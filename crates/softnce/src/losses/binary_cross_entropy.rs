//! Binary cross-entropy with soft targets: one yes-or-no question for each class.

use num_traits::{Float, Zero};
use pulp::{Simd, WithSimd};
use softnce_kernels::parallel::{WAKING, for_each, threads_for};

use super::compute::Compute;
use crate::paths::{Inputs, Outputs, Working, rows_at_once};
use crate::{Accum, Element, Error, LossSettings};

/// Binary cross-entropy with soft targets, summed over the classes and averaged over the rows as the reduction says:
///
/// ```text
/// L_i = sum_k log(1 + exp(s_ik)) - W_ik s_ik,   s = Z / tau
/// ```
///
/// Wightman et al. train ImageNet networks with it ("ResNet strikes back", arXiv 2110.00476; timm's
/// `BinaryCrossEntropy` averages over the classes as well, a factor of 1/d). Each class has a posterior of its own,
/// `sigmoid(s_k)`, and these need not sum to 1; for the top-1 prediction take the largest logit. Where one class must be
/// true, the posterior over classes is `softmax(Z / tau)`: independent answers, given that exactly one is yes, have odds
/// `p / (1 - p) = exp(s)`. At the optimum the sigmoids themselves match the class probabilities, so that this softmax is too
/// sure where classes compete; temperature scaling mends most of it.
///
/// The noise distribution of the settings and candidates beyond each row's own target are ignored.
///
/// ```
/// use ndarray::array;
/// use softnce::{BinaryCrossEntropy, Loss, LossSettings, Targets};
///
/// // torch.nn.functional.binary_cross_entropy_with_logits(z, t, reduction="sum")
/// let targets = Targets::dense(array![[0.75, 0.25]])?;
/// let value = BinaryCrossEntropy::new(LossSettings::new()).loss(array![[2.0_f64, -1.0]].view(), &targets)?;
/// assert!((value.scalar().unwrap() - 1.190_189_698_6).abs() < 1e-9);
/// # Ok::<(), softnce::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BinaryCrossEntropy {
    pub(super) settings: LossSettings,
}

impl BinaryCrossEntropy {
    /// The loss with these settings.
    pub fn new(settings: LossSettings) -> Self {
        BinaryCrossEntropy { settings }
    }
}

impl Compute for BinaryCrossEntropy {
    /// O(N d).
    fn compute<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        inputs: Inputs<'_, E>,
        outputs: &mut Outputs<'_, E::Accum, G>,
    ) -> Result<(), Error> {
        let Inputs { scores, batch, positives } = inputs;
        let classes = scores.classes();
        let rows = rows_at_once(classes);
        let threads = threads_for(scores.rows() * classes, WAKING, scores.rows().div_ceil(rows));
        let working = || (Working::new(scores), vec![E::Accum::zero(); classes]);
        for_each(threads, outputs.blocks(rows), working, |(working, exponentials), mut block| {
            for at in 0..block.losses.len() {
                let row = block.first + at;
                // Checks that the logits are finite.
                scores.extent(row, &mut working.logits)?;
                let logits = scores.logits(row, 0..classes, &mut working.logits);
                let demand = block.demand(at, scores.temperature);
                let gradient = block.row(at, &mut working.terms);
                if let Some((targets, target)) = batch.candidate(positives[row]) {
                    targets.write_row(target, gradient);
                }
                let sigmoids = Sigmoids {
                    logits,
                    rate: scores.rate,
                    rate2: scores.rate2,
                    exponentials: exponentials.as_mut_slice(),
                    targets: &mut *gradient,
                };
                let loss = scores.instructions.run(sigmoids);
                if let Some((scale, wants_temperature)) = demand {
                    let pairs = || gradient.iter().zip(logits);
                    // From the logits themselves: the row of derivatives does not sum to 0, so an origin would count.
                    let dot = match wants_temperature {
                        true => pairs().map(|(&g, &z)| g.as_f64() * (z * scores.rate).as_f64()).sum(),
                        false => 0.0,
                    };
                    gradient.iter_mut().for_each(|value| *value *= scale);
                    block.write_temperature(at, dot, scores.temperature);
                    block.write_row(at, &working.terms);
                }
                block.losses[at] = E::Accum::of(loss);
            }
            Ok(())
        })
    }
}

/// A row's loss; the targets become the derivatives with respect to the scores, `sigmoid(s) - W`.
///
/// All terms are sums of numbers not below 0, so that nothing cancels, with `e = exp(-|s|)` and the target's distance `m`
/// from the answer that the score leans to: `L = m |s| + log(1 + e)`, and the derivative is `m - e / (1 + e)`, with the
/// sign turned round for a score below 0.
struct Sigmoids<'r, A> {
    logits: &'r [A],
    rate: A,
    rate2: A,
    /// Takes `exp(-|s|)`, then the losses of the classes. Shape `[d]`.
    exponentials: &'r mut [A],
    /// Shape `[d]`.
    targets: &'r mut [A],
}

/// Losses summed side by side, so that the sum becomes vector code.
const LANES: usize = 16;

impl<A: Accum> WithSimd for Sigmoids<'_, A> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let (logits, logits_tail) = A::vectors::<S>(self.logits);
        let (out, out_tail) = A::vectors_mut::<S>(self.exponentials);
        let (rate2, zero) = (A::splat(simd, self.rate2), A::splat(simd, A::zero()));
        let exponential = |logit| {
            let score = A::v_mul(simd, logit, rate2);
            A::v_exp2(simd, A::v_min(simd, score, A::v_sub(simd, zero, score)))
        };
        out.iter_mut().zip(logits).for_each(|(out, &logit)| *out = exponential(logit));
        if !out_tail.is_empty() {
            A::store_part(simd, out_tail, exponential(A::load_part(simd, logits_tail)));
        }

        let (one, two) = (A::one(), A::one() + A::one());
        let terms = if size_of::<A>() == size_of::<f32>() { 9 } else { 17 };
        let mut reciprocals = [A::zero(); 17];
        (0..terms).for_each(|n| reciprocals[n] = A::of(2.0 / (2 * n + 1) as f64));
        let rows = self.exponentials.iter_mut().zip(self.targets.iter_mut()).zip(self.logits);
        for ((term, target), &logit) in rows {
            let (score, e) = (logit * self.rate, *term);
            // log(1 + e) = 2 atanh(e / (2 + e)), by its series: the argument is at most 1/3.
            let ratio = e / (two + e);
            let square = ratio * ratio;
            let mut series = reciprocals[terms - 1];
            for &coefficient in reciprocals[..terms - 1].iter().rev() {
                series = series * square + coefficient;
            }
            let above = score > A::zero();
            let distance = if above { one - *target } else { *target };
            let derivative = distance - e / (one + e);
            *term = distance * Float::abs(score) + ratio * series;
            *target = if above { derivative } else { -derivative };
        }
        let (chunks, tail) = self.exponentials.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for chunk in chunks {
            sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += value.as_f64());
        }
        sums.iter().sum::<f64>() + tail.iter().map(|value| value.as_f64()).sum::<f64>()
    }
}
