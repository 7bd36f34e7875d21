//! Which sets, networks and losses, and how each loss is tuned.

use serde::{Deserialize, Serialize};
use softnce::LossKind;
use softnce_train::recipe::Recipe;

use super::search::Point;
use crate::StudyError;
use crate::named::named;

/// The settings of the study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeaturesConfig {
    /// The sets.
    pub tasks: Vec<FeatureTask>,
    /// The networks on the features.
    pub heads: Vec<Head>,
    /// Trials with which each loss is tuned on validation rows, the same number for all.
    pub trials: usize,
    /// Seeds that each tuned loss is trained from, each on a split of its own into training and validation rows.
    pub seeds: u64,
    /// Margins of the equivalence tests, in percentage points of test accuracy.
    pub margins: Vec<f64>,
    /// Changes of all recipes, `key=value`.
    pub changes: Vec<String>,
}

/// A set of features with the changes of the recipe that it needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureTask {
    /// Its name.
    pub name: String,
    /// Its title on the page.
    pub title: String,
    /// Changes of the recipe, `key=value`.
    pub changes: Vec<String>,
}

/// A network on the features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::EnumString, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Head {
    /// One linear layer.
    Linear,
    /// A hidden layer of 256.
    Mlp,
}

impl Head {
    /// Both.
    pub const ALL: [Head; 2] = [Head::Linear, Head::Mlp];

    fn change(self) -> &'static str {
        match self {
            Head::Linear => "network={kind=\"linear\"}",
            Head::Mlp => "network={kind=\"mlp\", hidden=[256]}",
        }
    }
}

/// A loss with or without mixing. Losses that take hard labels are trained without. Without mixing and smoothing, soft
/// target InfoNCE and soft distribution InfoNCE are InfoNCE, and soft target cross-entropy is NLL: the five losses
/// with and without mixing are these five.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Method(pub LossKind);

/// A setting that is tuned: its key, and its value at each step from its start.
pub(crate) struct Axis {
    pub(crate) key: &'static str,
    /// The steps that are tried.
    steps: std::ops::RangeInclusive<i32>,
    /// The first step that has a value at all, such as no smoothing.
    first: Option<i32>,
    value: fn(i32) -> f64,
}

impl Axis {
    pub(crate) fn has(&self, step: i32) -> bool {
        self.steps.contains(&step)
    }

    /// Whether the setting has a value there, tried or not.
    pub(crate) fn goes_on_to(&self, step: i32) -> bool {
        self.first.is_none_or(|first| step >= first)
    }

    pub(crate) fn value(&self, step: i32) -> f64 {
        (self.value)(step)
    }
}

const UNBOUNDED: std::ops::RangeInclusive<i32> = -20..=20;
const RATE: Axis = Axis {
    key: "optimizer.learning_rate",
    steps: UNBOUNDED,
    first: None,
    value: |step| rounded(1e-3 * 3f64.powi(step)),
};
const DECAY: Axis = Axis {
    key: "optimizer.weight_decay",
    steps: UNBOUNDED,
    first: None,
    value: |step| rounded(0.05 * 4f64.powi(step)),
};
const MIXUP: Axis =
    Axis { key: "mixing.mixup", steps: -8..=4, first: None, value: |step| rounded(0.4 * 2f64.powi(step)) };
const TEMPERATURE: Axis = Axis { key: "loss.temperature", steps: -10..=10, first: None, value: |step| 2f64.powi(step) };
const SMOOTHING: Axis = Axis {
    key: "mixing.smoothing",
    steps: 0..=5,
    first: Some(0),
    value: |step| [0.0, 0.05, 0.1, 0.2, 0.4, 0.6].get(step as usize).copied().unwrap_or(0.0),
};

/// Two significant digits, so that settings read well.
fn rounded(value: f64) -> f64 {
    let scale = 10f64.powi(1 - value.log10().floor() as i32);
    (value * scale).round() / scale
}

impl Method {
    /// The five losses, in the order of the tables.
    pub const ALL: [Method; 5] = [
        Method(LossKind::SoftTargetInfoNce),
        Method(LossKind::SoftTargetCrossEntropy),
        Method(LossKind::SoftDistributionInfoNce),
        Method(LossKind::InfoNce),
        Method(LossKind::Nll),
    ];

    /// Its name in tables.
    pub fn title(self) -> String {
        let mixing = if self.mixes() { "MixUp" } else { "no mixing" };
        format!("{}, {mixing}", self.0.title())
    }

    /// Whether it is trained with MixUp.
    pub fn mixes(self) -> bool {
        self.0.takes_soft_targets()
    }

    /// What is tuned. Smoothing is a temperature for the contrastive losses; for NLL on standardised features the
    /// temperature only changes the scale of the weights.
    pub(crate) fn axes(self) -> Vec<&'static Axis> {
        match self.0 {
            LossKind::SoftTargetCrossEntropy => vec![&RATE, &SMOOTHING, &MIXUP, &DECAY],
            LossKind::InfoNce => vec![&RATE, &TEMPERATURE, &DECAY],
            LossKind::Nll => vec![&RATE, &DECAY],
            _ => vec![&RATE, &TEMPERATURE, &MIXUP, &DECAY],
        }
    }

    /// The settings of a point, in words: `learning_rate 0.003, temperature 0.5`.
    pub(crate) fn settings(self, point: &Point) -> String {
        let of = |(axis, &step): (&&Axis, &i32)| {
            let name = axis.key.rsplit('.').next().unwrap_or(axis.key);
            format!("{name} {}", axis.value(step))
        };
        self.axes().iter().zip(&point.0).map(of).collect::<Vec<_>>().join(", ")
    }
}

/// Keys that differ between the losses, the networks and the splits.
const OWN: [&str; 8] =
    ["loss", "mixing", "network", "optimizer.learning_rate", "optimizer.weight_decay", "data", "seed", "name"];
const OWN_REFUSED: &str = "another key: the study itself sets loss, mixing, network, data, seed, name, learning rate and \
                           weight decay";

/// What all trainings share: AdamW with a cosine schedule, batches of 256, the weights of the last epoch.
const RECIPE: &str = include_str!("recipe.toml");

impl FeatureTask {
    /// The sets of the study, in the order in which they are trained.
    pub fn all() -> Vec<FeatureTask> {
        let task = |name: &str, title: &str, changes: &[&str]| FeatureTask {
            name: name.to_owned(),
            title: title.to_owned(),
            changes: changes.iter().map(|&change| change.to_owned()).collect(),
        };
        let cifar100 = "data.path=\"cifar-100-lite0\"";
        vec![
            task("cifar100", "CIFAR-100", &[cifar100]),
            task("cifar100-lt10", "CIFAR-100, imbalance 10", &[cifar100, "data.imbalance=10.0"]),
            task("cifar100-lt100", "CIFAR-100, imbalance 100", &[cifar100, "data.imbalance=100.0"]),
            task("fashion-mnist", "Fashion-MNIST", &["data.path=\"fashion-mnist-lite0\""]),
            task(
                "cifar10h",
                "CIFAR-10H, human votes",
                &[
                    "data.path=\"cifar-10-lite0\"",
                    "data.train_part=\"test\"",
                    "data.test_share=0.2",
                    // The test rows are the same in every split, so that no trial sees those of another.
                    "data.test_seed=0",
                    "data.train_labels={kind=\"votes\", path=\"cifar-10h/cifar10h-counts.npy\"}",
                    "data.test_labels={kind=\"votes\", path=\"cifar-10h/cifar10h-counts.npy\"}",
                ],
            ),
            task("digits", "Handwritten digits", &["data.path=\"optdigits-lite0\""]),
        ]
    }

    /// Those of the study by their names.
    ///
    /// # Errors
    /// [`StudyError::Name`] for a name that none has, or one that comes twice.
    pub fn named(names: &[String]) -> Result<Vec<FeatureTask>, StudyError> {
        named("sets", names, &FeatureTask::all(), |task| &task.name)
    }
}

impl Default for FeaturesConfig {
    fn default() -> Self {
        FeaturesConfig {
            tasks: FeatureTask::all(),
            heads: Head::ALL.to_vec(),
            trials: 16,
            seeds: 10,
            margins: vec![0.5, 0.25],
            changes: Vec::new(),
        }
    }
}

impl FeaturesConfig {
    /// Refuses what cannot be run.
    ///
    /// # Errors
    /// [`StudyError::Argument`] for the first setting out of its range; a recipe that cannot be read.
    pub fn check(&self) -> Result<(), StudyError> {
        if self.tasks.is_empty() || self.heads.is_empty() {
            return Err(StudyError::argument("sets", "none", "at least one"));
        }
        if !(2..=1000).contains(&self.seeds) {
            return Err(StudyError::argument("seeds", self.seeds, "from 2 to 1,000: intervals need two"));
        }
        if !(1..=1000).contains(&self.trials) {
            return Err(StudyError::argument("trials", self.trials, "from 1 to 1,000"));
        }
        let own = |change: &&String| OWN.iter().any(|key| change.trim_start().starts_with(key));
        if let Some(change) = self.changes.iter().find(own) {
            return Err(StudyError::argument("--set", change, OWN_REFUSED));
        }
        if let Some(margin) = self.margins.iter().find(|&&margin| !(margin > 0.0 && margin <= 100.0)) {
            return Err(StudyError::argument("margins", margin, "above 0, at most 100"));
        }
        for task in &self.tasks {
            for &head in &self.heads {
                for method in Method::ALL {
                    self.recipe(task, head, method, &Point(vec![0; method.axes().len()]), 0, 0)?;
                }
            }
        }
        Ok(())
    }

    /// The recipe of a training: its seed, and that of its split.
    pub(crate) fn recipe(
        &self,
        task: &FeatureTask,
        head: Head,
        method: Method,
        point: &Point,
        seed: u64,
        split: u64,
    ) -> Result<Recipe, StudyError> {
        let mut changes = vec![head.change().to_owned(), format!("loss.kind=\"{}\"", method.0)];
        if !method.mixes() {
            changes.push("mixing.mixup=0.0".to_owned());
        }
        changes.push(format!("data.split_seed={split}"));
        changes.extend(task.changes.iter().chain(&self.changes).cloned());
        let tuned = method.axes().into_iter().zip(&point.0);
        changes.extend(tuned.map(|(axis, &step)| format!("{}={:?}", axis.key, axis.value(step))));
        let mut recipe = Recipe::parse("recipe.toml".as_ref(), RECIPE, &changes)?;
        recipe.name = format!("{}-{head}-{}-seed{seed}", task.name, method.0);
        recipe.seed = seed;
        Ok(recipe.resolved())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_recipe_can_be_read_and_has_its_settings() {
        let config = FeaturesConfig::default();
        config.check().unwrap();
        let [task, ..] = &config.tasks[..] else { panic!("no tasks") };
        let method = Method(LossKind::SoftTargetInfoNce);
        let recipe = config.recipe(task, Head::Mlp, method, &Point(vec![1, -1, 1, 0]), 7, 2).unwrap();
        assert_eq!(recipe.optimizer.learning_rate, Some(0.003));
        assert_eq!((recipe.loss.temperature, recipe.mixing.unwrap().mixup), (0.5, 0.8));
        assert_eq!((recipe.seed, recipe.data.split_seed), (7, 2));
        let hard = config.recipe(task, Head::Linear, Method(LossKind::Nll), &Point(vec![0, 0]), 0, 0).unwrap();
        assert!(hard.mixing.is_none());
        assert!(method.settings(&Point(vec![0, 0, 0, 0])).starts_with("learning_rate 0.001, temperature 1, mixup 0.4"));
    }

    #[test]
    fn what_the_study_sets_itself_is_not_changed() {
        for change in ["data.validation_share=0.0", "loss.kind=\"nll\"", "data={path=\"x\"}", "mixing.mixup=0.2"] {
            let config = FeaturesConfig { changes: vec![change.into()], ..FeaturesConfig::default() };
            assert!(config.check().unwrap_err().to_string().contains(change), "{change}");
        }
        FeaturesConfig { changes: vec!["schedule.epochs=2".into()], ..FeaturesConfig::default() }.check().unwrap();
    }
}
