//! The values of the metrics on one set, by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Metric, Reading};
use crate::calibration::ReliabilityBin;
use crate::evaluation::EvaluationResult;

/// The metrics of one run on a set, as the results of a comparison hold them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricValues {
    /// Number of examples.
    pub examples: usize,
    /// The metrics by name; one that a file of an older version does not hold is absent.
    #[serde(flatten)]
    pub values: BTreeMap<Metric, Reading>,
    /// The bins of equal width in rising order, empty ones included: the reliability diagram.
    pub reliability: Vec<ReliabilityBin>,
}

impl MetricValues {
    /// The metrics of a comparison, taken from an evaluation.
    pub fn compared(result: &EvaluationResult) -> Self {
        MetricValues {
            examples: result.overall.examples,
            values: Metric::compared().filter_map(|metric| Some((metric, (metric.of)(result)?))).collect(),
            reliability: result.overall.reliability.clone(),
        }
    }

    /// The value of a metric; `None` where it is absent.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        self.values.get(&metric).map(|reading| reading.value())
    }

    /// What a perfectly calibrated model would show; only of calibration errors.
    pub fn calibrated_reference(&self, metric: Metric) -> Option<f64> {
        self.values.get(&metric)?.calibrated_reference()
    }

    /// Replaces the value of a metric, for tests of what shows it.
    pub fn set(&mut self, metric: Metric, value: impl Into<Reading>) {
        self.values.insert(metric, value.into());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::metric::{ECE_EQUAL_MASS, METRICS, NLL, TOP1};

    /// The metrics of a run as `results.json` held them before the table of metrics.
    const OF_BEFORE: &str = r#"{"examples":4,"top1":0.75,"top5":1.0,"nll":0.1,"brier":0.3,
        "ece_equal_width":{"error":0.02,"calibrated_reference":0.01},
        "ece_equal_mass":{"error":0.04,"calibrated_reference":0.03},
        "reliability":[{"lower":0.0,"upper":1.0,"count":4,"mean_confidence":0.7,"accuracy":0.75}]}"#;

    #[test]
    fn files_of_before_can_be_read_and_what_they_lack_is_absent() {
        let values: MetricValues = serde_json::from_str(OF_BEFORE).unwrap();
        assert_eq!((values.examples, values.reliability.len()), (4, 1));
        assert_eq!((values.get(TOP1), values.get(NLL)), (Some(0.75), Some(0.1)));
        assert_eq!(values.calibrated_reference(ECE_EQUAL_MASS), Some(0.03));
        let known = ["top1", "top5", "nll", "brier", "ece_equal_width", "ece_equal_mass"];
        for metric in METRICS {
            assert_eq!(values.get(metric).is_some(), known.contains(&metric.name), "{metric:?}");
        }
        // What is written is what was read, in the order of the table.
        let text = OF_BEFORE.split_whitespace().collect::<String>();
        assert_eq!(serde_json::to_string(&values).unwrap(), text);
    }
}
