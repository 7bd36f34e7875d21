//! What is measured of a training.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use softnce_metrics::{self as metrics, Baseline, ECE_EQUAL_WIDTH, Frequency, METRICS, Metric, Reading};
use softnce_report::results::RunReport;

/// Something measured, on the test pictures unless said otherwise; shares are in per cent. Files hold its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// A metric of the table.
    Metric(Metric, View),
    /// Class-balanced accuracy where the class frequencies of the training pictures are divided out of the posterior
    /// first (post-hoc logit adjustment, Menon et al., arXiv 2007.07314, equation 9, tau = 1).
    BalancedAdjusted,
    /// Mean accuracy of the classes of this frequency in training.
    Group(Frequency),
    /// The temperature fitted on the validation pictures over that of the loss: above 1 the network is overconfident.
    FittedTemperature,
    /// Training loss of the last epoch.
    TrainLoss,
}

/// Which value of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// As trained.
    Plain,
    /// What a perfectly calibrated model of the same confidences would show.
    Reference,
    /// After temperature scaling.
    Scaled,
    /// What a perfectly calibrated model of the scaled confidences would show.
    ScaledReference,
}

/// Measures that the plans name.
impl Measure {
    /// Accuracy.
    pub const TOP1: Measure = Measure::Metric(metrics::TOP1, View::Plain);
    /// Mean over the classes of their accuracy.
    pub const BALANCED: Measure = Measure::Metric(metrics::BALANCED, View::Plain);
    /// Negative log likelihood.
    pub const NLL: Measure = Measure::Metric(metrics::NLL, View::Plain);
    /// The same after temperature scaling.
    pub const SCALED_NLL: Measure = Measure::Metric(metrics::NLL, View::Scaled);
    /// Calibration error over bins of equal width.
    pub const ECE: Measure = Measure::Metric(ECE_EQUAL_WIDTH, View::Plain);
    /// What a perfectly calibrated model of the same confidences would show of it.
    pub const ECE_REFERENCE: Measure = Measure::Metric(ECE_EQUAL_WIDTH, View::Reference);
    /// Calibration error after temperature scaling.
    pub const SCALED_ECE: Measure = Measure::Metric(ECE_EQUAL_WIDTH, View::Scaled);
    /// Divergence of the posterior from the label distributions.
    pub const KL: Measure = Measure::Metric(metrics::KL_DIVERGENCE, View::Plain);
    /// The same after temperature scaling.
    pub const SCALED_KL: Measure = Measure::Metric(metrics::KL_DIVERGENCE, View::Scaled);
    /// Area under the risk-coverage curve.
    pub const AURC: Measure = Measure::Metric(metrics::AURC, View::Plain);
    /// Accuracy on the most confident 90 %.
    pub const SUREST_NINETY: Measure = Measure::Metric(metrics::SUREST_NINETY, View::Plain);
}

impl Measure {
    /// All of them, in the order of the data files: those of the table first.
    pub fn all() -> Vec<Measure> {
        let mut all = Vec::new();
        for metric in METRICS.into_iter().filter(|metric| metric.in_studies) {
            let calibrated = matches!(metric.baseline, Baseline::Calibrated);
            all.push(Measure::Metric(metric, View::Plain));
            all.extend(calibrated.then_some(Measure::Metric(metric, View::Reference)));
            all.extend(metric.after_scaling.then_some(Measure::Metric(metric, View::Scaled)));
            all.extend((metric.after_scaling && calibrated).then_some(Measure::Metric(metric, View::ScaledReference)));
        }
        all.extend([
            Measure::BalancedAdjusted,
            Measure::Group(Frequency::Frequent),
            Measure::Group(Frequency::Medium),
            Measure::Group(Frequency::Rare),
            Measure::FittedTemperature,
            Measure::TrainLoss,
        ]);
        all
    }

    /// All that a report has.
    pub(crate) fn all_of(report: &RunReport) -> BTreeMap<Measure, f64> {
        Measure::all().into_iter().filter_map(|measure| Some((measure, measure.of(report)?))).collect()
    }

    /// Its name in files: `scaled_nll`.
    pub fn name(self) -> String {
        let (metric, view) = match self {
            Measure::Metric(metric, view) => (metric, view),
            Measure::BalancedAdjusted => return "balanced_adjusted".into(),
            Measure::Group(frequency) => return format!("{frequency:?}").to_lowercase(),
            Measure::FittedTemperature => return "fitted_temperature".into(),
            Measure::TrainLoss => return "train_loss".into(),
        };
        // The only calibration error of the studies needs no further name.
        let name = if metric == ECE_EQUAL_WIDTH { "ece" } else { metric.name };
        match view {
            View::Plain => name.into(),
            View::Reference => format!("{name}_reference"),
            View::Scaled => format!("scaled_{name}"),
            View::ScaledReference => format!("scaled_{name}_reference"),
        }
    }

    /// The head of its column: `NLL, scaled`.
    pub fn label(self) -> String {
        let (metric, view) = match self {
            Measure::Metric(metric, view) => (metric, view),
            Measure::BalancedAdjusted => return "balanced %, adjusted".into(),
            Measure::Group(_) => return format!("{} %", self.name()),
            Measure::FittedTemperature => return "temperature fitted".into(),
            Measure::TrainLoss => return "training loss".into(),
        };
        let head = if metric == ECE_EQUAL_WIDTH { "ECE %" } else { metric.head };
        let view = match view {
            View::Plain => "",
            View::Reference => ", calibrated",
            View::Scaled => ", scaled",
            View::ScaledReference => ", scaled, calibrated",
        };
        format!("{head}{view}")
    }

    /// Whether it is what another measure is read against, and no result itself.
    pub(crate) fn is_reference(self) -> bool {
        matches!(self, Measure::Metric(_, View::Reference | View::ScaledReference))
    }

    /// The meaning of the head of its column, if the head does not say it.
    pub(crate) fn meaning(self) -> Option<String> {
        let known = [metrics::TOP1, metrics::NLL, ECE_EQUAL_WIDTH];
        Some(match self {
            Measure::Metric(metric, View::Plain) if known.contains(&metric) => return None,
            Measure::Metric(metric, View::Plain) => {
                format!("{}: {}", metric.head.trim_end_matches(" %"), metric.meaning)
            }
            Measure::Metric(_, View::Scaled) => {
                "scaled: with the temperature that fits the labels of the validation pictures best".into()
            }
            Measure::Metric(_, View::Reference | View::ScaledReference) => {
                "ECE, calibrated: what a perfectly calibrated model with the same confidences would show by chance".into()
            }
            Measure::BalancedAdjusted => {
                "adjusted: after training, the probability of each class is divided by the frequency of the class in the \
                 training pictures (logit adjustment, Menon et al., arXiv 2007.07314)"
                    .into()
            }
            Measure::Group(Frequency::Frequent) => "frequent: classes with more than 100 training pictures".into(),
            Measure::Group(Frequency::Medium) => "medium: classes with 20 to 100 training pictures".into(),
            Measure::Group(Frequency::Rare) => "rare: classes with fewer than 20 training pictures".into(),
            Measure::FittedTemperature => {
                "temperature fitted: divided by the temperature of the loss; above 1 the network is overconfident".into()
            }
            Measure::TrainLoss => return None,
        })
    }

    /// Decimals shown.
    pub fn decimals(self) -> usize {
        match self {
            Measure::FittedTemperature | Measure::TrainLoss => 3,
            measure if measure == Measure::AURC => 3,
            Measure::Metric(metric, _) => metric.unit.decimals(),
            _ => 2,
        }
    }

    /// Its value in a report; `None` if the data or the recipe gives none. [`Measure::BalancedAdjusted`] is not in a
    /// report.
    pub(crate) fn of(self, report: &RunReport) -> Option<f64> {
        let (plain, scaled) = (&report.result, report.scaled.as_ref());
        match self {
            Measure::Metric(metric, view) => {
                let result = match view {
                    View::Plain | View::Reference => plain,
                    View::Scaled | View::ScaledReference => &scaled?.result,
                };
                let reading: Reading = (metric.of)(result)?;
                let value = match view {
                    View::Plain | View::Scaled => reading.value(),
                    View::Reference | View::ScaledReference => reading.calibrated_reference()?,
                };
                Some(metric.unit.scale() * value)
            }
            Measure::BalancedAdjusted => None,
            Measure::Group(frequency) => Some(100.0 * plain.groups.as_ref()?.get(frequency).accuracy?),
            Measure::FittedTemperature => scaled.map(|scaled| scaled.fit.temperature / plain.temperature),
            Measure::TrainLoss => report.curves.last().map(|epoch| epoch.train_loss),
        }
    }

    fn place(self) -> usize {
        let all = Measure::all();
        all.iter().position(|other| *other == self).unwrap_or(all.len())
    }
}

impl PartialOrd for Measure {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// In the order of [`Measure::all`].
impl Ord for Measure {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = Measure::all().into_iter().find(|measure| measure.name() == name);
        found.ok_or_else(|| D::Error::custom(format!("this version measures no {name}")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The names in files of version 0.1 before the table of metrics.
    const FIRST_NAMES: [&str; 18] = [
        "top1",
        "balanced",
        "balanced_adjusted",
        "frequent",
        "medium",
        "rare",
        "nll",
        "scaled_nll",
        "ece",
        "ece_reference",
        "scaled_ece",
        "scaled_ece_reference",
        "fitted_temperature",
        "kl",
        "scaled_kl",
        "aurc",
        "surest_ninety",
        "train_loss",
    ];

    #[test]
    fn names_read_back_and_those_of_before_are_still_known() {
        for measure in Measure::all() {
            let text = serde_json::to_string(&measure).unwrap();
            assert_eq!(serde_json::from_str::<Measure>(&text).unwrap(), measure);
        }
        for name in FIRST_NAMES {
            let measure: Measure = serde_json::from_str(&format!("{name:?}")).unwrap();
            assert_eq!(measure.name(), name);
        }
        let labels = [Measure::ECE, Measure::SCALED_NLL, Measure::KL, Measure::SUREST_NINETY].map(Measure::label);
        assert_eq!(labels, ["ECE %", "NLL, scaled", "KL", "top-1 % of surest 90 %"]);
        assert!(serde_json::from_str::<Measure>("\"none\"").unwrap_err().to_string().contains("measures no none"));
    }
}
