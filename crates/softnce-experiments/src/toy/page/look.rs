//! How each estimator is drawn.

use softnce::LossKind;
use softnce_report::{self as report, Look, Shape};

use crate::toy::{Candidates, Estimator};

/// The look of an estimator: of its loss where the candidates are those of the batch.
pub(super) fn look(estimator: Estimator) -> Look {
    match (estimator.candidates, estimator.corrected) {
        (Candidates::Batch, _) => report::look(estimator.loss),
        (Candidates::Density, _) => Look { colour: "#882255", dash: "none", shape: Shape::Star },
        (Candidates::Training, _) => report::look(LossKind::SoftTargetInfoNce),
        (Candidates::Skewed, true) => Look { colour: "#882255", dash: "none", shape: Shape::Star },
        (Candidates::Skewed, false) => Look { colour: "#6b4a2b", dash: "7 3", shape: Shape::Cross },
    }
}
