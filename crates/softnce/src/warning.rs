//! Warnings: settings that are valid but probably a mistake.

use std::fmt;

use crate::Targets;
use crate::targets::Rows;

/// A set-up that is valid and yet a mistake.
///
/// [`crate::Batch::warnings`] lists them; a contrastive loss also writes them to the [`log`] facade, once a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Warning {
    /// Every mixed row has the same mixing weight, and the batch's own targets are the only candidates. Unless rows
    /// meet their own class, each target is then an extreme point of the candidates: the loss has no finite optimum and
    /// falls to 0 as the logits grow. Draw one lambda per row, or take candidates from elsewhere.
    SharedMixingWeight,
    /// Targets spread over many classes, such as a teacher's probabilities or votes, are the only candidates. If each
    /// target is a distribution to be matched, they shift the optimum away from it. Cross-entropy matches it, and so do
    /// [class candidates](crate::ClassCandidates).
    DistributionTargets,
}

impl Warning {
    /// Number of kinds.
    pub(crate) const KINDS: usize = 2;
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::SharedMixingWeight => f.write_str(
                "all rows are mixed with one lambda and the batch is its own only source of candidates: \
                 soft target InfoNCE may then have no finite optimum and fall to 0 as the logits grow; \
                 draw one lambda per row, or add candidates from elsewhere",
            ),
            Warning::DistributionTargets => f.write_str(
                "targets spread over many classes are the only candidates of soft target InfoNCE: if they are \
                 distributions to be matched (a teacher's probabilities, votes), the candidates shift the optimum away \
                 from them; cross-entropy matches them, and so does this loss with classes as candidates",
            ),
        }
    }
}

/// Rows looked at to tell distributions from mixed labels.
const ROWS_LOOKED_AT: usize = 16;
/// Mixed labels have weights above the uniform share on two classes, rarely on four (a mosaic of pictures).
const MOST_MIXED: usize = 4;
/// How far a weight must be above the row's smallest to count.
const LEAST_WEIGHT: f64 = 0.005;
/// How much of a row may lie on classes beyond these, in weights too small to count one by one.
const MOST_SCATTERED: f64 = 0.1;

/// Whether rows are distributions over many classes and no mixed or smoothed labels: at least two of some rows over the
/// whole batch have more weighted classes than these.
pub(crate) fn are_distributions(targets: &Targets<'_>) -> bool {
    let count = targets.len();
    if targets.classes <= MOST_MIXED + 1 {
        return false;
    }
    let mut above = Vec::new();
    let looked_at = (0..count).step_by(count.div_ceil(ROWS_LOOKED_AT).max(1));
    let spread = looked_at.filter(|&row| {
        above.clear();
        match &targets.rows {
            Rows::Hard(_) => return false,
            Rows::Compact(rows) => above.extend(rows.entries(row).map(|(_, weight)| weight)),
            Rows::Dense(rows) => {
                above.resize(targets.classes, 0.0);
                rows.write_row(row, &mut above);
                let floor = above.iter().copied().fold(f64::INFINITY, f64::min);
                above.iter_mut().for_each(|weight| *weight -= floor);
            }
        }
        is_spread(&mut above)
    });
    spread.take(2).count() == 2
}

/// Whether these weights, above a row's uniform share, are those of more classes than mixed labels have.
fn is_spread(weights: &mut [f64]) -> bool {
    // One pass decides for nearly all rows: this runs in every call until there was a warning.
    let (mut counted, mut rest) = (0, 0.0);
    for &weight in weights.iter() {
        if weight > LEAST_WEIGHT {
            counted += 1;
        } else {
            rest += weight;
        }
    }
    if counted > MOST_MIXED || weights.len() <= MOST_MIXED || rest <= MOST_SCATTERED {
        return counted > MOST_MIXED;
    }
    let (_, _, others) = weights.select_nth_unstable_by(MOST_MIXED - 1, |one, other| other.total_cmp(one));
    others.iter().sum::<f64>() > MOST_SCATTERED
}

/// Whether every row that is mixed of two classes is mixed with the same weight, and at least two are.
pub(crate) fn shares_mixing_weight(targets: &Targets<'_>) -> bool {
    let mut shared: Option<f64> = None;
    let mut mixed_rows = 0;
    for row in 0..targets.len() {
        let Some((first, second)) = mixed_pair(targets, row) else { return false };
        if second == 0.0 {
            // Mixed with its own class: one-hot, whatever the lambda.
            continue;
        }
        let lambda = first.max(second) / (first + second);
        if shared.is_some_and(|shared| (shared - lambda).abs() > 1e-5) {
            return false;
        }
        shared = Some(lambda);
        mixed_rows += 1;
    }
    mixed_rows >= 2
}

/// The weights of a row's two classes above its uniform share, the second 0 where there is one; `None` for a row of
/// any other make.
fn mixed_pair(targets: &Targets<'_>, row: usize) -> Option<(f64, f64)> {
    fn pair(weights: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
        let mut above = weights.filter(|&weight| weight.abs() > 1e-6);
        let found = (above.next()?, above.next().unwrap_or(0.0));
        (above.next().is_none() && found.0 > 0.0 && found.1 >= 0.0).then_some(found)
    }
    match &targets.rows {
        Rows::Hard(_) => None,
        Rows::Compact(rows) => pair(rows.entries(row).map(|(_, weight)| weight)),
        Rows::Dense(rows) => {
            // Of two classes the smaller is a mixed class, not the uniform share.
            let listed = if targets.classes > 2 { 0..targets.classes } else { 0..0 };
            let floor = listed.map(|class| rows.get(row, class)).fold(f64::INFINITY, f64::min);
            let floor = if floor.is_finite() { floor } else { 0.0 };
            pair((0..targets.classes).map(|class| rows.get(row, class) - floor))
        }
    }
}
