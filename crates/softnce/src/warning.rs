//! What is allowed but will not do what the user hopes.

use std::fmt;

/// A set-up that is valid and yet a mistake.
///
/// [`crate::Batch::warnings`] lists them; a contrastive loss also writes them to the [`log`] facade, once a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Warning {
    /// Every mixed row has the same mixing weight, and the batch's own targets are the only candidates. Then each
    /// target is an extreme point of the candidates, the loss has no finite optimum and falls to 0 as the logits
    /// grow. Draw one lambda per row, or take candidates from elsewhere.
    SharedMixingWeight,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::SharedMixingWeight => f.write_str(
                "all rows are mixed with one lambda and the batch is its own only source of candidates: \
                 soft target InfoNCE then has no finite optimum and its loss falls to 0 as the logits grow; \
                 draw one lambda per row, or add candidates from elsewhere",
            ),
        }
    }
}
