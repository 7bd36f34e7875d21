//! What is measured of a training.

use serde::{Deserialize, Serialize};
use softnce_metrics::EvaluationResult;
use softnce_report::results::RunReport;

/// Something measured, on the test pictures unless said otherwise; shares are in per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Accuracy.
    Top1,
    /// Mean over the classes of their accuracy.
    Balanced,
    /// The same where the class frequencies of the training pictures are divided out of the posterior first (post-hoc
    /// logit adjustment, Menon et al., arXiv 2007.07314, equation 9, tau = 1).
    BalancedAdjusted,
    /// Accuracy of the classes with more than 100 training pictures.
    Frequent,
    /// Accuracy of the classes with 20 to 100 training pictures.
    Medium,
    /// Accuracy of the classes with fewer than 20 training pictures.
    Rare,
    /// Negative log likelihood.
    Nll,
    /// The same after temperature scaling.
    ScaledNll,
    /// Calibration error over bins of equal width.
    Ece,
    /// What a calibrated model of the same confidences would show of it.
    EceReference,
    /// Calibration error after temperature scaling.
    ScaledEce,
    /// What a calibrated model of the same confidences would show of that.
    ScaledEceReference,
    /// The temperature fitted on the validation pictures, over that of the loss: above 1 the network is too sure.
    FittedTemperature,
    /// Divergence of the posterior from the label distributions.
    Kl,
    /// The same after temperature scaling.
    ScaledKl,
    /// Area under the risk-coverage curve.
    Aurc,
    /// Accuracy on the most confident 90 %.
    SurestNinety,
    /// Training loss of the last epoch.
    TrainLoss,
}

impl Measure {
    /// All of them, in the order of the tables.
    pub const ALL: [Measure; 18] = [
        Measure::Top1,
        Measure::Balanced,
        Measure::BalancedAdjusted,
        Measure::Frequent,
        Measure::Medium,
        Measure::Rare,
        Measure::Nll,
        Measure::ScaledNll,
        Measure::Ece,
        Measure::EceReference,
        Measure::ScaledEce,
        Measure::ScaledEceReference,
        Measure::FittedTemperature,
        Measure::Kl,
        Measure::ScaledKl,
        Measure::Aurc,
        Measure::SurestNinety,
        Measure::TrainLoss,
    ];

    /// The heading of its column.
    pub fn label(self) -> &'static str {
        self.spec().label
    }

    /// Decimals shown.
    pub fn decimals(self) -> usize {
        self.spec().decimals
    }

    /// What the heading means, where it does not say so itself.
    pub(crate) fn meaning(self) -> Option<&'static str> {
        self.spec().meaning
    }

    /// Its value in a report; none where the data or the recipe gives none. [`Measure::BalancedAdjusted`] is not in a
    /// report.
    pub(crate) fn of(self, report: &RunReport) -> Option<f64> {
        (self.spec().value)(report)
    }

    /// Whether it only serves to read another measure, so that differences in it mean nothing.
    pub(crate) fn is_reference(self) -> bool {
        matches!(self, Measure::EceReference | Measure::ScaledEceReference)
    }

    fn spec(self) -> Spec {
        const SCALED: &str = "scaled: at the temperature that fits the class labels of the validation pictures best";
        const REFERENCE: &str = "ECE, calibrated: what a calibrated model of the same confidences would show";
        match self {
            Measure::Top1 => Spec::new("top-1 %", 2, |run| percent(run.result.overall.top1)),
            Measure::Balanced => Spec::new("balanced %", 2, |run| percent(run.result.class_balanced_accuracy))
                .meaning("balanced: mean over the classes of their accuracy"),
            Measure::BalancedAdjusted => Spec::new("balanced %, adjusted", 2, |_| None).meaning(
                "adjusted: the class frequencies of the training pictures are divided out of the posterior first (logit \
                 adjustment after training, Menon et al., arXiv 2007.07314)",
            ),
            Measure::Frequent => {
                Spec::new("frequent %", 2, |run| run.result.groups.as_ref()?.frequent.accuracy.and_then(percent))
                    .meaning("frequent: classes with more than 100 training pictures")
            }
            Measure::Medium => {
                Spec::new("medium %", 2, |run| run.result.groups.as_ref()?.medium.accuracy.and_then(percent))
                    .meaning("medium: with 20 to 100")
            }
            Measure::Rare => Spec::new("rare %", 2, |run| run.result.groups.as_ref()?.rare.accuracy.and_then(percent))
                .meaning("rare: with fewer than 20"),
            Measure::Nll => Spec::new("NLL", 4, |run| Some(run.result.overall.nll)),
            Measure::ScaledNll => Spec::new("NLL, scaled", 4, |run| Some(scaled(run)?.overall.nll)).meaning(SCALED),
            Measure::Ece => Spec::new("ECE %", 2, |run| percent(run.result.overall.ece_equal_width.error)),
            Measure::EceReference => Spec::new("ECE %, calibrated", 2, |run| {
                percent(run.result.overall.ece_equal_width.calibrated_reference)
            })
            .meaning(REFERENCE),
            Measure::ScaledEce => {
                Spec::new("ECE %, scaled", 2, |run| percent(scaled(run)?.overall.ece_equal_width.error)).meaning(SCALED)
            }
            Measure::ScaledEceReference => Spec::new("ECE %, scaled, calibrated", 2, |run| {
                percent(scaled(run)?.overall.ece_equal_width.calibrated_reference)
            })
            .meaning(REFERENCE),
            Measure::FittedTemperature => Spec::new("temperature fitted", 3, |run| {
                Some(run.scaled.as_ref()?.fit.temperature / run.result.temperature)
            })
            .meaning("temperature fitted: over that of the loss; above 1 the network is too sure"),
            Measure::Kl => Spec::new("KL", 4, |run| Some(run.result.soft_labels?.kl_divergence))
                .meaning("KL: divergence of the posterior from the votes, nats"),
            Measure::ScaledKl => {
                Spec::new("KL, scaled", 4, |run| Some(scaled(run)?.soft_labels?.kl_divergence)).meaning(SCALED)
            }
            Measure::Aurc => Spec::new("AURC %", 3, |run| percent(run.result.selective.as_ref()?.aurc))
                .meaning("AURC: area under the risk-coverage curve (Geifman and El-Yaniv 2017); less is better"),
            Measure::SurestNinety => Spec::new("top-1 % of surest 90 %", 2, |run| {
                percent(run.result.selective.as_ref()?.accuracy_of_surest)
            })
            .meaning("surest: the pictures with the most probable prediction"),
            Measure::TrainLoss => Spec::new("training loss", 3, |run| Some(run.curves.last()?.train_loss)),
        }
    }
}

/// How a measure is named, shown and computed.
struct Spec {
    label: &'static str,
    decimals: usize,
    meaning: Option<&'static str>,
    value: fn(&RunReport) -> Option<f64>,
}

impl Spec {
    fn new(label: &'static str, decimals: usize, value: fn(&RunReport) -> Option<f64>) -> Self {
        Spec { label, decimals, meaning: None, value }
    }

    fn meaning(self, meaning: &'static str) -> Self {
        Spec { meaning: Some(meaning), ..self }
    }
}

fn percent(share: f64) -> Option<f64> {
    Some(100.0 * share)
}

/// The evaluation after temperature scaling, if there is one.
fn scaled(report: &RunReport) -> Option<&EvaluationResult> {
    Some(&report.scaled.as_ref()?.result)
}
