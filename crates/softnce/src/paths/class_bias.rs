//! What class candidates add to the logits of a cross-entropy: see [`super::class_candidates`].

use num_traits::Float;

use super::Scores;
use super::terms::to_base_2;
use crate::targets::Rows;
use crate::{Accum, Batch, Element};

/// The biases of the classes, and what a target's loss is above that of cross-entropy with these biases.
pub(crate) struct ClassBias<A> {
    /// The biases minus the largest, times log2 e; a very low number for a class that is no candidate. `None` if all
    /// are equal. Shape `[d]`.
    bias2: Option<Vec<A>>,
    /// The classes with candidates, unless all classes have some.
    occurring: Option<Vec<u32>>,
    /// The largest bias plus `log eta_k`. Shape `[d]`, or `[1]` if eta is uniform.
    constants: Vec<f64>,
    /// The mean of these.
    mean_constant: f64,
}

impl<A: Accum> ClassBias<A> {
    pub(super) fn new<E: Element<Accum = A>>(scores: &Scores<'_, E>, batch: &Batch<'_>) -> Self {
        let multiplicities = batch.multiplicities();
        let multiplicity = |candidate: usize| multiplicities.map_or(1.0, |given| given[candidate]);
        // Divided by the largest, so that sums of huge multiplicities do not overflow.
        let unit = (0..batch.candidates()).map(multiplicity).fold(0.0, f64::max);
        let mut counts = vec![0.0; scores.classes()];
        let mut first = 0;
        for segment in batch.segments() {
            let labels = segment.labels().into_iter().flatten().zip(first..);
            labels.for_each(|(&label, candidate)| counts[label as usize] += multiplicity(candidate) / unit);
            first += segment.len();
        }
        // In the type of the scores, which the noise must not shift by more than its rounding.
        let shift = |class: usize| scores.shift.as_ref().map_or(0.0, |shift| shift[class].as_f64());
        let biases: Vec<f64> = counts.iter().enumerate().map(|(class, count)| count.ln() + shift(class)).collect();
        let largest = biases.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let rounding = |class: usize| 4.0 * A::epsilon().as_f64() * (1.0 - shift(class));
        let equal = biases.iter().enumerate().all(|(class, bias)| largest - bias <= rounding(class));
        let present = |class: &usize| counts[*class] > 0.0;
        let every = (0..counts.len()).all(|class| present(&class));
        let constants: Vec<f64> = match &scores.shift {
            Some(shift) => shift.iter().map(|shift| largest + unit.ln() - shift.as_f64()).collect(),
            None => vec![largest + unit.ln()],
        };
        ClassBias {
            bias2: (!equal).then(|| biases.iter().map(|bias| to_base_2(bias - largest)).collect()),
            occurring: (!every).then(|| (0..counts.len()).filter(present).map(|class| class as u32).collect()),
            mean_constant: constants.iter().sum::<f64>() / constants.len() as f64,
            constants,
        }
    }

    /// The biases minus the largest, times log2 e, unless all are equal. Shape `[d]`.
    pub(super) fn unequal(&self) -> Option<&[A]> {
        self.bias2.as_deref()
    }

    /// The largest logit of a row among the classes with candidates; `None` if all classes have some.
    pub(super) fn largest_logit(&self, logits: &[A]) -> Option<A> {
        let classes = self.occurring.as_ref()?.iter();
        Some(classes.map(|&class| logits[class as usize]).fold(A::neg_infinity(), Float::max))
    }

    /// What the loss of a target is above its cross-entropy with these biases. `scratch` has shape `[d]`.
    pub(super) fn constant(&self, targets: &Rows<'_>, target: usize, scratch: &mut [A]) -> f64 {
        let &[one] = self.constants.as_slice() else {
            return match targets {
                Rows::Hard(labels) => self.constants[labels[target] as usize],
                Rows::Compact(rows) => {
                    let listed = rows.entries(target).map(|(class, weight)| weight * self.constants[class]);
                    rows.uniform[target] * self.mean_constant + listed.sum::<f64>()
                }
                Rows::Dense(rows) => {
                    let (weights, share) = rows.row(target, scratch);
                    let products = weights.iter().zip(&self.constants).map(|(weight, c)| weight.as_f64() * c);
                    share.as_f64() * products.sum::<f64>()
                }
            };
        };
        one
    }
}
