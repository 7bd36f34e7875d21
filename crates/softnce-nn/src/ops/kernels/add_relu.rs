//! A sum whose values below 0 become 0, on slices.

use super::each::each_pair;

/// `max(a + b, 0)`; NaN stays NaN.
pub(crate) fn forward(a: &[f32], b: &[f32]) -> Vec<f32> {
    each_pair(
        a,
        b,
        #[inline(always)]
        |a, b| if a + b < 0.0 { 0.0 } else { a + b },
    )
}

/// The gradient with respect to either term: upstream where the output is above 0.
pub(crate) fn backward(output: &[f32], upstream: &[f32]) -> Vec<f32> {
    each_pair(
        output,
        upstream,
        #[inline(always)]
        |y, up| if y > 0.0 { up } else { 0.0 },
    )
}
