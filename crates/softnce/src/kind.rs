//! The names of the losses.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// The five losses of the family, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum LossKind {
    /// [Soft target InfoNCE](crate::SoftTargetInfoNce).
    #[cfg_attr(feature = "serde", serde(rename = "soft-target-infonce"))]
    SoftTargetInfoNce,
    /// [InfoNCE](crate::InfoNce), on hard labels.
    #[cfg_attr(feature = "serde", serde(rename = "infonce"))]
    InfoNce,
    /// [Soft distribution InfoNCE](crate::SoftDistributionInfoNce), on classes drawn from the soft targets.
    #[cfg_attr(feature = "serde", serde(rename = "soft-distribution-infonce"))]
    SoftDistributionInfoNce,
    /// [Soft target cross-entropy](crate::SoftTargetCrossEntropy).
    SoftTargetCrossEntropy,
    /// [Negative log likelihood](crate::Nll), cross-entropy on hard labels.
    Nll,
}

impl LossKind {
    /// Every loss, in the order reports list them.
    pub const ALL: [LossKind; 5] = [
        LossKind::SoftTargetInfoNce,
        LossKind::SoftTargetCrossEntropy,
        LossKind::SoftDistributionInfoNce,
        LossKind::InfoNce,
        LossKind::Nll,
    ];

    /// The name used on command lines and in files.
    pub fn name(self) -> &'static str {
        match self {
            LossKind::SoftTargetInfoNce => "soft-target-infonce",
            LossKind::InfoNce => "infonce",
            LossKind::SoftDistributionInfoNce => "soft-distribution-infonce",
            LossKind::SoftTargetCrossEntropy => "soft-target-cross-entropy",
            LossKind::Nll => "nll",
        }
    }

    /// The name as a reader expects it in a table or a sentence.
    pub fn title(self) -> &'static str {
        match self {
            LossKind::SoftTargetInfoNce => "soft target InfoNCE",
            LossKind::InfoNce => "InfoNCE",
            LossKind::SoftDistributionInfoNce => "soft distribution InfoNCE",
            LossKind::SoftTargetCrossEntropy => "soft target cross-entropy",
            LossKind::Nll => "NLL",
        }
    }

    /// Whether the loss takes soft targets; the others accept hard labels only.
    pub fn takes_soft_targets(self) -> bool {
        !matches!(self, LossKind::InfoNce | LossKind::Nll)
    }

    /// Whether the loss is computed on classes drawn from soft targets ([`ClassDraws`](crate::ClassDraws)).
    pub fn draws_classes(self) -> bool {
        self == LossKind::SoftDistributionInfoNce
    }

    /// Whether the loss itself reads hard labels: those that take no soft targets, and those that draw classes from them.
    pub fn needs_hard_labels(self) -> bool {
        !self.takes_soft_targets() || self.draws_classes()
    }

    /// Whether the loss contrasts each row's positive with other candidates.
    pub fn is_contrastive(self) -> bool {
        !matches!(self, LossKind::SoftTargetCrossEntropy | LossKind::Nll)
    }
}

impl fmt::Display for LossKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for LossKind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        LossKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| Error::UnknownLoss { name: name.to_owned() })
    }
}
