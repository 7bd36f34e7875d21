//! The computations that are measured, by name.

use serde::{Deserialize, Serialize};

use crate::{Case, SettingError};

/// A computation that is measured. Every path of a loss computes the loss and its gradient, under the mean.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "snake_case", parse_err_ty = SettingError, parse_err_fn = unknown_name)]
#[serde(rename_all = "snake_case")]
pub enum Path {
    /// Soft target InfoNCE by the paper's reference algorithm, through an N x M x d tensor.
    Reference,
    /// Soft target InfoNCE on dense targets as they are.
    Dense,
    /// Soft target InfoNCE on dense targets whose compact form is recognised.
    Recognised,
    /// Soft target InfoNCE on compact targets made beforehand.
    Compact,
    /// InfoNCE on hard labels made beforehand.
    Hard,
    /// Soft target cross-entropy on dense targets.
    SoftCrossEntropy,
    /// Negative log likelihood on hard labels.
    Nll,
    /// Two matrix products of the shapes that dense targets need, and nothing else.
    Products,
    /// A copy of the logits.
    Copy,
    /// Soft target InfoNCE on compact targets, from the features of a linear head.
    Head,
}

impl Path {
    /// Every path, in the order that tables list them.
    pub const ALL: &'static [Path] = <Self as strum::VariantArray>::VARIANTS;

    /// The path that others are compared with.
    pub const BASELINE: Path = Path::SoftCrossEntropy;

    /// The name used on command lines and in files.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// What the path computes, and from what, in a sentence for readers of a report.
    pub fn description(self) -> &'static str {
        match self {
            Path::Reference => {
                "Soft target InfoNCE by the paper's reference algorithm, written plainly: it fills a tensor of N x M x d products, \
                 forward and backward."
            }
            Path::Dense => "Soft target InfoNCE on dense targets as they are: two matrix products in blocks of rows.",
            Path::Recognised => {
                "Soft target InfoNCE on the same dense targets, whose compact form is found during the call."
            }
            Path::Compact => "Soft target InfoNCE on compact targets made beforehand.",
            Path::Hard => "InfoNCE on hard labels made beforehand.",
            Path::SoftCrossEntropy => "Soft target cross-entropy on the dense targets of the N rows.",
            Path::Nll => "Negative log likelihood on hard labels made beforehand.",
            Path::Products => {
                "The two bare matrix products behind dense targets, N x d by d x M and N x M by M x d, by the crate gemm."
            }
            Path::Copy => "A copy of the logits into new memory: the cost of moving the data alone.",
            Path::Head => {
                "Soft target InfoNCE on compact targets, from features and the weights of a linear head, without the \
                 N x d logits."
            }
        }
    }

    /// Whether the case has what the path needs.
    pub fn applies_to(self, case: Case) -> bool {
        (self == Path::Head) == case.features.is_some()
    }

    /// Whether the path reads dense targets, of which it needs a matrix.
    pub(crate) fn reads_dense(self) -> bool {
        matches!(self, Path::Reference | Path::Dense | Path::Recognised | Path::SoftCrossEntropy | Path::Products)
    }

    /// Whether the path computes soft target InfoNCE of the logits: all that do agree.
    pub(crate) fn is_soft_target_info_nce(self) -> bool {
        matches!(self, Path::Reference | Path::Dense | Path::Recognised | Path::Compact)
    }
}

fn unknown_name(name: &str) -> SettingError {
    let expected = "one of reference, dense, recognised, compact, hard, soft_cross_entropy, nll, products, copy, head";
    SettingError { argument: "path", found: name.to_owned(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_are_those_of_the_files() {
        for &path in Path::ALL {
            assert_eq!(path.name().parse::<Path>().unwrap(), path);
            assert_eq!(serde_json::to_string(&path).unwrap(), format!("{:?}", path.name()));
        }
        let message = "fast".parse::<Path>().unwrap_err().to_string();
        assert!(message.starts_with("path is fast, expected one of reference, dense,"));
        assert!(Path::ALL.iter().all(|path| message.contains(path.name())));
    }
}
