//! What is known of the distribution in closed form, each by divided differences of the exponential function.

use super::divided::log_divided_exp;

/// Logarithm of the integral of `exp(parameter . w)` over the simplex (by the first d - 1 coordinates).
pub(crate) fn log_normaliser(parameter: &[f64]) -> f64 {
    log_divided_exp(parameter)
}

/// The mean of w: the gradient of [`log_normaliser`], in which a node is repeated.
pub(crate) fn mean(parameter: &[f64]) -> Vec<f64> {
    let normaliser = log_normaliser(parameter);
    parameter.iter().map(|&node| (with(parameter, &[node]) - normaliser).exp()).collect()
}

/// `E[w w^T]`, row by row: second derivatives of the integral over the integral.
pub(crate) fn second_moments(parameter: &[f64]) -> Vec<f64> {
    let normaliser = log_normaliser(parameter);
    let each = |(row, a): (usize, f64), (column, b): (usize, f64)| {
        let twice = if row == column { 2.0 } else { 1.0 };
        twice * (with(parameter, &[a, b]) - normaliser).exp()
    };
    let nodes = || parameter.iter().copied().enumerate();
    nodes().flat_map(|a| nodes().map(move |b| each(a, b))).collect()
}

/// Probability that each class is the largest of w, which is the class a hard label keeps.
///
/// The simplex is cut into d! equal ones, one for each order of the classes: that of `a, b, c, ..` has its corners at
/// `e_a`, `(e_a + e_b) / 2`, `(e_a + e_b + e_c) / 3`, .., and on each the integral is a divided difference again.
pub(crate) fn mode(parameter: &[f64]) -> Vec<f64> {
    let normaliser = log_normaliser(parameter);
    let size = parameter.len();
    let mut probabilities = vec![0.0; size];
    let volume: f64 = (1..=size).map(|k| k as f64).product();
    for order in orders(size) {
        let mut sum = 0.0;
        let corners: Vec<f64> = (1..=size)
            .zip(&order)
            .map(|(count, &class)| {
                sum += parameter[class];
                sum / count as f64
            })
            .collect();
        probabilities[order[0]] += (log_divided_exp(&corners) - normaliser).exp() / volume;
    }
    probabilities
}

/// The divided difference with further nodes.
fn with(parameter: &[f64], further: &[f64]) -> f64 {
    log_divided_exp(&[parameter, further].concat())
}

/// Every order of `0..size`.
fn orders(size: usize) -> Vec<Vec<usize>> {
    if size == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(size - 1);
    let longer = shorter.iter().flat_map(|order| {
        (0..size).map(|at| {
            let mut order = order.clone();
            order.insert(at, size - 1);
            order
        })
    });
    longer.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
    }

    #[test]
    fn two_classes_match_the_continuous_bernoulli() {
        // mean 1 / (1 - exp(-t)) - 1 / t of exp(t w) on [0, 1], and the upper half's share 1 / (1 + exp(-t / 2))
        for t in [-30.0, -2.0, 0.5, 5.0, 200.0] {
            let first = 1.0 / (1.0 - f64::exp(-t)) - 1.0 / t;
            close(&mean(&[t, 0.0]), &[first, 1.0 - first]);
            let upper = 1.0 / (1.0 + f64::exp(-t / 2.0));
            close(&mode(&[t + 3.0, 3.0]), &[upper, 1.0 - upper]);
        }
        close(&mean(&[4.0, 4.0]), &[0.5, 0.5]);
    }

    #[test]
    fn three_classes_match_quadrature() {
        // from mpmath import mp, exp, quad; mp.dps = 25
        // p = lambda a, b: exp(2 * a - 3 * b + (1 - a - b) / 2)
        // I = lambda f: quad(lambda a: quad(lambda b: f(a, b) * p(a, b), [0, 1 - a]), [0, 1])
        // [I(f) / I(lambda a, b: 1) for f in (lambda a, b: a, lambda a, b: b, lambda a, b: 1 - a - b)]
        // the same of a * a, a * b and b * b; the shares of the three pieces of the triangle cut from its centre to the
        // middles of its sides, each mapped to the unit triangle
        let parameter = [2.0, -3.0, 0.5];
        close(&mean(&parameter), &MEAN);
        let second = second_moments(&parameter);
        close(&[second[0], second[1], second[4]], &SECOND);
        close(&mode(&parameter), &MODE);
    }

    const MEAN: [f64; 3] = [0.504_670_966_024_888, 0.165_490_033_941_017_35, 0.329_839_000_034_094_7];
    const SECOND: [f64; 3] = [0.320_280_135_614_251_7, 0.067_836_186_416_774_12, 0.050_697_000_069_078_28];
    const MODE: [f64; 3] = [0.607_749_912_926_162_3, 0.076_695_481_320_549_86, 0.315_554_605_753_287_89];

    #[test]
    fn moments_add_up() {
        for parameter in [vec![0.0; 3], vec![7.0, -7.0, 1.0], vec![1.0, 2.0, 3.0, 4.0]] {
            let mean = mean(&parameter);
            close(&[mean.iter().sum(), mode(&parameter).iter().sum()], &[1.0, 1.0]);
            let second = second_moments(&parameter);
            // The rows of E[w w^T] sum to E[w], for w sums to 1.
            let rows: Vec<f64> = second.chunks(parameter.len()).map(|row| row.iter().sum()).collect();
            close(&rows, &mean);
        }
    }
}
