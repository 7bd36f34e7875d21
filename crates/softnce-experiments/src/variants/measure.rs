//! What is measured of a training.

use serde::{Deserialize, Serialize};
use softnce_train::evaluation::EvaluationResult;
use softnce_train::metrics::Evaluation;
use softnce_train::report::run::RunReport;

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
        match self {
            Measure::Top1 => "top-1 %",
            Measure::Balanced => "balanced %",
            Measure::BalancedAdjusted => "balanced %, adjusted",
            Measure::Frequent => "frequent %",
            Measure::Medium => "medium %",
            Measure::Rare => "rare %",
            Measure::Nll => "NLL",
            Measure::ScaledNll => "NLL, scaled",
            Measure::Ece => "ECE %",
            Measure::EceReference => "ECE %, calibrated",
            Measure::ScaledEce => "ECE %, scaled",
            Measure::ScaledEceReference => "ECE %, scaled, calibrated",
            Measure::FittedTemperature => "temperature fitted",
            Measure::Kl => "KL",
            Measure::ScaledKl => "KL, scaled",
            Measure::Aurc => "AURC %",
            Measure::SurestNinety => "top-1 % of surest 90 %",
            Measure::TrainLoss => "training loss",
        }
    }

    /// Whether it is what another measure is read against, and no result itself.
    pub(crate) fn is_reference(self) -> bool {
        matches!(self, Measure::EceReference | Measure::ScaledEceReference)
    }

    /// What the heading stands for, where it does not say so itself.
    pub(crate) fn meaning(self) -> Option<&'static str> {
        Some(match self {
            Measure::Balanced => "balanced: mean over the classes of their accuracy",
            Measure::BalancedAdjusted => {
                "adjusted: the class frequencies of the training pictures are divided out of the posterior first (logit \
                 adjustment after training, Menon et al., arXiv 2007.07314)"
            }
            Measure::Frequent => "frequent: classes with more than 100 training pictures",
            Measure::Medium => "medium: with 20 to 100",
            Measure::Rare => "rare: with fewer than 20",
            Measure::ScaledNll | Measure::ScaledEce | Measure::ScaledKl => {
                "scaled: at the temperature that fits the class labels of the validation pictures best"
            }
            Measure::EceReference | Measure::ScaledEceReference => {
                "ECE, calibrated: what a calibrated model of the same confidences would show"
            }
            Measure::FittedTemperature => "temperature fitted: over that of the loss; above 1 the network is too sure",
            Measure::Kl => "KL: divergence of the posterior from the votes, nats",
            Measure::Aurc => "AURC: area under the risk-coverage curve (Geifman and El-Yaniv 2017); less is better",
            Measure::SurestNinety => "surest: the pictures with the most probable prediction",
            Measure::Top1 | Measure::Nll | Measure::Ece | Measure::TrainLoss => return None,
        })
    }

    /// Decimals shown.
    pub fn decimals(self) -> usize {
        match self {
            Measure::Nll | Measure::ScaledNll | Measure::Kl | Measure::ScaledKl => 4,
            Measure::FittedTemperature | Measure::TrainLoss | Measure::Aurc => 3,
            _ => 2,
        }
    }

    /// Its value in a report; none where the data or the recipe gives none. [`Measure::BalancedAdjusted`] is not in a
    /// report.
    pub(crate) fn of(self, report: &RunReport) -> Option<f64> {
        let (plain, scaled) = (&report.result, report.scaled.as_ref());
        let of_scaled = |value: fn(&Evaluation) -> f64| scaled.map(|scaled| value(&scaled.result.overall));
        let divergence = |result: &EvaluationResult| result.soft_labels.map(|scores| scores.kl_divergence);
        let percent = |share: f64| 100.0 * share;
        let groups = plain.groups.as_ref();
        match self {
            Measure::Top1 => Some(percent(plain.overall.top1)),
            Measure::Balanced => Some(percent(plain.class_balanced_accuracy)),
            Measure::BalancedAdjusted => None,
            Measure::Frequent => groups.and_then(|groups| groups.frequent.accuracy).map(percent),
            Measure::Medium => groups.and_then(|groups| groups.medium.accuracy).map(percent),
            Measure::Rare => groups.and_then(|groups| groups.rare.accuracy).map(percent),
            Measure::Nll => Some(plain.overall.nll),
            Measure::ScaledNll => of_scaled(|overall| overall.nll),
            Measure::Ece => Some(percent(plain.overall.ece_equal_width.error)),
            Measure::EceReference => Some(percent(plain.overall.ece_equal_width.calibrated_reference)),
            Measure::ScaledEce => of_scaled(|overall| overall.ece_equal_width.error).map(percent),
            Measure::ScaledEceReference => {
                of_scaled(|overall| overall.ece_equal_width.calibrated_reference).map(percent)
            }
            Measure::FittedTemperature => scaled.map(|scaled| scaled.fit.temperature / plain.temperature),
            Measure::Kl => divergence(plain),
            Measure::ScaledKl => scaled.and_then(|scaled| divergence(&scaled.result)),
            Measure::Aurc => plain.selective.as_ref().map(|found| percent(found.aurc)),
            Measure::SurestNinety => plain.selective.as_ref().map(|found| percent(found.accuracy_of_surest)),
            Measure::TrainLoss => report.curves.last().map(|epoch| epoch.train_loss),
        }
    }
}
