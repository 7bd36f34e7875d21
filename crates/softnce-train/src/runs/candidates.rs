//! The label side of a step: the batch's targets with the candidates beyond them.

use softnce::{ClassCandidates, ClassSampler, Targets};
use softnce_burn::LossBatch;
use softnce_data::candidates::{CandidateConfig, TargetQueue};
use softnce_data::loader::LoadedBatch;
use softnce_data::mixing::Mixing;

use super::data::Labelled;
use super::error::RunError;
use crate::randomness::{Stream, generator};
use crate::recipe::Recipe;

/// The targets of a batch, and behind them the candidates that the recipe adds: past targets, draws from the
/// distribution of the training targets, or classes in place of the targets. None of them needs a forward pass.
///
/// `sampler`: draws from the noise distribution of the loss.
#[allow(clippy::too_many_arguments)]
pub(super) fn candidates(
    recipe: &Recipe,
    mixing: &Mixing,
    train: &Labelled,
    queue: Option<&TargetQueue>,
    sampler: &ClassSampler,
    batch: &LoadedBatch,
    epoch: usize,
    step: usize,
) -> Result<LossBatch, RunError> {
    let own = LossBatch::from(batch.targets.clone());
    if !recipe.loss.kind.is_contrastive() {
        return Ok(own);
    }
    let mut draws = generator(recipe.seed, Stream::Candidates, epoch as u64, step as u64);
    let further = match recipe.candidates {
        CandidateConfig::Draws { count } => {
            let (size, classes) = (recipe.augmentation.size, train.pictures.class_names().len());
            let soft = train.distributions.as_ref().filter(|_| recipe.loss.kind.takes_soft_targets());
            Some(match soft {
                Some(rows) => mixing.draw_dense_targets(count, rows.view(), size, &mut draws)?,
                None => mixing.draw_targets(count, train.pictures.labels(), classes, size, &mut draws)?,
            })
        }
        CandidateConfig::Classes { count } => {
            let classes = match count {
                Some(count) => ClassCandidates::draw(sampler, &batch.targets, count, &mut draws)?,
                None => ClassCandidates::all(sampler.noise(), batch.targets.classes())?,
            };
            return Ok(own.with_class_candidates(&classes)?);
        }
        _ => queue.map(TargetQueue::as_targets).transpose()?.flatten().map(Targets::into_owned),
    };
    Ok(match further {
        Some(further) => own.with_further(further),
        None => own,
    })
}
