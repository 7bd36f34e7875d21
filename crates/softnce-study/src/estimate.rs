//! Estimates as every study writes them.

use softnce_plot::number::fixed;
use softnce_train::compare::Estimate;

/// Mean and half width, the mean by `number`: `81.59 ± 0.28`.
pub fn estimate(value: Estimate, decimals: usize, number: fn(f64, usize) -> String) -> String {
    let half = value.finite_half_width().map_or_else(String::new, |half| format!(" ± {}", fixed(half, decimals)));
    format!("{}{half}", number(value.mean, decimals))
}
