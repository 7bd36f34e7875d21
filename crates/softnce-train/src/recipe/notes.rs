//! Settings that a run does not use, because its loss or its optimiser cannot use them, and settings that are known to
//! train worse than others.

use softnce_data::candidates::CandidateConfig;
use softnce_data::mixing::MixingConfig;
use softnce_nn::models::Freeze;

use super::{NoiseSource, Recipe};
use crate::optimisation::{OptimizerConfig, OptimizerKind};

/// A temperature below which SGD at an unchanged rate is noted: in the study `swap`, at 0.55 and 0.30, it was less accurate
/// or diverged.
const LOW: f64 = 0.6;

impl Recipe {
    /// Sentences on the settings that the run does not use or that are known to train worse than others, with keys and
    /// values. They are not errors: `compare` trains one recipe with losses of all kinds.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = [self.left_out_by_loss(), self.left_out_by_optimizer(), self.without_effect()].concat();
        notes.extend(self.steep());
        notes
    }

    /// A low temperature, where the rate of SGD may have been chosen for temperature 1 or for cross-entropy: the gradient
    /// is 1 / temperature times as large, and SGD follows its size.
    fn steep(&self) -> Option<String> {
        let loss = &self.loss;
        let is_low = loss.kind.is_contrastive() && !loss.learn_temperature && loss.temperature < LOW;
        (is_low && self.optimizer.kind == OptimizerKind::Sgd).then(|| {
            let temperature = loss.temperature;
            format!(
                "loss.temperature is {temperature}: with SGD, multiply a learning rate that was chosen for cross-entropy or for \
                 temperature 1 by {temperature}; at an unchanged rate the training may diverge"
            )
        })
    }

    fn left_out_by_loss(&self) -> Vec<String> {
        let loss = &self.loss;
        let (title, mut notes) = (loss.kind.title(), Vec::new());
        if !loss.kind.takes_soft_targets() {
            if let Some(mixing) = self.mixing.as_ref().filter(|mixing| mixing.mixes() || mixing.smoothing > 0.0) {
                notes.push(format!("{title} takes hard labels: [mixing] is left out ({})", in_words(mixing)));
            }
            if let Some(source) = &self.data.train_labels {
                let path = source.path();
                notes.push(format!("{title} takes hard labels: data.train_labels is left out (path {path:?})"));
            }
        }
        if loss.kind.is_contrastive() {
            if loss.logit_adjustment > 0.0 {
                let value = loss.logit_adjustment;
                notes.push(format!("{title} has a noise distribution: loss.logit_adjustment = {value} is left out"));
            }
            if self.candidates == (CandidateConfig::Classes { count: None }) && (loss.alpha != 1.0) {
                let value = loss.alpha;
                notes.push(format!(
                    "with all classes as candidates the gradient has no noise: loss.alpha = {value} is left out"
                ));
            }
            return notes;
        }
        let candidates = match self.candidates {
            CandidateConfig::Batch => None,
            CandidateConfig::Queue { size } => Some(format!("kind = \"queue\", size = {size}")),
            CandidateConfig::Draws { count } => Some(format!("kind = \"draws\", count = {count}")),
            CandidateConfig::Classes { count: None } => Some("kind = \"classes\"".to_owned()),
            CandidateConfig::Classes { count: Some(count) } => Some(format!("kind = \"classes\", count = {count}")),
        };
        if let Some(candidates) = candidates {
            notes.push(format!("{title} compares all classes: [candidates] is left out ({candidates})"));
        }
        if loss.noise == NoiseSource::Uniform {
            notes.push(format!("{title} has no noise distribution: loss.noise = \"uniform\" is left out"));
        }
        if loss.alpha != 1.0 {
            notes.push(format!("{title} has no noise distribution: loss.alpha = {} is left out", loss.alpha));
        }
        notes
    }

    fn left_out_by_optimizer(&self) -> Vec<String> {
        let (config, usual) = (&self.optimizer, OptimizerConfig::default());
        let [adamw, sgd] = ["AdamW", "SGD"];
        let settings = match config.kind {
            OptimizerKind::Adamw => [
                (config.momentum != usual.momentum, adamw, format!("momentum = {}", config.momentum)),
                (config.nesterov, adamw, "nesterov = true".to_owned()),
            ],
            OptimizerKind::Sgd => [
                (config.betas != usual.betas, sgd, format!("betas = {:?}", config.betas)),
                (config.epsilon != usual.epsilon, sgd, format!("epsilon = {:e}", config.epsilon)),
            ],
        };
        let unused = settings.into_iter().filter(|(is_set, ..)| *is_set);
        unused.map(|(_, name, setting)| format!("{name} does not use optimizer.{setting}")).collect()
    }

    fn without_effect(&self) -> Vec<String> {
        let mut notes = Vec::new();
        match &self.mixing {
            Some(mixing) if mixing.mixup + mixing.cutmix > 0.0 && mixing.probability == 0.0 => {
                notes.push("mixing.probability is 0: no picture is mixed".to_owned());
            }
            Some(mixing) if mixing.mixup + mixing.cutmix + mixing.smoothing == 0.0 => {
                notes.push("[mixing] changes nothing: mixup, cutmix and smoothing are 0".to_owned());
            }
            _ => {}
        }
        if let Some(freeze) = self.network.freeze().filter(|_| self.weights.is_none()) {
            let value = match freeze {
                Freeze::Body => "\"body\"".to_owned(),
                Freeze::Layers(count) => count.to_string(),
            };
            notes.push(format!(
                "network.freeze is {value} without [weights]: the frozen layers keep their random initial weights"
            ));
        }
        if self.evaluation.scale_temperature && self.data.validation_share == 0.0 {
            let text = "data.validation_share is 0: no temperature is fitted (evaluation.scale_temperature = true)";
            notes.push(text.to_owned());
        }
        notes
    }
}

/// The settings of the mixing that are on.
fn in_words(mixing: &MixingConfig) -> String {
    let settings = [("mixup", mixing.mixup), ("cutmix", mixing.cutmix), ("smoothing", mixing.smoothing)];
    let settings = settings.iter().filter(|(_, value)| *value > 0.0).map(|(key, value)| format!("{key} = {value}"));
    settings.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn notes(changes: &[&str]) -> Vec<String> {
        Recipe::read("digits", &changes.iter().map(|change| (*change).to_owned()).collect::<Vec<_>>()).unwrap().notes()
    }

    #[test]
    fn what_a_recipe_uses_is_not_noted() {
        assert_eq!(notes(&[]), [""; 0]);
        assert_eq!(
            notes(&["loss.alpha=0.5", "loss.noise=\"uniform\"", "candidates={kind=\"queue\", size=64}"]),
            [""; 0]
        );
        assert_eq!(notes(&["network.freeze=body", "weights.path=mae.pth"]), [""; 0]);
        for change in [
            "optimizer.kind=\"adamw\"",
            "loss.temperature=0.8",
            "loss.learn_temperature=true",
            "loss.kind=\"soft-target-cross-entropy\"",
        ] {
            let low = ["optimizer.kind=\"sgd\"", "loss.temperature=0.3", change];
            assert_eq!(notes(&low), [""; 0], "{change}");
        }
        assert_eq!(notes(&["optimizer.kind=\"sgd\"", "optimizer.momentum=0.5", "optimizer.nesterov=true"]), [""; 0]);
    }

    #[test]
    fn what_is_left_out_is_named_with_its_value() {
        let labels = "data.train_labels={kind=\"votes\", path=\"votes.npy\"}";
        for (changes, words) in [
            (
                vec!["loss.kind=nll", "mixing={mixup=0.8, smoothing=0.1}"],
                "NLL takes hard labels: [mixing] is left out (mixup = 0.8, smoothing = 0.1)",
            ),
            (
                vec!["loss.kind=infonce", "mixing={cutmix=1.0}"],
                "InfoNCE takes hard labels: [mixing] is left out (cutmix = 1)",
            ),
            (
                vec!["loss.kind=nll", labels],
                "NLL takes hard labels: data.train_labels is left out (path \"votes.npy\")",
            ),
            (
                vec!["loss.kind=infonce", "mixing={}", labels],
                "InfoNCE takes hard labels: data.train_labels is left out (path \"votes.npy\")",
            ),
            (
                vec!["loss.logit_adjustment=0.5"],
                "soft target InfoNCE has a noise distribution: loss.logit_adjustment = 0.5 is left out",
            ),
            (
                vec!["loss.kind=bce", "candidates={kind=\"queue\", size=64}"],
                "binary cross-entropy compares all classes: [candidates] is left out (kind = \"queue\", size = 64)",
            ),
            (
                vec!["loss.kind=soft-target-cross-entropy", "candidates={kind=\"draws\", count=9}"],
                "soft target cross-entropy compares all classes: [candidates] is left out (kind = \"draws\", count = 9)",
            ),
            (
                vec!["loss.kind=nll", "candidates={kind=\"classes\"}"],
                "NLL compares all classes: [candidates] is left out (kind = \"classes\")",
            ),
            (
                vec!["loss.kind=nll", "candidates={kind=\"classes\", count=9}"],
                "NLL compares all classes: [candidates] is left out (kind = \"classes\", count = 9)",
            ),
            (
                vec!["loss.kind=soft-target-cross-entropy", "loss.alpha=0.5"],
                "soft target cross-entropy has no noise distribution: loss.alpha = 0.5 is left out",
            ),
            (
                vec!["loss.kind=bce", "loss.noise=\"uniform\""],
                "binary cross-entropy has no noise distribution: loss.noise = \"uniform\" is left out",
            ),
            (
                vec!["candidates={kind=\"classes\"}", "loss.alpha=0.0"],
                "with all classes as candidates the gradient has no noise: loss.alpha = 0 is left out",
            ),
            (vec!["optimizer.momentum=0.5"], "AdamW does not use optimizer.momentum = 0.5"),
            (vec!["optimizer.nesterov=true"], "AdamW does not use optimizer.nesterov = true"),
            (
                vec!["optimizer.kind=\"sgd\"", "optimizer.betas=[0.8, 0.9]"],
                "SGD does not use optimizer.betas = [0.8, 0.9]",
            ),
            (vec!["optimizer.kind=\"sgd\"", "optimizer.epsilon=1e-6"], "SGD does not use optimizer.epsilon = 1e-6"),
            (vec!["mixing={mixup=0.8, probability=0.0}"], "mixing.probability is 0: no picture is mixed"),
            (
                vec!["network.freeze=body"],
                "network.freeze is \"body\" without [weights]: the frozen layers keep their random initial weights",
            ),
            (
                vec!["network.freeze=1"],
                "network.freeze is 1 without [weights]: the frozen layers keep their random initial weights",
            ),
            (
                vec!["optimizer.kind=\"sgd\"", "loss.temperature=0.3"],
                "loss.temperature is 0.3: with SGD, multiply a learning rate that was chosen for cross-entropy or for \
                 temperature 1 by 0.3; at an unchanged rate the training may diverge",
            ),
            (vec!["mixing={}"], "[mixing] changes nothing: mixup, cutmix and smoothing are 0"),
            (
                vec!["data.validation_share=0.0", "evaluation.best=false"],
                "data.validation_share is 0: no temperature is fitted (evaluation.scale_temperature = true)",
            ),
        ] {
            let notes = notes(&changes);
            assert!(notes.iter().any(|note| note == words), "{changes:?}: {notes:?}");
        }
    }
}
