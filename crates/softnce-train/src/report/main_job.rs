//! The comparison over the embedded digits as a report shows it.

use softnce::LossKind;

use super::{Comparison, Configuration, Plan, SettingLine, format};
use crate::compare::{CompareConfig, Results};

impl From<&Results> for Comparison {
    fn from(results: &Results) -> Self {
        let config = &results.config;
        let lines = settings(config).into_iter().map(|(name, value, meaning)| SettingLine {
            name: name.to_owned(),
            value,
            meaning: meaning.to_owned(),
        });
        Comparison {
            title: "Classifier losses compared".to_owned(),
            version: results.version.clone(),
            setting: results.setting.clone(),
            plan: Plan {
                losses: config.losses.clone(),
                epochs: config.epochs,
                learning_rates: config.learning_rates.clone(),
                tuning_seeds: config.tuning_seeds,
            },
            configuration: Configuration::Settings(lines.collect()),
            command: format!("cargo run --release -- compare{}", options(config)),
            tuning: results.tuning.clone(),
            runs: results.runs.clone(),
            diverged: results.diverged.clone(),
            summaries: results.summaries.clone(),
        }
    }
}

/// The options of the program in which a configuration differs from the default.
fn options(config: &CompareConfig) -> String {
    let default = CompareConfig::default();
    let mut options = String::new();
    let mut add = |name: &str, differs: bool, value: String| {
        if differs {
            options.push_str(&format!(" --{name} {value}"));
        }
    };
    let losses = config.losses.iter().map(|loss| loss.name()).collect::<Vec<_>>().join(",");
    let rates = config.learning_rates.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
    add("losses", config.losses != default.losses, losses);
    add("seeds", config.seeds != default.seeds, config.seeds.to_string());
    add("epochs", config.epochs != default.epochs, config.epochs.to_string());
    add("batch-size", config.batch_size != default.batch_size, config.batch_size.to_string());
    add("temperature", config.temperature != default.temperature, config.temperature.to_string());
    add("alpha", config.alpha != default.alpha, config.alpha.to_string());
    // The program's own default follows the batch size.
    add("candidates", config.candidates != config.batch_size, config.candidates.to_string());
    add("tuning-seeds", config.tuning_seeds != default.tuning_seeds, config.tuning_seeds.to_string());
    add("learning-rates", config.learning_rates != default.learning_rates, rates);
    options
}

/// Every setting with its value and meaning.
fn settings(config: &CompareConfig) -> Vec<(&'static str, String, &'static str)> {
    let names = config.losses.iter().copied().map(LossKind::name).collect::<Vec<_>>().join(", ");
    let widths = config.hidden.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let rates = config.learning_rates.iter().copied().map(format::setting).collect::<Vec<_>>().join(", ");
    vec![
        ("losses", names, "losses compared"),
        ("seeds", config.seeds.to_string(), "number of seeds, from 0"),
        ("epochs", config.epochs.to_string(), "passes over the training split"),
        ("batch_size", config.batch_size.to_string(), "rows of a batch"),
        ("hidden", widths, "widths of the hidden layers"),
        ("temperature", format::setting(config.temperature), "temperature of the losses and of the posterior"),
        (
            "alpha",
            format::setting(config.alpha),
            "power of the class frequencies in the noise distribution: 1 the frequencies, 0 uniform",
        ),
        (
            "candidates",
            config.candidates.to_string(),
            "candidate targets of a whole batch under the contrastive losses, its own among them",
        ),
        ("learning_rates", rates, "learning rates tried"),
        ("tuning_seeds", config.tuning_seeds.to_string(), "seeds that each learning rate is tried with"),
        ("validation_share", format::setting(config.validation_share), "share of the training pictures held out"),
        ("weight_decay", format::setting(config.weight_decay), "decoupled weight decay of AdamW"),
        ("mixup_alpha", format::setting(config.mixup_alpha), "parameter of MixUp's Beta distribution"),
        ("cutmix_alpha", format::setting(config.cutmix_alpha), "parameter of CutMix's Beta distribution"),
        (
            "cutmix_probability",
            format::setting(config.cutmix_probability),
            "share of the rows of a soft-target loss that are mixed by CutMix, the others by MixUp",
        ),
        ("smoothing", format::setting(config.smoothing), "label smoothing of the soft-target losses"),
    ]
}
