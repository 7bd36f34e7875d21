//! The sentence about diverged trainings on the pages of the experiments that do not use recipes.

use softnce_report::number::plural;

/// Names each training that diverged; `None` if there are none.
pub(crate) fn left_out(trainings: &[String]) -> Option<String> {
    let number = plural(trainings.len(), "training", "trainings");
    (!trainings.is_empty()).then(|| {
        format!(
            "Diverged and left out, so that the results of these losses are too favourable: {number}. {}.",
            trainings.join("; ")
        )
    })
}
