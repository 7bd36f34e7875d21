//! Features, the weights of a linear head, and mixed targets.

use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;
use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSliceMut;
use softnce::Targets;

use super::{Labels, random};
use crate::{BenchError, Case};

/// What a linear head and its loss read.
pub(crate) struct HeadData {
    /// Shape `[N, D]`.
    pub(crate) features: Array2<f32>,
    /// Shape `[d, D]`.
    pub(crate) weights: Array2<f32>,
    pub(crate) compact: Targets<'static>,
}

/// Rows of the weights that are drawn; the others repeat them, because drawing gigabytes takes minutes.
const DRAWN_ROWS: usize = 8192;

impl HeadData {
    /// Makes up the data of a case.
    pub(crate) fn new(case: Case, features: usize) -> Result<Self, BenchError> {
        let mut rng = random();
        let compact = Labels::new(case, &mut rng).compact()?;
        // Logits of variance 1, as those of the other cases.
        let scale = 1.0 / (features as f32).sqrt();
        let drawn: Vec<f32> = (0..DRAWN_ROWS.min(case.classes) * features)
            .map(|_| scale * rng.sample::<f32, _>(StandardNormal))
            .collect();
        let mut weights = Array2::zeros((case.classes, features));
        let all: &mut [f32] = weights.as_slice_mut().unwrap_or_default();
        all.par_chunks_mut(drawn.len()).for_each(|chunk| chunk.copy_from_slice(&drawn[..chunk.len()]));
        let features = Array2::from_shape_simple_fn((case.rows, features), || rng.sample(StandardNormal));
        Ok(HeadData { features, weights, compact })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_is_filled() {
        let case = Case { rows: 3, candidates: 4, classes: DRAWN_ROWS + 5, features: Some(2) };
        let data = HeadData::new(case, 2).unwrap();
        assert_eq!((data.features.dim(), data.weights.dim()), ((3, 2), (DRAWN_ROWS + 5, 2)));
        assert!(data.weights.iter().all(|weight| *weight != 0.0));
        assert_eq!((data.compact.len(), data.compact.classes()), (4, DRAWN_ROWS + 5));
    }
}
