//! What each estimator finds with unlimited data and an unlimited network: the natural parameter that its loss gives as
//! the logits if it is minimised at each input on its own.

use super::density::{log_normaliser, mean, second_moments};
use super::problem::{Problem, grid};
use crate::newton::{Local, minimise};

/// Inputs that stand for the distribution of all inputs: a smooth and periodic function is integrated to all digits.
const QUADRATURE: usize = 64;

/// The parameter that soft target InfoNCE finds when the candidates are other targets, in the limit of many.
///
/// With noise density `q` the loss at `x` is `-s . m + ln E_q[exp(s . w)]`, m being the mean target there and
/// `s = z - ln eta`. It is least where `q`, tilted by `s`, has the mean m. Is `q` the continuous categorical density with
/// parameter `ln eta`, then so is the tilted one, and z is the true parameter. In a batch `q` is the mixture of all
/// targets, which is no such density: z is then off by what its tilt needs beside `ln eta`.
pub(crate) struct InBatch {
    components: Vec<Vec<f64>>,
    log_noise: Vec<f64>,
}

impl InBatch {
    /// For the mixture of the problem's targets, with the class frequencies as the noise distribution.
    pub(crate) fn new(problem: Problem) -> Self {
        let points = grid(QUADRATURE);
        let components: Vec<Vec<f64>> = points.iter().map(|&x| problem.parameter(x)).collect();
        let mut frequencies = vec![0.0; problem.classes];
        for x in points {
            let mean = problem.mean(x);
            frequencies.iter_mut().zip(mean).for_each(|(sum, mean)| *sum += mean / QUADRATURE as f64);
        }
        InBatch { components, log_noise: frequencies.iter().map(|share| share.ln()).collect() }
    }

    /// The parameters at inputs one beside the other, whose mean targets these are; the last class has 0.
    pub(crate) fn parameters(&self, means: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let last = self.log_noise.len() - 1;
        let mut tilt = vec![0.0; last + 1];
        let each = means.iter().map(|mean| {
            self.solve(&mut tilt, mean);
            let logits: Vec<f64> = tilt.iter().zip(&self.log_noise).map(|(tilt, noise)| tilt + noise).collect();
            logits.iter().map(|logit| logit - logits[last]).collect()
        });
        each.collect()
    }

    /// Where the convex `ln E_q[exp(s . w)] - s . m` is least; the last class keeps its 0.
    fn solve(&self, tilt: &mut [f64], target: &[f64]) {
        let free = tilt.len() - 1;
        let found = minimise(&mut tilt[..free], |scores| {
            let (mean, second) = self.tilted(&[scores, &[0.0]].concat());
            let curvature = (0..free * free).map(|at| {
                let (row, column) = (at / free, at % free);
                second[row * (free + 1) + column] - mean[row] * mean[column]
            });
            let gradient = (0..free).map(|class| mean[class] - target[class]).collect();
            Local { gradient, curvature: curvature.collect() }
        });
        if !found {
            // Not expected; the curve would have a gap from here on.
            tilt.fill(f64::NAN);
        }
    }

    /// Mean and `E[w w^T]` of the mixture tilted by `exp(tilt . w)`: a mixture again.
    fn tilted(&self, tilt: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let tilted = self.components.iter().map(|parameter| add(parameter, tilt));
        let tilted: Vec<Vec<f64>> = tilted.collect();
        let weights =
            self.components.iter().zip(&tilted).map(|(before, after)| log_normaliser(after) - log_normaliser(before));
        let weights: Vec<f64> = weights.collect();
        let most = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (mut sum, mut first, mut second) = (0.0, vec![0.0; tilt.len()], vec![0.0; tilt.len() * tilt.len()]);
        for (parameter, weight) in tilted.iter().zip(weights) {
            let weight = (weight - most).exp();
            sum += weight;
            first.iter_mut().zip(mean(parameter)).for_each(|(to, value)| *to += weight * value);
            second.iter_mut().zip(second_moments(parameter)).for_each(|(to, value)| *to += weight * value);
        }
        first.iter_mut().chain(second.iter_mut()).for_each(|value| *value /= sum);
        (first, second)
    }
}

fn add(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// The parameters, less that of the second of two classes, that soft target InfoNCE finds at each of these inputs with
/// two candidates, the positive and one other target: fewer candidates have an end point of their own where the critic
/// cannot be the log ratio of the densities.
///
/// The loss at x, `E ln(1 + exp(s (w' - w)))` over a target w of x and a target w' of any input, is convex in s; its slope
/// is integrated by the midpoint rule and its root found by bisection.
pub(crate) fn with_one_other(inputs: &[f64]) -> Vec<f64> {
    const CELLS: usize = 200;
    let problem = Problem { classes: 2 };
    let shares: Vec<f64> = grid(CELLS).into_iter().map(|at| (at + 1.0) / 2.0).collect();
    let density = |first: f64| -> Vec<f64> {
        let normaliser = log_normaliser(&[first, 0.0]);
        shares.iter().map(|w| (first * w - normaliser).exp() / CELLS as f64).collect()
    };
    let mut marginal = vec![0.0; CELLS];
    for x in grid(QUADRATURE) {
        let density = density(problem.parameter(x)[0]);
        marginal.iter_mut().zip(density).for_each(|(sum, value)| *sum += value / QUADRATURE as f64);
    }
    let root = |&x: &f64| {
        let own = density(problem.parameter(x)[0]);
        // How often the other target's first share is larger than the own by so many cells.
        let mut apart = vec![0.0; 2 * CELLS - 1];
        for (at, own) in own.iter().enumerate() {
            apart[CELLS - 1 - at..][..CELLS].iter_mut().zip(&marginal).for_each(|(sum, other)| *sum += own * other);
        }
        let slope = |s: f64| -> f64 {
            let off = |cell: usize| (cell as f64 - (CELLS - 1) as f64) / CELLS as f64;
            apart.iter().enumerate().map(|(cell, weight)| weight * off(cell) / (1.0 + (-s * off(cell)).exp())).sum()
        };
        let (mut below, mut above) = (-50.0, 50.0);
        for _ in 0..60 {
            let middle = f64::midpoint(below, above);
            if slope(middle) < 0.0 { below = middle } else { above = middle }
        }
        // The two classes are equally frequent: their noise is uniform.
        f64::midpoint(below, above)
    };
    inputs.iter().map(root).collect()
}

/// The mutual information of input and target with two classes, in nats: the mean of `ln p(w | x) - ln p(w)`, by the
/// midpoint rule in x and in w.
pub(crate) fn mutual_information() -> f64 {
    const CELLS: usize = 2000;
    let problem = Problem { classes: 2 };
    let parameters: Vec<f64> = grid(QUADRATURE).into_iter().map(|x| problem.parameter(x)[0]).collect();
    let normalisers: Vec<f64> = parameters.iter().map(|&first| log_normaliser(&[first, 0.0])).collect();
    let mut information = 0.0;
    for w in grid(CELLS).into_iter().map(|at| (at + 1.0) / 2.0) {
        let logs: Vec<f64> =
            parameters.iter().zip(&normalisers).map(|(first, normaliser)| first * w - normaliser).collect();
        let marginal = logs.iter().map(|log| log.exp()).sum::<f64>() / QUADRATURE as f64;
        information += logs.iter().map(|log| log.exp() * (log - marginal.ln())).sum::<f64>() / QUADRATURE as f64;
    }
    information / CELLS as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Candidates from one continuous categorical density, its parameter as the logarithm of the noise: consistency.
    #[test]
    fn noise_of_the_family_gives_the_parameter_itself() {
        for (noise, truth) in [(vec![1.5, 0.0], vec![-4.0, 0.0]), (vec![0.5, -1.0, 0.0], vec![3.0, 2.0, 0.0])] {
            let known = InBatch { components: vec![noise.clone()], log_noise: noise };
            let found = known.parameters(&[mean(&truth)]);
            for (found, truth) in found[0].iter().zip(&truth) {
                assert!((found - truth).abs() < 1e-8, "{found} is not {truth}");
            }
        }
    }

    #[test]
    fn the_tilted_mixture_has_the_mean_that_was_asked_for() {
        let problem = Problem { classes: 3 };
        let known = InBatch::new(problem);
        let (points, means): (Vec<f64>, Vec<Vec<f64>>) = grid(9).into_iter().map(|x| (x, problem.mean(x))).unzip();
        for ((x, target), logits) in points.iter().zip(&means).zip(known.parameters(&means)) {
            let tilt: Vec<f64> = logits.iter().zip(&known.log_noise).map(|(logit, noise)| logit - noise).collect();
            let (mean, _) = known.tilted(&tilt);
            assert!(mean.iter().zip(target).all(|(a, b)| (a - b).abs() < 1e-8), "at {x}: {mean:?}, {target:?}");
        }
    }

    #[test]
    fn information_matches_quadrature() {
        // import numpy as np; x = (np.arange(20000) + .5) / 10000 - 1; t = 5 * np.sin(np.pi * x)
        // w = (np.arange(20000) + .5) / 20000; c = np.where(abs(t) < 1e-12, 1, np.expm1(t) / t)
        // p = np.mean(np.exp(t[:, None] * w[None, ::10]) / c[:, None], 0)     (in blocks)
        // np.mean(t * mean(t) - np.log(c)) - np.mean(p * np.log(p)), mean(t) = 1 / (1 - exp(-t)) - 1 / t
        let found = mutual_information();
        assert!((found - INFORMATION).abs() < 1e-5, "{found}");
    }

    #[test]
    fn two_candidates_have_an_end_point_of_their_own() {
        // import numpy as np; from scipy.optimize import brentq
        // x = (np.arange(400) + .5) / 200 - 1; w = (np.arange(2000) + .5) / 2000
        // p = lambda t: np.exp(t * w) / np.exp(t * w).mean()
        // q = np.mean([p(5 * np.sin(np.pi * v)) for v in x], 0)
        // f = lambda s, t: np.mean(np.outer(p(t), q) * (w[None] - w[:, None]) / (1 + np.exp(-s * (w[None] - w[:, None]))))
        // [brentq(lambda s: f(s, 5 * np.sin(np.pi * v)), -50, 50) for v in (0, 0.25, 0.5)]
        for (found, expected) in with_one_other(&[0.0, 0.25, 0.5]).into_iter().zip(PAIRS) {
            assert!((found - expected).abs() < 1e-3, "{found} is not {expected}");
        }
    }

    const PAIRS: [f64; 3] = [0.0, 2.989_260_76, 4.145_843_57];
    const INFORMATION: f64 = 0.311_415_720_147;
}
