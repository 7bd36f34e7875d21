//! What can be wrong with the input of a metric.

use thiserror::Error;

use crate::binning::MAX_BINS;

/// Input that a metric rejects: which argument, what came, what was expected.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum MetricError {
    /// There is nothing to average over.
    #[error("{argument}: empty, expected at least one {expected}")]
    Empty {
        /// Name of the argument.
        argument: &'static str,
        /// What it should have at least one of.
        expected: &'static str,
    },
    /// Two arguments disagree in length.
    #[error("{argument}: length {length}, expected {expected}, one entry per {per}")]
    ShapeMismatch {
        /// Name of the argument.
        argument: &'static str,
        /// Its length.
        length: usize,
        /// The length it should have.
        expected: usize,
        /// What each entry belongs to.
        per: &'static str,
    },
    /// A label names a class that has no logit.
    #[error("labels[{row}]: class {label}, expected one of 0..{classes}")]
    LabelOutOfRange {
        /// Row of the label.
        row: usize,
        /// The label.
        label: usize,
        /// Number of classes, that is columns of the logits.
        classes: usize,
    },
    /// A logit is NaN or infinite.
    #[error("logits[{row}, {column}]: {value}, expected a finite number")]
    NonFiniteLogit {
        /// Row of the logit.
        row: usize,
        /// Column (class) of the logit.
        column: usize,
        /// The logit.
        value: f32,
    },
    /// The temperature is not a positive finite number.
    #[error("temperature: {value}, expected a finite number > 0")]
    Temperature {
        /// The temperature.
        value: f64,
    },
    /// Logits divided by the temperature leave the range of `f64`.
    #[error(
        "temperature: {value} is too small for these logits, expected logits / temperature within the range of f64"
    )]
    TemperatureTooSmall {
        /// The temperature.
        value: f64,
    },
    /// The number of calibration bins is 0 or absurd.
    #[error("bins: {value}, expected 1 to {MAX_BINS}")]
    Bins {
        /// The number of bins.
        value: usize,
    },
    /// A confidence is not a probability.
    #[error("confidences[{row}]: {value}, expected a number in [0, 1]")]
    Confidence {
        /// Row of the confidence.
        row: usize,
        /// The confidence.
        value: f64,
    },
    /// An argument has another number of classes than the rest.
    #[error("{argument}: {found} classes, expected {expected}")]
    ClassCount {
        /// Name of the argument.
        argument: &'static str,
        /// The number of classes it has.
        found: usize,
        /// The number it should have.
        expected: usize,
    },
    /// An entry of a soft label is not a probability.
    #[error("soft_labels[{row}, {class}]: {value}, expected a number in [0, 1]")]
    SoftLabel {
        /// Row of the entry.
        row: usize,
        /// Column (class) of the entry.
        class: usize,
        /// The entry.
        value: f32,
    },
    /// A soft label does not sum to 1.
    #[error("soft_labels[{row}]: sum {sum}, expected 1 to within {tolerance}")]
    SoftLabelSum {
        /// Row of the label.
        row: usize,
        /// Its sum.
        sum: f64,
        /// How far the sum may be from 1.
        tolerance: f64,
    },
    /// Soft labels came with some rows and not with others.
    #[error("soft_labels: {found}, expected {expected}, as with the {examples} examples before")]
    SoftLabelsDisagree {
        /// What came now.
        found: &'static str,
        /// What came before.
        expected: &'static str,
        /// The number of examples before.
        examples: usize,
    },
    /// A setting is out of its range.
    #[error("{argument}: {value}, expected {expected}")]
    Setting {
        /// Name of the argument.
        argument: &'static str,
        /// Its value.
        value: f64,
        /// What was expected.
        expected: &'static str,
    },
    /// A list of classes names one that does not exist.
    #[error("{argument}[{row}]: class {class}, expected one of 0..{classes}")]
    ClassOutOfRange {
        /// Name of the argument.
        argument: &'static str,
        /// Row of the list.
        row: usize,
        /// The class.
        class: u32,
        /// Number of classes.
        classes: usize,
    },
    /// A list of classes names one twice.
    #[error("{argument}[{row}]: class {class} twice, expected distinct classes")]
    RepeatedClass {
        /// Name of the argument.
        argument: &'static str,
        /// Row of the list.
        row: usize,
        /// The class.
        class: u32,
    },
    /// The relevance of a label is out of its range.
    #[error("labels[{row}]: relevance {value} of class {class}, expected a number in [0, 1]")]
    Relevance {
        /// Row of the label.
        row: usize,
        /// Class of the label.
        class: u32,
        /// The relevance.
        value: f32,
    },
}
