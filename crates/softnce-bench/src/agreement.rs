//! Paths that compute the same loss must agree before their times are worth anything.

use ndarray::{Array2, ArrayView2, Zip};

use crate::{BenchError, Case, Path};

/// Relative difference that two paths may have. Single precision leaves a thousandth of it; a mistake leaves more.
const TOLERANCE: f64 = 1e-3;

/// Compares the results of the paths that compute soft target InfoNCE.
///
/// # Errors
/// [`BenchError::Disagreement`] with the first two paths whose losses or gradients differ.
#[derive(Debug)]
pub(crate) struct Agreement {
    case: Case,
    first: Option<First>,
}

/// The result of the first path.
#[derive(Debug)]
struct First {
    path: Path,
    loss: Option<f64>,
    gradient: Option<Array2<f32>>,
}

impl Agreement {
    pub(crate) fn new(case: Case) -> Self {
        Agreement { case, first: None }
    }

    /// Compares a loss and its gradient with those of the first path.
    pub(crate) fn check(
        &mut self,
        path: Path,
        loss: Option<f64>,
        gradient: Option<ArrayView2<'_, f32>>,
    ) -> Result<(), BenchError> {
        if !path.is_soft_target_info_nce() {
            return Ok(());
        }
        let Some(first) = &self.first else {
            self.first = Some(First { path, loss, gradient: gradient.map(|gradient| gradient.to_owned()) });
            return Ok(());
        };
        let differ = |quantity, first_value, second_value| {
            let (case, first) = (self.case, first.path);
            BenchError::Disagreement { case, quantity, first, first_value, second: path, second_value }
        };
        if let (Some(left), Some(right)) = (first.loss, loss)
            && !close(left, right, left.abs().max(right.abs()))
        {
            return Err(differ("the loss", left, right));
        }
        if let (Some(left), Some(right)) = (&first.gradient, gradient)
            && let Some((left, right)) = farthest(left.view(), right)
        {
            return Err(differ("an entry of the gradient", left, right));
        }
        Ok(())
    }
}

/// Whether the difference of two numbers is small compared with a scale; false for NaN.
fn close(left: f64, right: f64, scale: f64) -> bool {
    (left - right).abs() <= TOLERANCE * scale
}

/// The entries that differ most, if the difference is large compared with the largest entry.
fn farthest(left: ArrayView2<'_, f32>, right: ArrayView2<'_, f32>) -> Option<(f64, f64)> {
    let scale = left.iter().fold(0.0f32, |scale, entry| scale.max(entry.abs()));
    let mut farthest = (0.0f32, 0.0f32);
    Zip::from(left).and(right).for_each(|&left, &right| {
        // A difference that is not a number is farther than any.
        let nearer = (left - right).abs() <= (farthest.0 - farthest.1).abs();
        if !nearer && !(farthest.0 - farthest.1).is_nan() {
            farthest = (left, right);
        }
    });
    let (left, right) = (f64::from(farthest.0), f64::from(farthest.1));
    (!close(left, right, f64::from(scale))).then_some((left, right))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn check(second: Path, loss: f64, gradient: Array2<f32>) -> Result<(), BenchError> {
        let mut agreement = Agreement::new(Case::STANDARD[0]);
        agreement.check(Path::Dense, Some(2.0), Some(array![[1.0, -1.0]].view())).unwrap();
        agreement.check(second, Some(loss), Some(gradient.view()))
    }

    #[test]
    fn rounding_is_no_difference() {
        check(Path::Compact, 2.001, array![[1.0005, -1.0]]).unwrap();
    }

    #[test]
    fn both_values_and_the_case_are_named() {
        let message = check(Path::Compact, 2.5, array![[1.0, -1.0]]).unwrap_err().to_string();
        assert_eq!(message, "at N=128, M=128, d=10, the loss is 2 by dense and 2.5 by compact, expected the same");
        let message = check(Path::Reference, 2.0, array![[1.0, -0.5]]).unwrap_err().to_string();
        assert!(message.contains("an entry of the gradient is -1 by dense and -0.5 by reference"), "{message}");
        assert!(check(Path::Compact, f64::NAN, array![[1.0, -1.0]]).is_err());
        assert!(check(Path::Compact, 2.0, array![[f32::NAN, -1.0]]).is_err());
    }

    #[test]
    fn other_losses_are_not_compared() {
        check(Path::SoftCrossEntropy, 7.0, array![[0.0, 0.0]]).unwrap();
    }
}
