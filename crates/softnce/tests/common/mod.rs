//! Random batches in every form, and the comparison with the oracle.
#![allow(dead_code)]

use ndarray::{Array1, Array2, ArrayView2};
use proptest::prelude::*;
use softnce::oracle::{self, Exact};
use softnce::{Accum, Batch, Element, GradientRequest, Loss, LossAndGradient, LossSettings, Reduction, Targets};

/// Which sources a batch's targets come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Hard,
    Smoothed,
    Mixed,
    TopK,
    Compact,
    Dense,
    Votes,
    /// Mixed rows written out, whose compact form is found again.
    Recognised,
}

pub const SOURCES: [Source; 8] = [
    Source::Hard,
    Source::Smoothed,
    Source::Mixed,
    Source::TopK,
    Source::Compact,
    Source::Dense,
    Source::Votes,
    Source::Recognised,
];

/// Everything a call of the loss needs, in plain float64 arrays.
#[derive(Debug, Clone)]
pub struct Case {
    pub logits: Array2<f64>,
    pub segments: Vec<Targets<'static>>,
    pub positives: Vec<usize>,
    pub multiplicities: Array1<f64>,
    pub noise: Array1<f64>,
    pub temperature: f64,
    pub upstream: Array1<f64>,
}

impl Case {
    pub fn batch(&self) -> Batch<'_> {
        let mut batch = Batch::from(&self.segments[0]);
        for segment in &self.segments[1..] {
            batch = batch.with_further(segment).unwrap();
        }
        batch.with_positives(self.positives.clone()).with_multiplicities(self.multiplicities.view()).unwrap()
    }

    pub fn dense_targets(&self) -> Array2<f64> {
        let dense: Vec<_> = self.segments.iter().map(|segment| segment.to_dense().unwrap()).collect();
        ndarray::concatenate(ndarray::Axis(0), &dense.iter().map(|rows| rows.view()).collect::<Vec<_>>()).unwrap()
    }

    pub fn exact(&self) -> Exact {
        oracle::soft_target_info_nce(
            self.logits.view(),
            self.dense_targets().view(),
            &self.positives,
            self.multiplicities.view(),
            self.noise.view(),
            self.temperature,
        )
        .unwrap()
    }

    pub fn exact_binary_cross_entropy(&self) -> Exact {
        let targets = self.dense_targets().select(ndarray::Axis(0), &self.positives);
        oracle::binary_cross_entropy(self.logits.view(), targets.view(), self.temperature).unwrap()
    }

    pub fn exact_cross_entropy(&self) -> Exact {
        let targets = self.dense_targets().select(ndarray::Axis(0), &self.positives);
        oracle::soft_target_cross_entropy(self.logits.view(), targets.view(), self.temperature).unwrap()
    }
}

/// A small deterministic generator, so that a case is a function of its seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    pub fn bits(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From [-1, 1).
    pub fn signed(&mut self) -> f64 {
        2.0 * self.unit() - 1.0
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    pub fn labels(&mut self, rows: usize, classes: usize) -> Array1<usize> {
        Array1::from_shape_fn(rows, |_| self.below(classes))
    }

    pub fn logits(&mut self, rows: usize, classes: usize, scale: f64) -> Array2<f64> {
        Array2::from_shape_fn((rows, classes), |_| scale * self.signed())
    }

    pub fn simplex(&mut self, classes: usize) -> Array1<f64> {
        let weights = Array1::from_shape_fn(classes, |_| -(1.0 - self.unit()).ln() + 1e-3);
        let sum = weights.sum();
        weights / sum
    }

    pub fn simplex_rows(&mut self, rows: usize, classes: usize) -> Array2<f64> {
        let mut out = Array2::zeros((rows, classes));
        out.outer_iter_mut().for_each(|mut row| row.assign(&self.simplex(classes)));
        out
    }

    pub fn targets(&mut self, source: Source, rows: usize, classes: usize) -> Targets<'static> {
        let (first, second) = (self.labels(rows, classes), self.labels(rows, classes));
        match source {
            Source::Hard => Targets::hard(&first, classes),
            Source::Smoothed => Targets::smoothed(&first, classes, self.unit()),
            Source::Mixed => {
                let lambda = Array1::from_shape_fn(rows, |_| self.unit());
                Targets::mixed(&first, &second, &lambda, classes, 0.5 * self.unit())
            }
            Source::TopK => {
                let k = 1 + self.below(classes.min(3));
                let dense = self.simplex_rows(rows, classes);
                let mut top = Array2::zeros((rows, k));
                let mut weights = Array2::zeros((rows, k));
                for (row, values) in dense.outer_iter().enumerate() {
                    let mut order: Vec<usize> = (0..classes).collect();
                    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
                    for rank in 0..k {
                        top[[row, rank]] = order[rank];
                        weights[[row, rank]] = values[order[rank]];
                    }
                }
                Targets::top_k(&top, &weights, classes)
            }
            Source::Compact => {
                // A uniform share and three weights of its own in every row; classes may repeat.
                let shares = self.simplex_rows(rows, 4);
                let classes_of = Array2::from_shape_fn((rows, 3), |_| self.below(classes));
                let (uniform, weights) = (shares.column(0).to_owned(), shares.slice(ndarray::s![.., 1..]).to_owned());
                Targets::compact(&uniform, &classes_of, &weights, classes)
            }
            Source::Dense => Targets::dense_as_is(self.simplex_rows(rows, classes)),
            Source::Recognised => {
                let mixed = self.targets(Source::Mixed, rows, classes).to_dense().unwrap();
                Targets::dense(mixed.mapv(|weight| weight as f32))
            }
            Source::Votes => {
                let votes = Array2::from_shape_fn((rows, classes), |(row, class)| {
                    self.below(20) as u32 + u32::from(first[row] == class)
                });
                Targets::votes(&votes)
            }
        }
        .unwrap()
    }

    pub fn case(&mut self, sources: [Source; 2], rows: usize, further: usize, classes: usize) -> Case {
        let mut segments = vec![self.targets(sources[0], rows, classes)];
        if further > 0 {
            segments.push(self.targets(sources[1], further, classes));
        }
        let candidates = rows + further;
        let positives = (0..rows).map(|_| self.below(candidates)).collect();
        let mut multiplicities = Array1::from_shape_fn(candidates, |_| self.below(4) as f64 * 0.75);
        multiplicities[self.below(candidates)] = 1.0;
        let scale = [1.0, 5.0, 30.0][self.below(3)];
        Case {
            logits: self.logits(rows, classes, scale),
            segments,
            positives,
            multiplicities,
            noise: self.simplex(classes),
            temperature: [0.1, 0.5, 1.0, 10.0][self.below(4)],
            upstream: Array1::from_shape_fn(rows, |_| self.unit() + 0.5),
        }
    }
}

pub fn source() -> impl Strategy<Value = Source> {
    prop::sample::select(SOURCES.to_vec())
}

/// Random batches over every form, shapes from 1 upwards.
pub fn cases() -> impl Strategy<Value = Case> {
    (source(), source(), 1..12usize, 0..9usize, 1..14usize, any::<u64>()).prop_map(
        |(first, second, rows, further, classes, seed)| Random::new(seed).case([first, second], rows, further, classes),
    )
}

/// Largest difference, relative to the largest value (at least 1); NaN where there is one, and as many on either side.
pub fn deviation<'a>(found: impl IntoIterator<Item = f64>, expected: impl IntoIterator<Item = &'a f64>) -> f64 {
    let (found, expected): (Vec<f64>, Vec<&f64>) = (found.into_iter().collect(), expected.into_iter().collect());
    assert_eq!(found.len(), expected.len(), "as many values as expected");
    let differences = || found.iter().zip(&expected).map(|(f, e)| (f - **e).abs());
    if differences().any(f64::is_nan) {
        return f64::NAN;
    }
    differences().fold(0.0, f64::max) / expected.iter().map(|e| e.abs()).fold(1.0, f64::max)
}

/// Losses row by row.
pub fn rows() -> LossSettings {
    LossSettings::new().with_reduction(Reduction::None)
}

/// A loss with its gradient, from an upstream gradient of 1.
pub fn run<'b, E: Element>(loss: &impl Loss, logits: &Array2<E>, batch: impl Into<Batch<'b>>) -> LossAndGradient<E> {
    loss.loss_and_gradient(logits.view(), batch, &GradientRequest::new()).unwrap()
}

pub fn close(found: &Array1<f64>, expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    let off = deviation(found.iter().copied(), expected);
    assert!(off <= tolerance, "{found} against {expected:?}: off by {off:e}");
}

pub fn cast<E: Element>(values: &Array2<f64>) -> Array2<E> {
    values.mapv(|value| E::from_accum(<E::Accum as Accum>::of(value)))
}

pub fn widen<E: Element>(values: ArrayView2<'_, E>) -> Array2<f64> {
    values.mapv(|value| value.as_f64())
}
