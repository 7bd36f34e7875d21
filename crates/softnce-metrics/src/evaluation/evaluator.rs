//! The evaluator: rows in, metrics out.

use ndarray::ArrayView2;

use super::classes::ClassResult;
use super::confusion::{ConfusionMatrix, Confusions};
use super::frequency::{FrequencyGroups, mean_accuracy};
use super::ranked::{EvaluatedExample, Ranked};
use super::result::EvaluationResult;
use super::soft::{self, SoftSums};
use crate::accuracy::predicted;
use crate::class_wise::ClassWise;
use crate::error::MetricError;
use crate::overall::{CALIBRATION_BINS, Overall, check_length, check_rows};

/// Settings of an [`Evaluator`].
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluatorConfig {
    /// Number of calibration bins.
    pub bins: usize,
    /// Temperature of the posterior `softmax(logits / temperature)`.
    pub temperature: f64,
    /// Examples of each class in the training set (length: classes), for the accuracy of frequent and rare classes.
    pub class_counts: Option<Vec<u64>>,
    /// How many of the hardest and of the most confidently wrong examples to keep.
    pub hardest: usize,
}

impl Default for EvaluatorConfig {
    /// [`CALIBRATION_BINS`] bins, temperature 1, no frequencies, 12 examples.
    fn default() -> Self {
        Self { bins: CALIBRATION_BINS, temperature: 1.0, class_counts: None, hardest: 12 }
    }
}

/// Evaluates a set of any size, a batch of logits at a time.
///
/// It keeps no logits: nine bytes per example (confidence, right or wrong), 32 bytes per class and calibration bin, and
/// the confusion matrix (8 bytes per pair of classes, above [`DENSE_CLASSES`](crate::DENSE_CLASSES) classes about 40
/// bytes per pair that occurs).
#[derive(Debug, Clone)]
pub struct Evaluator {
    classes: usize,
    class_counts: Option<Vec<u64>>,
    overall: Overall,
    class_wise: ClassWise,
    confusions: Confusions,
    soft: Option<SoftSums>,
    hardest: Ranked,
    confidently_wrong: Ranked,
}

impl Evaluator {
    /// An evaluator of posteriors over `classes` classes that has seen nothing yet.
    ///
    /// # Errors
    /// No classes; a temperature that is not a finite number > 0; bins out of range; class counts of another length.
    pub fn new(classes: usize, config: EvaluatorConfig) -> Result<Self, MetricError> {
        if classes == 0 {
            return Err(MetricError::Empty { argument: "classes", expected: "class" });
        }
        if let Some(counts) = config.class_counts.as_ref().filter(|counts| counts.len() != classes) {
            let found = counts.len();
            return Err(MetricError::ClassCount { argument: "class_counts", found, expected: classes });
        }
        Ok(Self {
            classes,
            overall: Overall::new(config.temperature, config.bins)?,
            class_wise: ClassWise::new(classes, config.bins),
            confusions: Confusions::new(classes),
            soft: None,
            hardest: Ranked::new(config.hardest, |example| [example.loss, 0.0]),
            confidently_wrong: Ranked::new(config.hardest, |example| [example.probability, example.loss]),
            class_counts: config.class_counts,
        })
    }

    /// Adds rows. On an error nothing is added.
    ///
    /// # Shapes
    /// `logits`: rows x classes; `labels`: rows, values in `0..classes`; `soft_labels`: rows x classes, each row a
    /// distribution; `indices`: rows, the examples' indices in their set, which the result names them by.
    ///
    /// # Errors
    /// Shapes that disagree; a label out of range; a logit that is not finite; a soft label that is no distribution;
    /// soft labels with some pushes and not with others.
    pub fn push(
        &mut self,
        logits: ArrayView2<'_, f32>,
        labels: &[usize],
        soft_labels: Option<ArrayView2<'_, f32>>,
        indices: &[usize],
    ) -> Result<(), MetricError> {
        self.check(logits, labels, soft_labels, indices)?;
        for (row, ((logits, &label), &index)) in logits.rows().into_iter().zip(labels).zip(indices).enumerate() {
            let (scores, posterior) = self.overall.push(logits, label);
            self.class_wise.push(posterior, label);
            let predicted = predicted(logits, label);
            let example = EvaluatedExample {
                index,
                label,
                predicted,
                probability: posterior[predicted],
                label_probability: posterior[label],
                loss: scores.nll,
            };
            self.confusions.add(label, predicted);
            self.hardest.add(example);
            if predicted != label {
                self.confidently_wrong.add(example);
            }
            if let Some(soft_labels) = &soft_labels {
                let sums = self.soft.get_or_insert_default();
                sums.add(logits, self.overall.temperature(), &scores, soft_labels.row(row));
            }
        }
        Ok(())
    }

    /// Number of examples so far.
    pub fn examples(&self) -> usize {
        self.overall.examples()
    }

    /// The metrics of everything pushed.
    ///
    /// # Errors
    /// Nothing was pushed; a temperature so small that `logits / temperature` leaves the range of `f64`.
    pub fn finish(self) -> Result<EvaluationResult, MetricError> {
        let (examples, temperature) = (self.overall.examples(), self.overall.temperature());
        let selective = self.overall.selective();
        let overall = self.overall.finish()?;
        let confusion = self.confusions.finish();
        let classes = class_results(&confusion, self.class_counts.as_deref());
        Ok(EvaluationResult {
            temperature,
            overall,
            selective,
            ece_class_wise: self.class_wise.finish(),
            class_balanced_accuracy: mean_accuracy(&classes).unwrap_or(0.0),
            groups: self.class_counts.map(|counts| FrequencyGroups::new(&classes, &counts)),
            classes,
            confusion,
            soft_labels: self.soft.map(|sums| sums.finish(examples, temperature)).transpose()?,
            hardest: self.hardest.finish(),
            confidently_wrong: self.confidently_wrong.finish(),
        })
    }

    fn check(
        &self,
        logits: ArrayView2<'_, f32>,
        labels: &[usize],
        soft_labels: Option<ArrayView2<'_, f32>>,
        indices: &[usize],
    ) -> Result<(), MetricError> {
        let (rows, found) = logits.dim();
        if found != self.classes {
            return Err(MetricError::ClassCount { argument: "logits", found, expected: self.classes });
        }
        check_rows(logits, labels)?;
        check_length("indices", indices.len(), rows)?;
        let examples = self.examples();
        let name = |soft: bool| if soft { "given" } else { "not given" };
        let (now, before) = (soft_labels.is_some(), self.soft.is_some());
        if rows > 0 && examples > 0 && now != before {
            return Err(MetricError::SoftLabelsDisagree { found: name(now), expected: name(before), examples });
        }
        soft_labels.map_or(Ok(()), |soft_labels| soft::check(soft_labels, rows, self.classes))
    }
}

fn class_results(confusion: &ConfusionMatrix, class_counts: Option<&[u64]>) -> Vec<ClassResult> {
    let mut counts = vec![[0; 3]; confusion.classes];
    for &[label, predicted, count] in &confusion.entries {
        counts[label][0] += count;
        counts[predicted][2] += count;
        if label == predicted {
            counts[label][1] += count;
        }
    }
    let training = |class: usize| class_counts.and_then(|counts| counts.get(class).copied());
    let classes = counts.into_iter().enumerate();
    classes
        .map(|(class, [examples, correct, predicted])| ClassResult::new(examples, correct, predicted, training(class)))
        .collect()
}
