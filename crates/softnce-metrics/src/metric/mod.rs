//! The table of metrics: [`METRICS`]. Each knows its names, unit and direction, and how to compute it.
//!
//! Reports, data files and studies walk the table. A metric is a file in this folder and a line in the table.

mod accuracy;
mod brier;
mod calibration;
mod likelihood;
mod macro_f1;
mod selective;
mod soft_labels;
mod specification;
mod values;

use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use specification::{Baseline, Direction, Reading, Specification, Unit};
pub use values::MetricValues;

/// Every metric, in the order of the reports.
pub static METRICS: [Metric; 13] = [
    TOP1,
    TOP5,
    BALANCED,
    Metric(&macro_f1::MACRO_F1),
    NLL,
    Metric(&brier::BRIER),
    ECE_EQUAL_WIDTH,
    ECE_EQUAL_MASS,
    Metric(&calibration::ECE_CLASS_WISE),
    AURC,
    SUREST_NINETY,
    Metric(&soft_labels::CROSS_ENTROPY),
    KL_DIVERGENCE,
];

/// Top-1 accuracy.
pub const TOP1: Metric = Metric(&accuracy::TOP1);
/// Top-5 accuracy.
pub const TOP5: Metric = Metric(&accuracy::TOP5);
/// Negative log likelihood.
pub const NLL: Metric = Metric(&likelihood::NLL);
/// Expected calibration error over bins of equal width.
pub const ECE_EQUAL_WIDTH: Metric = Metric(&calibration::ECE_EQUAL_WIDTH);
/// Expected calibration error over bins of equal mass.
pub const ECE_EQUAL_MASS: Metric = Metric(&calibration::ECE_EQUAL_MASS);

/// Class-balanced accuracy.
pub const BALANCED: Metric = Metric(&accuracy::BALANCED);
/// Area under the risk-coverage curve.
pub const AURC: Metric = Metric(&selective::AURC);
/// Accuracy on the most confident 90 %.
pub const SUREST_NINETY: Metric = Metric(&selective::SUREST_NINETY);
/// Divergence from the label distributions.
pub const KL_DIVERGENCE: Metric = Metric(&soft_labels::KL_DIVERGENCE);

/// One of [`METRICS`]: files hold its name, and metrics sort as they stand there.
#[derive(Clone, Copy)]
pub struct Metric(&'static Specification);

impl Metric {
    /// The metrics of a comparison of losses.
    pub fn compared() -> impl Iterator<Item = Metric> + Clone {
        METRICS.into_iter().filter(|metric| metric.in_comparisons)
    }

    /// Those of them that a comparison reports after temperature scaling too.
    pub fn compared_after_scaling() -> impl Iterator<Item = Metric> + Clone {
        Metric::compared().filter(|metric| metric.after_scaling)
    }

    /// The metric of this name.
    pub fn named(name: &str) -> Option<Metric> {
        METRICS.into_iter().find(|metric| metric.name == name)
    }

    fn place(self) -> usize {
        METRICS.iter().position(|other| *other == self).unwrap_or(METRICS.len())
    }
}

impl Deref for Metric {
    type Target = Specification;

    fn deref(&self) -> &Specification {
        self.0
    }
}

impl PartialEq for Metric {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Metric {}

impl PartialOrd for Metric {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Metric {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

/// The metric's name in files.
impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Metric::named(&name).ok_or_else(|| {
            let known: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
            D::Error::custom(format!("metric {name}; this version knows {}", known.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_and_heads_occur_once() {
        for (index, metric) in METRICS.iter().enumerate() {
            for other in &METRICS[..index] {
                assert!(metric.name != other.name && metric.head != other.head && metric.title != other.title);
                assert!(other < metric);
            }
            assert_eq!(Metric::named(metric.name), Some(*metric));
            assert!(!metric.phrase.is_empty() && !metric.meaning.ends_with('.'), "{metric:?}");
        }
    }

    #[test]
    fn files_hold_names() {
        let text = serde_json::to_string(&METRICS[..]).unwrap();
        assert!(text.starts_with(r#"["top1","top5","#), "{text}");
        assert_eq!(serde_json::from_str::<Vec<Metric>>(&text).unwrap(), METRICS);
        let error = serde_json::from_str::<Metric>(r#""top7""#).unwrap_err().to_string();
        assert!(error.starts_with("metric top7; this version knows top1, top5, "), "{error}");
    }
}
