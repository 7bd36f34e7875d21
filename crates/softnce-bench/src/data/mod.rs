//! The data of a case: made up from a seed, the same in every run.

mod head;
mod mixed;

pub(crate) use head::HeadData;
pub(crate) use mixed::LossData;

use chacha20::ChaCha8Rng;
use ndarray::Array1;
use rand::{RngExt, SeedableRng};
use rand_distr::Open01;
use softnce::Targets;

use crate::{BenchError, Case};

/// Label smoothing of all soft targets.
const SMOOTHING: f64 = 0.1;
const SEED: u64 = 2404_14076;

/// The labels that the targets of a case are made from, in all forms.
struct Labels {
    classes: usize,
    first: Array1<u32>,
    second: Array1<u32>,
    /// One lambda per row, as a data loader has it: in single precision.
    lambda: Array1<f32>,
}

impl Labels {
    fn new(case: Case, rng: &mut ChaCha8Rng) -> Self {
        let mut labels = || Array1::from_shape_fn(case.candidates, |_| rng.random_range(0..case.classes as u32));
        let (first, second) = (labels(), labels());
        let lambda = Array1::from_shape_fn(case.candidates, |_| rng.sample(Open01));
        Labels { classes: case.classes, first, second, lambda }
    }

    fn compact(&self) -> Result<Targets<'static>, BenchError> {
        let lambda = self.lambda.mapv(f64::from);
        Ok(Targets::mixed(&self.first, &self.second, &lambda, self.classes, SMOOTHING)?)
    }

    fn hard(&self) -> Result<Targets<'static>, BenchError> {
        Ok(Targets::hard(&self.first, self.classes)?)
    }
}

fn random() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(SEED)
}
