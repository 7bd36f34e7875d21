//! The problem: inputs on a line, soft targets from a continuous categorical distribution whose natural parameter is a
//! known function of the input.

use std::f64::consts::PI;

use ndarray::Array2;
use rand::{Rng, RngExt};
use softnce_train::randomness::{Stream, generator};

use super::density::{mean, mode, sample};

/// How steep the parameter is: large enough that the mean of a target says little about it.
const STEEPNESS: [f64; 2] = [5.0, 4.0];

/// The problem with two or three classes, x uniform on [-1, 1].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Number of classes.
    pub(crate) classes: usize,
}

/// Inputs with their soft targets.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// Shape `[n]`.
    pub(crate) inputs: Vec<f64>,
    /// Shape `[n, d]`.
    pub(crate) targets: Array2<f64>,
}

impl Problem {
    /// The natural parameter at `x`, up to a constant: that of the last class is 0.
    pub(crate) fn parameter(self, x: f64) -> Vec<f64> {
        match self.classes {
            3 => vec![STEEPNESS[1] * (PI * x).sin(), STEEPNESS[1] * (PI * x).cos(), 0.0],
            _ => vec![STEEPNESS[0] * (PI * x).sin(), 0.0],
        }
    }

    /// `n` inputs and targets.
    pub(crate) fn draw(self, n: usize, draws: &mut impl Rng) -> Sample {
        let inputs: Vec<f64> = (0..n).map(|_| draws.random_range(-1.0..1.0)).collect();
        let rows: Vec<f64> = inputs.iter().flat_map(|&x| sample(&self.parameter(x), draws)).collect();
        let targets = Array2::from_shape_fn((n, self.classes), |(row, class)| rows[row * self.classes + class]);
        Sample { inputs, targets }
    }

    /// The sample that a seed trains on: the same for every estimator, so that they are paired.
    pub(crate) fn training(self, n: usize, seed: u64) -> Sample {
        self.draw(n, &mut generator(seed, Stream::Data, self.classes as u64, 0))
    }

    /// A sample that nothing is trained on.
    pub(crate) fn fresh(self, n: usize, seed: u64) -> Sample {
        self.draw(n, &mut generator(seed, Stream::Data, self.classes as u64, 1))
    }

    /// The mean target at `x`.
    pub(crate) fn mean(self, x: f64) -> Vec<f64> {
        mean(&self.parameter(x))
    }

    /// Probability of each class to be the largest of the target at `x`.
    pub(crate) fn mode(self, x: f64) -> Vec<f64> {
        mode(&self.parameter(x))
    }
}

/// Evenly spaced inputs, the middles of `count` equal parts of [-1, 1].
pub(crate) fn grid(count: usize) -> Vec<f64> {
    (0..count).map(|at| (2 * at + 1) as f64 / count as f64 - 1.0).collect()
}
