//! Newton's method for convex functions of few variables.

use nalgebra::{DMatrix, DVector};

/// Steps after which it is given up.
const STEPS: usize = 1000;
/// A step in which no variable moves further is the last.
const TOLERANCE: f64 = 1e-8;

/// Slope and curvature of a function at a point. Shapes `[n]` and `[n, n]`, row by row; of the curvature, which is
/// symmetric, what lies right of the diagonal is not read.
pub(crate) struct Local {
    pub(crate) gradient: Vec<f64>,
    pub(crate) curvature: Vec<f64>,
}

/// Moves `point` to the minimum of a convex function, no variable by more than 1 in a step: within that the curvature of
/// the logarithm of a sum of exponentials, as all functions here, changes by a bounded factor. There is no line search.
///
/// False where the minimum is not found: it lies too far, or the curvature is not positive; `point` is then anywhere.
pub(crate) fn minimise(point: &mut [f64], mut local: impl FnMut(&[f64]) -> Local) -> bool {
    for _ in 0..STEPS {
        let Local { gradient, curvature } = local(point);
        let Some(step) = solve(&curvature, gradient) else { return false };
        if !step.iter().all(|step| step.is_finite()) {
            return false;
        }
        let largest = step.iter().fold(0.0_f64, |most, step| most.max(step.abs()));
        let factor = if largest > 1.0 { 1.0 / largest } else { 1.0 };
        point.iter_mut().zip(&step).for_each(|(value, step)| *value -= factor * step);
        if largest < TOLERANCE {
            return true;
        }
    }
    false
}

/// The solution of `matrix x = right`; none if the matrix is not positive definite.
fn solve(matrix: &[f64], right: Vec<f64>) -> Option<Vec<f64>> {
    let cholesky = DMatrix::from_row_slice(right.len(), right.len(), matrix).cholesky()?;
    Some(cholesky.solve(&DVector::from_vec(right)).as_slice().to_vec())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn equations_are_solved() {
        // import numpy as np; a = np.array([[4, 1, -2], [1, 3, 0.5], [-2, 0.5, 5]])
        // np.linalg.solve(a, [1, -2, 3])
        let found = solve(&[4.0, 1.0, -2.0, 1.0, 3.0, 0.5, -2.0, 0.5, 5.0], vec![1.0, -2.0, 3.0]).unwrap();
        for (found, expected) in found.iter().zip([1.15625, -1.25, 1.1875]) {
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        }
        assert_eq!(solve(&[1.0, 2.0, 2.0, 1.0], vec![0.0, 0.0]), None);
        assert_eq!(solve(&[f64::NAN], vec![0.0]), None);
    }

    #[test]
    fn the_minimum_is_found_from_afar() {
        // e^x - 3 x + (y - x)^2 / 2: e^x = 3, y = x.
        let local = |point: &[f64]| {
            let [x, y] = [point[0], point[1]];
            let gradient = vec![x.exp() - 3.0 - (y - x), y - x];
            Local { gradient, curvature: vec![x.exp() + 1.0, -1.0, -1.0, 1.0] }
        };
        let mut point = [-20.0, 7.0];
        assert!(minimise(&mut point, local));
        assert!(point.iter().all(|value| (value - 3.0_f64.ln()).abs() < 1e-9), "{point:?}");
        // Flat; no number; without an end.
        for (gradient, curvature) in [(1.0, 0.0), (f64::NAN, 1.0), (1.0, 1e-9)] {
            assert!(!minimise(&mut [0.0], |_| Local { gradient: vec![gradient], curvature: vec![curvature] }));
        }
    }
}
