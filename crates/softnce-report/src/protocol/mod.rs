//! How runs were trained and evaluated, read from their recipe, for the sentences of the pages.
//!
//! A report holds the recipe as TOML with all defaults. Only the keys that a sentence depends on are read here. No sentence
//! says anything about a key that is not in the text, so the files of older and newer versions still have a page.

use softnce::LossKind;
use toml::{Table, Value};

use crate::number::{enumerate, plural, setting};

/// How runs were trained and evaluated.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Protocol(Table);

/// The epoch whose weights were tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestedEpoch {
    /// The one with the best result on the validation pictures.
    Best,
    /// The last.
    Last,
}

impl Protocol {
    /// Reads the recipe of a report. From text that is not a recipe, nothing is known.
    pub fn read(recipe: &str) -> Self {
        Protocol(toml::from_str(recipe).unwrap_or_default())
    }

    /// The value of a key with its section: `optimizer.average`.
    fn value(&self, key: &str) -> Option<&Value> {
        let mut parts = key.split('.');
        let first = self.0.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    }

    fn number(&self, key: &str) -> Option<f64> {
        let value = self.value(key)?;
        value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
    }

    fn is_positive(&self, key: &str) -> bool {
        self.number(key).is_some_and(|number| number > 0.0)
    }

    fn is_set(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    fn mixes(&self) -> bool {
        let never = self.number("mixing.probability").is_some_and(|probability| probability <= 0.0);
        !never && (self.is_positive("mixing.mixup") || self.is_positive("mixing.cutmix"))
    }

    /// Whether training pictures are changed at random.
    fn augments(&self) -> bool {
        let operations = ["random_crop", "random_resized_crop", "rand_augment", "erasing"];
        self.is_positive("augmentation.train.flip")
            || operations.iter().any(|operation| self.is_set(&format!("augmentation.train.{operation}")))
    }

    /// The epoch whose weights were tested, where the recipe says so.
    pub fn tested_epoch(&self) -> Option<TestedEpoch> {
        let best = self.value("evaluation.best")?.as_bool()?;
        Some(if best { TestedEpoch::Best } else { TestedEpoch::Last })
    }

    /// The same in words that follow a verb: `with the weights of the last epoch`.
    pub fn tested_in_words(&self) -> Option<String> {
        let epoch = match self.tested_epoch()? {
            TestedEpoch::Best => "epoch that had the best validation accuracy",
            TestedEpoch::Last if self.early_stop().is_some() => "last epoch before the training stopped",
            TestedEpoch::Last => "last epoch",
        };
        let averaged = if self.averages_weights() { "averaged " } else { "" };
        Some(format!("with the {averaged}weights of the {epoch}"))
    }

    /// When a training ends before its last epoch: `stopping after 5 validations without improvement`.
    pub fn early_stop(&self) -> Option<String> {
        let patience = self.number("training.patience")? as usize;
        Some(format!("stopping after {} without improvement", plural(patience, "validation", "validations")))
    }

    /// Whether pictures were held out for validation; `None` if the recipe does not say.
    pub fn has_validation(&self) -> Option<bool> {
        self.number("data.validation_share").map(|share| share > 0.0)
    }

    /// Where the test pictures come from, if they are not the publisher's test part.
    pub fn test_origin(&self) -> Option<String> {
        let share = self.number("data.test_share")?;
        let part = self.value("data.train_part").and_then(Value::as_str);
        let part = part.map_or_else(String::new, |part| format!(" {part}"));
        Some(format!("{} % of each class of the publisher's{part} part", setting(rounded(100.0 * share))))
    }

    /// What each seed draws: `the initial weights`, `the order of the pictures` and so on.
    pub fn drawn_by_the_seed(&self) -> Vec<String> {
        let weights = match (self.is_set("weights"), self.value("weights.head").and_then(Value::as_bool)) {
            (false, _) => "the initial weights",
            (true, Some(true)) => "",
            (true, _) => "the initial weights of the output layer",
        };
        let draws = self.value("candidates.kind").and_then(Value::as_str) == Some("draws");
        let parts = [
            (weights, true),
            ("the order of the pictures", true),
            ("the augmentation", self.augments()),
            ("the mixing", self.mixes()),
            ("the candidates", draws),
            ("the dropped layers", self.is_positive("network.drop_path")),
        ];
        let parts = parts.into_iter().filter(|(part, is_drawn)| *is_drawn && !part.is_empty());
        parts.map(|(part, _)| part.to_owned()).collect()
    }

    /// What is done to the training pictures at random: `augmented`, `mixed`; empty if nothing is.
    pub fn changes_of_training_pictures(&self) -> Vec<&'static str> {
        [(self.augments(), "augmented"), (self.mixes(), "mixed")]
            .into_iter()
            .filter_map(|(is_done, word)| is_done.then_some(word))
            .collect()
    }

    /// What the recipe has and this loss cannot use: `mixing`, `label smoothing` and so on.
    pub fn left_out_of(&self, loss: LossKind) -> Vec<&'static str> {
        let (hard, contrastive) = (!loss.takes_soft_targets(), loss.is_contrastive());
        let more_candidates = self.value("candidates.kind").and_then(Value::as_str).is_some_and(|kind| kind != "batch");
        [
            (hard && self.mixes(), "mixing"),
            (hard && self.is_positive("mixing.smoothing"), "label smoothing"),
            (hard && self.is_set("data.train_labels"), "the label distributions of the training pictures"),
            (contrastive && self.is_positive("loss.logit_adjustment"), "logit adjustment"),
            (!contrastive && more_candidates, "candidates beyond the batch"),
        ]
        .into_iter()
        .filter_map(|(is_left_out, what)| is_left_out.then_some(what))
        .collect()
    }

    /// Whether the weights that were evaluated are averages over the training steps.
    pub fn averages_weights(&self) -> bool {
        self.is_set("optimizer.average")
    }

    /// What the recipe does to the labels and pictures in training, for a table of settings.
    pub fn mixing_in_words(&self) -> Option<String> {
        let parts: Vec<String> = [("MixUp", "mixup"), ("CutMix", "cutmix"), ("label smoothing", "smoothing")]
            .into_iter()
            .filter(|(_, key)| *key == "smoothing" || self.mixes())
            .filter_map(|(name, key)| {
                let value = self.number(&format!("mixing.{key}")).filter(|value| *value > 0.0)?;
                Some(format!("{name} {}", setting(value)))
            })
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
