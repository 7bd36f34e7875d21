//! The targets of a mixed batch.

use ndarray::{Array2, ArrayView2};
use softnce::Targets;

use super::plan::MixingPlan;

/// Targets of mixed labels: hard if nothing is mixed or smoothed, else compact.
pub(super) fn of_labels(
    labels: &[usize],
    plan: &MixingPlan,
    classes: usize,
    smoothing: f64,
) -> Result<Targets<'static>, softnce::Error> {
    if plan.mixes() {
        let partners: Vec<usize> = plan.partners.iter().map(|&partner| labels[partner]).collect();
        Targets::mixed(labels, &partners, &plan.lambda, classes, smoothing)
    } else if smoothing > 0.0 {
        Targets::smoothed(labels, classes, smoothing)
    } else {
        Targets::hard(labels, classes)
    }
}

/// `(1 - smoothing) (lambda * row + (1 - lambda) * partner's row) + smoothing / classes`, for rows on the simplex.
pub(super) fn of_rows(
    rows: ArrayView2<'_, f32>,
    plan: &MixingPlan,
    smoothing: f64,
) -> Result<Targets<'static>, softnce::Error> {
    let (count, classes) = rows.dim();
    let floor = (smoothing / classes.max(1) as f64) as f32;
    let mut mixed = Array2::zeros((count, classes));
    for (row, mut out) in mixed.outer_iter_mut().enumerate() {
        let own = (plan.lambda[row] * (1.0 - smoothing)) as f32;
        let other = ((1.0 - plan.lambda[row]) * (1.0 - smoothing)) as f32;
        // The row itself comes first, so that a partner of weight 0 changes nothing.
        out.zip_mut_with(&rows.row(row), |out, value| *out = floor + own * value);
        if other > 0.0 {
            out.zip_mut_with(&rows.row(plan.partners[row]), |out, value| *out += other * value);
        }
    }
    Targets::dense(mixed)
}
