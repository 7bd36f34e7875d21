//! What was trained, in words.

use serde::Serialize;
use softnce_report::number::{count, duration, fixed, plural, rate, setting};

use crate::data::Inputs;
use crate::recipe::{
    CandidateSection, EncoderSection, FloatType, LossSection, NoiseKind, OptimizerSection, RowPlace, StorageSection,
};
use crate::results::RunResults;

/// One sentence on the sizes of the run.
pub(super) fn sentence(results: &RunResults) -> String {
    let recipe = &results.recipe;
    let evaluated = results.history.last().map_or_else(String::new, |last| {
        format!(", evaluated over all classes on {}", plural(last.ranking.examples, "test row", "test rows"))
    });
    format!(
        "A head of {} with {} ({}), trained on {} for {} of {}{evaluated}.",
        plural(results.classes, "class", "classes"),
        plural(results.features, "feature", "features"),
        plural(results.trained_values(), "trained value", "trained values"),
        plural(results.train_rows, "row", "rows"),
        plural(recipe.schedule.steps as usize, "step", "steps"),
        plural(recipe.training.batch_size, "row", "rows"),
    )
}

/// What was trained, as names and values.
pub(super) fn entries(results: &RunResults) -> Vec<(&'static str, String)> {
    let recipe = &results.recipe;
    let (schedule, training) = (&recipe.schedule, &recipe.training);
    let epochs = results.rows_seen() as f64 / results.train_rows.max(1) as f64;
    let occurring = results
        .occurring
        .map_or_else(String::new, |occurring| format!(", of which {} occur in the training rows", count(occurring)));
    let mut entries = vec![
        ("data", tag(&recipe.data)),
        ("training rows", count(results.train_rows)),
        ("test rows", count(results.test_rows)),
        ("classes", format!("{}{occurring}", count(results.classes))),
        ("features", features(results)),
        ("class weights", head(results)),
        ("trained values", count(results.trained_values())),
        ("loss", loss(&recipe.loss)),
        ("candidates", candidates(recipe.candidates)),
        ("optimiser", optimizer(&recipe.optimizer)),
        (
            "steps",
            format!(
                "{} of {} rows, {} epochs",
                count(schedule.steps as usize),
                count(training.batch_size),
                fixed(epochs, 2)
            ),
        ),
    ];
    if let Some(last) = results.history.last() {
        entries.push(("training time, without evaluations", duration(last.seconds)));
        let speed = results.rows_seen() as f64 / last.seconds;
        entries.push(("training rows a second", fixed(speed, 0)));
    }
    entries
}

fn features(results: &RunResults) -> String {
    let width = count(results.features);
    match (results.inputs, &results.recipe.encoder) {
        (Inputs::Sparse { inputs }, EncoderSection::Bag { pooling, activation, storage, .. }) => format!(
            "{width}, pooled ({}; activation: {}) from the embeddings of {} inputs, {}",
            tag(pooling),
            tag(activation),
            count(inputs),
            kept(*storage)
        ),
        (Inputs::Sparse { inputs }, EncoderSection::None) => format!("{width} of {} inputs", count(inputs)),
        (Inputs::Dense { .. }, _) => format!("{width}, as the data give them"),
    }
}

fn head(results: &RunResults) -> String {
    let head = &results.recipe.head;
    let bias = if head.bias { " with biases" } else { "" };
    let normalised = if head.normalise { ", features and weights of length 1" } else { "" };
    format!("{} x {}{bias}{normalised}, {}", count(results.classes), count(results.features), kept(head.storage))
}

/// How rows are kept: `f32, optimiser's state in bf16, on disk`.
fn kept(storage: StorageSection) -> String {
    let name = |kind| match kind {
        FloatType::F32 => "f32",
        FloatType::Bf16 => "bf16",
    };
    let place = match storage.place {
        RowPlace::Memory => "in memory",
        RowPlace::Disk => "on disk",
    };
    format!("{}, optimiser's state in {}, {place}", name(storage.weights), name(storage.state))
}

fn loss(loss: &LossSection) -> String {
    let noise = match loss.noise {
        NoiseKind::Frequencies => "frequencies of the classes",
        NoiseKind::Estimated => "frequencies of the classes, estimated from the batches",
        NoiseKind::Uniform => "uniform",
    };
    let power = match loss.noise {
        NoiseKind::Frequencies if loss.alpha != 1.0 => format!(" to the power {}", setting(loss.alpha)),
        _ => String::new(),
    };
    let learned = if loss.learn_temperature { ", learned" } else { "" };
    format!("soft target InfoNCE; noise: {noise}{power}; temperature {}{learned}", setting(loss.temperature))
}

fn candidates(section: CandidateSection) -> String {
    let (words, corrected) = match section {
        CandidateSection::Batch => return "the targets of the batch".to_owned(),
        CandidateSection::Queue { size } => {
            return format!("the targets of the batch and {} of past batches", count(size));
        }
        CandidateSection::Classes { count: Some(drawn), corrected } => {
            (format!("{} drawn for each batch", plural(drawn, "class", "classes")), corrected)
        }
        CandidateSection::Classes { count: None, corrected } => ("all classes".to_owned(), corrected),
    };
    let biased = if corrected { "" } else { ", without correction for their probabilities: the loss is biased" };
    format!("{words}{biased}")
}

fn optimizer(optimizer: &OptimizerSection) -> String {
    format!("{}, learning rate {}", tag(&optimizer.rule), rate(optimizer.learning_rate))
}

/// The word that the recipe has for a choice: that of its key `kind`, or the whole value.
fn tag(choice: &impl Serialize) -> String {
    let value = serde_json::to_value(choice).unwrap_or_default();
    value.get("kind").unwrap_or(&value).as_str().unwrap_or_default().to_owned()
}
