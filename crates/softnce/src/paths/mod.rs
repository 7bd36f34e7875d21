//! The computations: one file or folder per path. `choice.rs` selects the path by the form of the targets; `blocks.rs`
//! (blocks of rows and their working memory) and `terms.rs` hold what several paths share.
//!
//! Each path reads [`Inputs`] (the logits through [`Scores`]), works on independent blocks of rows on several threads and writes
//! losses and gradients to [`Outputs`].

mod blocks;
mod choice;
mod class_bias;
mod class_candidates;
mod compact;
mod cross_entropy;
mod dense;
mod hard;
mod head;
mod inputs;
mod outputs;
mod row;
mod scores;
mod terms;

pub(crate) use blocks::{Working, rows_at_once};
pub(crate) use choice::soft_target_info_nce;
pub(crate) use cross_entropy::cross_entropy;
pub(crate) use head::{Head, HeadWanted, head};
pub(crate) use inputs::Inputs;
pub(crate) use outputs::{Gradients, Outputs};
pub(crate) use scores::Scores;
