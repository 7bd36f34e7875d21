//! The one table of losses: each has a row here and a file beside this one.

use crate::{Error, ErrorKind, Form};

/// The rows, passed to the macro `$with`: description, type, name on command lines and in files, specification.
macro_rules! loss_table {
    ($with:ident) => {
        $with! {
            /// Soft target InfoNCE.
            SoftTargetInfoNce, "soft-target-infonce",
                LossSpec { title: "soft target InfoNCE", contrastive: true, ..PLAIN };
            /// Soft target cross-entropy.
            SoftTargetCrossEntropy, "soft-target-cross-entropy",
                LossSpec { title: "soft target cross-entropy", ..PLAIN };
            /// Soft distribution InfoNCE, on classes drawn from the soft targets.
            SoftDistributionInfoNce, "soft-distribution-infonce",
                LossSpec { title: "soft distribution InfoNCE", contrastive: true, draws_classes: true, ..PLAIN };
            /// InfoNCE, on hard labels.
            InfoNce, "infonce", LossSpec { title: "InfoNCE", contrastive: true, soft_targets: false, ..PLAIN };
            /// Negative log likelihood, cross-entropy on hard labels.
            Nll, "nll", LossSpec { title: "NLL", soft_targets: false, ..PLAIN };
            /// Binary cross-entropy with soft targets.
            BinaryCrossEntropy, "bce", LossSpec { title: "binary cross-entropy", compared: false, ..PLAIN };
        }
    };
}
pub(super) use loss_table;

/// What the rest of a program asks of a loss besides its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LossSpec {
    /// The name as a reader expects it in a table or a sentence.
    pub title: &'static str,
    /// Whether the loss takes soft targets; the others take hard labels and one-hot rows only.
    pub soft_targets: bool,
    /// Whether the loss is computed on classes drawn from soft targets ([`ClassDraws`](crate::ClassDraws)).
    pub draws_classes: bool,
    /// Whether the loss contrasts each row's positive with other candidates, so that these and the noise distribution
    /// matter.
    pub contrastive: bool,
    /// Whether a comparison of losses includes this one by default.
    pub compared: bool,
}

/// A loss of soft targets without candidates; the rows of the table say where they differ.
const PLAIN: LossSpec =
    LossSpec { title: "", soft_targets: true, draws_classes: false, contrastive: false, compared: true };

macro_rules! define_kinds {
    ($($(#[$doc:meta])* $kind:ident, $name:tt, $spec:expr;)+) => {
        /// The losses, by name, in the order that reports list them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
        #[strum(parse_err_ty = Error, parse_err_fn = unknown_name)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[non_exhaustive]
        pub enum LossKind {
            $(
                $(#[$doc])*
                #[strum(serialize = $name)]
                #[cfg_attr(feature = "serde", serde(rename = $name))]
                $kind,
            )+
        }

        impl LossKind {
            /// What a program asks of this loss.
            pub const fn spec(self) -> LossSpec {
                match self {
                    $(LossKind::$kind => $spec,)+
                }
            }
        }
    };
}

loss_table!(define_kinds);

impl LossKind {
    /// Every loss, in the order that reports list them.
    pub const ALL: &'static [LossKind] = <Self as strum::VariantArray>::VARIANTS;

    /// The losses that a comparison includes by default, in the order that reports list them.
    pub fn compared() -> Vec<LossKind> {
        LossKind::ALL.iter().copied().filter(|kind| kind.spec().compared).collect()
    }

    /// The name used on command lines and in files.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The name as a reader expects it in a table or a sentence.
    pub fn title(self) -> &'static str {
        self.spec().title
    }

    /// Whether the loss takes soft targets; the others take hard labels and one-hot rows only.
    pub fn takes_soft_targets(self) -> bool {
        self.spec().soft_targets
    }

    /// Whether the loss is computed on classes drawn from soft targets ([`ClassDraws`](crate::ClassDraws)).
    pub fn draws_classes(self) -> bool {
        self.spec().draws_classes
    }

    /// Whether the loss itself reads hard labels: the losses that take no soft targets, and those that draw classes.
    pub fn needs_hard_labels(self) -> bool {
        !self.takes_soft_targets() || self.draws_classes()
    }

    /// Whether the loss contrasts each row's positive with other candidates.
    pub fn is_contrastive(self) -> bool {
        self.spec().contrastive
    }

    /// The error for a linear head where the loss needs the logits of every class.
    pub fn no_head(self) -> Error {
        let expected = "a contrastive loss for a linear head; the others need the logits of every class";
        Error::new(ErrorKind::Unsupported, "loss", self.name(), expected)
    }

    /// The error for soft rows of this form where the loss takes hard labels.
    pub fn hard_labels_needed(self, found: Form) -> Error {
        let remedy = match self.draws_classes() {
            true => "draw classes from soft targets first, with ClassDraws",
            false => "use its soft-target form for these",
        };
        let expected = format!("hard labels or one-hot rows for {self} ({remedy})");
        Error::new(ErrorKind::Targets, "targets", format!("soft {found} rows"), expected)
    }
}

fn unknown_name(name: &str) -> Error {
    let names: Vec<&str> = LossKind::ALL.iter().map(|kind| kind.name()).collect();
    Error::new(ErrorKind::Name, "loss", format!("{name:?}"), format!("one of {}", names.join(", ")))
}
