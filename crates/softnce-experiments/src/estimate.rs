//! Estimates as every study writes them.

use softnce_metrics::Estimate;
use softnce_report::plus_minus;

/// Mean and half width, the mean by `number`: `81.59 ± 0.28`.
pub fn estimate(value: Estimate, decimals: usize, number: fn(f64, usize) -> String) -> String {
    plus_minus(value, decimals, number, " ± ")
}
