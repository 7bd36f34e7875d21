//! How runs were trained and evaluated, read from their recipe, for the sentences of the pages.
//!
//! A report holds the recipe as TOML, every default spelled out. Only the keys that a sentence depends on are read here.
//! What is not in the text is not known, and no sentence says anything about it: a file of an older version, or of a
//! newer one, still has a page.

mod keys;

use softnce::LossKind;

use self::keys::Keys;
use crate::number::{enumerate, plural, setting};

/// How runs were trained and evaluated.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Protocol(Keys);

/// The epoch whose weights were tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestedEpoch {
    /// The one with the best result on the validation pictures.
    Best,
    /// The last.
    Last,
}

impl Protocol {
    /// Reads the recipe of a report. Text that is no recipe says nothing.
    pub fn read(recipe: &str) -> Self {
        Protocol(toml::from_str(recipe).unwrap_or_default())
    }

    /// The epoch whose weights were tested, where the recipe says so.
    pub fn tested_epoch(&self) -> Option<TestedEpoch> {
        self.0.evaluation.best.map(|best| if best { TestedEpoch::Best } else { TestedEpoch::Last })
    }

    /// The same in words that follow a verb: `after the last epoch`.
    pub fn tested_in_words(&self) -> Option<&'static str> {
        let stopped = self.0.training.patience.is_some();
        self.tested_epoch().map(|epoch| match epoch {
            TestedEpoch::Best => "with the weights of the epoch that had the best validation accuracy",
            TestedEpoch::Last if stopped => "with the weights of the last epoch before the training stopped",
            TestedEpoch::Last => "with the weights of the last epoch",
        })
    }

    /// When a training ends before its last epoch: `stopping after 5 validations without improvement`.
    pub fn early_stop(&self) -> Option<String> {
        let patience = self.0.training.patience?;
        Some(format!("stopping after {} without improvement", plural(patience, "validation", "validations")))
    }

    /// Whether pictures were held out for validation; `None` where the recipe does not say.
    pub fn has_validation(&self) -> Option<bool> {
        self.0.data.validation_share.map(|share| share > 0.0)
    }

    /// Where the test pictures are from, if they are not the publisher's test part.
    pub fn test_origin(&self) -> Option<String> {
        let share = self.0.data.test_share?;
        let part = self.0.data.train_part.as_deref().map_or_else(String::new, |part| format!(" {part}"));
        Some(format!("{} % of each class of the publisher's{part} part", setting(rounded(100.0 * share))))
    }

    /// What each seed draws anew: `the initial weights`, `the order of the pictures`, ..
    pub fn drawn_by_the_seed(&self) -> Vec<String> {
        let keys = &self.0;
        let weights = match &keys.weights {
            None => "the initial weights",
            Some(weights) if weights.head => "",
            Some(_) => "the initial weights of the output layer",
        };
        let drops = keys.network.drop_path.is_some_and(|share| share > 0.0);
        let parts = [
            (weights, true),
            ("the order of the pictures", true),
            ("the augmentation", keys.augmentation.train.is_random()),
            ("the mixing", keys.mixes()),
            ("the candidates", keys.candidates.kind.as_deref() == Some("draws")),
            ("the dropped layers", drops),
        ];
        let parts = parts.into_iter().filter(|(part, is_drawn)| *is_drawn && !part.is_empty());
        parts.map(|(part, _)| part.to_owned()).collect()
    }

    /// What changes a training picture at random: `cropped and flipped`, `mixed`; empty for none.
    pub fn changes_of_training_pictures(&self) -> Vec<&'static str> {
        let (train, mixes) = (&self.0.augmentation.train, self.0.mixes());
        [(train.is_random(), "augmented"), (mixes, "mixed")]
            .into_iter()
            .filter_map(|(is_done, word)| is_done.then_some(word))
            .collect()
    }

    /// What a loss trains without, though the recipe has it and other losses train with it: `mixing`, `label smoothing`.
    pub fn left_out_of(&self, loss: LossKind) -> Vec<&'static str> {
        let keys = &self.0;
        let (hard, contrastive) = (!loss.takes_soft_targets(), loss.is_contrastive());
        [
            (hard && keys.mixes(), "mixing"),
            (hard && keys.smooths(), "label smoothing"),
            (hard && keys.data.train_labels.is_some(), "the label distributions of the training pictures"),
            (contrastive && keys.loss.logit_adjustment.is_some_and(|value| value > 0.0), "logit adjustment"),
            (!contrastive && keys.candidates.beyond_batch(), "candidates beyond the batch"),
        ]
        .into_iter()
        .filter_map(|(is_left_out, what)| is_left_out.then_some(what))
        .collect()
    }

    /// Whether the weights that were evaluated are averages over the training steps.
    pub fn averages_weights(&self) -> bool {
        self.0.optimizer.average.is_some()
    }

    /// What the recipe does to the labels and pictures in training, for a table of settings.
    pub fn mixing_in_words(&self) -> Option<String> {
        let mixing = self.0.mixing.as_ref()?;
        let parts: Vec<String> = [("MixUp", mixing.mixup), ("CutMix", mixing.cutmix)]
            .into_iter()
            .filter(|(_, value)| *value > 0.0 && mixing.probability > 0.0)
            .map(|(name, value)| format!("{name} {}", setting(value)))
            .chain((mixing.smoothing > 0.0).then(|| format!("label smoothing {}", setting(mixing.smoothing))))
            .collect();
        (!parts.is_empty()).then(|| enumerate(&parts))
    }
}

/// A share in per cent without the digits that binary fractions add: 28.999999999999996.
fn rounded(per_cent: f64) -> f64 {
    (per_cent * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests;
