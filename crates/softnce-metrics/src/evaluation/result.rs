//! The result of an evaluation.

use serde::{Deserialize, Serialize};

use super::classes::ClassResult;
use super::confusion::ConfusionMatrix;
use super::frequency::FrequencyGroups;
use super::ranked::EvaluatedExample;
use super::soft::SoftLabelScores;
use crate::calibration::CalibrationError;
use crate::overall::Evaluation;
use crate::selective::Selective;

/// The metrics of a classifier on a labelled set, in whole and in parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationResult {
    /// The temperature of the posterior `softmax(logits / temperature)`.
    pub temperature: f64,
    /// Accuracy, likelihood, Brier score and calibration of the whole set.
    pub overall: Evaluation,
    /// Accuracy where the least confident examples may be passed on; none in files of version 0.1 before it was
    /// measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selective: Option<Selective>,
    /// Class-wise expected calibration error over bins of equal width (Kull et al. 2019): the mean over the classes
    /// of each class's own, over the whole posterior. Its reference is computed from moments, to within about 1 %.
    pub ece_class_wise: CalibrationError,
    /// Mean over the classes of the class's accuracy, in `[0, 1]`; classes without an example are left out.
    pub class_balanced_accuracy: f64,
    /// The classes by their frequency in the training set, where the frequencies were given.
    pub groups: Option<FrequencyGroups>,
    /// Class by class.
    pub classes: Vec<ClassResult>,
    /// Which class is taken for which.
    pub confusion: ConfusionMatrix,
    /// Scores against the label distributions, where the set has them.
    pub soft_labels: Option<SoftLabelScores>,
    /// The examples with the largest loss, from the largest down.
    pub hardest: Vec<EvaluatedExample>,
    /// The wrong predictions with the largest probability, from the largest down; of equal ones the larger loss first.
    pub confidently_wrong: Vec<EvaluatedExample>,
}
