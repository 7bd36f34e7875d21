//! Logits and mixed targets.

use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;
use softnce::Targets;

use super::{Labels, SMOOTHING, random};
use crate::{BenchError, Case};

/// Logits and targets in every form.
pub(crate) struct LossData {
    /// Shape `[N, d]`.
    pub(crate) logits: Array2<f32>,
    pub(crate) compact: Targets<'static>,
    pub(crate) hard: Targets<'static>,
    /// The compact targets written out, where a path reads them. Shape `[M, d]`.
    pub(crate) dense: Option<Array2<f32>>,
}

impl LossData {
    /// Makes up the data of a case.
    pub(crate) fn new(case: Case, dense: bool) -> Result<Self, BenchError> {
        let mut rng = random();
        let labels = Labels::new(case, &mut rng);
        let logits = Array2::from_shape_simple_fn((case.rows, case.classes), || rng.sample(StandardNormal));
        let dense = dense.then(|| labels.dense());
        Ok(LossData { logits, compact: labels.compact()?, hard: labels.hard()?, dense })
    }
}

impl Labels {
    /// The targets as timm's `Mixup` computes them: two smoothed one-hot rows weighted by lambda, in single precision.
    fn dense(&self) -> Array2<f32> {
        let off = (SMOOTHING / self.classes as f64) as f32;
        let on = (1.0 - SMOOTHING + SMOOTHING / self.classes as f64) as f32;
        let mut dense = Array2::zeros((self.first.len(), self.classes));
        for (row, mut out) in dense.outer_iter_mut().enumerate() {
            let (first, second, lambda) = (self.first[row] as usize, self.second[row] as usize, self.lambda[row]);
            let weighed = |first: f32, second: f32| first * lambda + second * (1.0 - lambda);
            out.fill(weighed(off, off));
            out[first] = weighed(on, if second == first { on } else { off });
            if second != first {
                out[second] = weighed(off, on);
            }
        }
        dense
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_hold_the_same_targets() {
        let case = Case::loss(5, 40, 7).unwrap();
        let data = LossData::new(case, true).unwrap();
        assert_eq!(data.logits.dim(), (5, 7));
        let (compact, dense) = (data.compact.to_dense().unwrap(), data.dense.unwrap());
        assert!(compact.iter().zip(&dense).all(|(left, right)| (left - f64::from(*right)).abs() < 1e-6));
        assert_eq!((data.hard.len(), data.hard.classes()), (40, 7));
    }

    #[test]
    fn the_weights_differ_from_row_to_row() {
        let labels = Labels::new(Case::loss(4, 40, 7).unwrap(), &mut random());
        assert!(labels.lambda.iter().all(|lambda| *lambda > 0.0 && *lambda < 1.0));
        assert!(labels.lambda.windows(2).into_iter().all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn the_data_is_the_same_in_every_run() {
        let make = || LossData::new(Case::loss(3, 4, 5).unwrap(), true).unwrap();
        assert_eq!(make().logits, make().logits);
        assert_eq!(make().dense, make().dense);
    }
}
