//! What the study compares.

use softnce_report::number::count;

use super::measure::ClassesMeasure;
use super::plan::{Group, Variant};
use crate::chart::Drawn;

/// The series of the drawings.
const TARGETS: &str = "targets of this batch and of past ones";
const DRAWN: &str = "classes drawn";
const UNCORRECTED: &str = "classes drawn, not corrected";

/// The groups of the study.
pub fn groups() -> Vec<Group> {
    vec![
        generated("generated-10000", 10_000, 2000, generated_full()),
        generated("generated-1000000", 1_000_000, 4000, generated_large()),
        next_word_full(),
        next_word_large(),
        rates(),
    ]
}

/// The batch's own targets, 1,024, and as many of past batches as make up the samples.
fn targets(samples: usize) -> Variant {
    let (name, changes) = match samples {
        1024 => ("targets of the batch", Vec::new()),
        _ => (
            "targets of the batch and of past ones",
            vec![format!("candidates={{kind=\"queue\", size={}}}", samples - 1024)],
        ),
    };
    Variant::new(format!("{name}, {}", count(samples)), changes).at(TARGETS, samples)
}

/// So many classes drawn in proportion to a power of their frequencies.
fn drawn(samples: usize) -> Variant {
    let candidates = format!("candidates={{kind=\"classes\", count={samples}}}");
    Variant::new(format!("{} classes drawn", count(samples)), [candidates, ALPHA.to_owned()]).at(DRAWN, samples)
}

/// The same without the correction for the probability of a draw.
fn uncorrected(samples: usize) -> Variant {
    let candidates = format!("candidates={{kind=\"classes\", count={samples}, corrected=false}}");
    let name = format!("{} classes drawn, not corrected", count(samples));
    Variant::new(name, [candidates, ALPHA.to_owned()]).at(UNCORRECTED, samples)
}

/// Classes are drawn with their frequencies to this power.
const ALPHA: &str = "loss.alpha=0.75";

/// Softmax over all classes.
fn full() -> Variant {
    Variant::new("all classes (softmax cross-entropy)", ["candidates={kind=\"classes\"}"]).level()
}

/// Of so few classes that softmax over all of them can be computed.
fn generated_full() -> Vec<Variant> {
    vec![
        targets(1024).timed(),
        targets(4096),
        targets(16_384),
        drawn(256),
        drawn(1024).timed(),
        drawn(4096),
        drawn(16_384).timed(),
        uncorrected(256),
        uncorrected(1024).timed(),
        uncorrected(4096),
        full().timed(),
    ]
}

/// Of a million classes.
fn generated_large() -> Vec<Variant> {
    vec![targets(1024), targets(4096), drawn(1024), drawn(4096), uncorrected(1024), uncorrected(4096)]
}

/// Generated rows with a known posterior.
fn generated(name: &str, classes: usize, steps: usize, variants: Vec<Variant>) -> Group {
    Group {
        name: name.to_owned(),
        title: format!("Distance to a known posterior, {} classes", count(classes)),
        about:
            "Rows are generated from clusters of classes, so that the posterior of each row is known. The divergence \
                from it and the NLL are those of the softmax over all classes. With corrected scores both kinds of \
                candidates estimate the posterior; without the correction the optimum is another distribution."
                .to_owned(),
        recipe: "many-classes".to_owned(),
        changes: vec![
            format!("data.rows.classes={classes}"),
            format!("schedule.steps={steps}"),
            format!("evaluation.every={}", steps / 8),
            "evaluation.k=[1]".to_owned(),
        ],
        variants,
        measures: vec![
            ClassesMeasure::Divergence,
            ClassesMeasure::Nll,
            ClassesMeasure::Top1,
            ClassesMeasure::StepTime,
            ClassesMeasure::Seconds,
        ],
    }
}

const NEXT_WORD: [ClassesMeasure; 4] =
    [ClassesMeasure::Perplexity, ClassesMeasure::Top1, ClassesMeasure::StepTime, ClassesMeasure::Seconds];

/// Half of each label is what a trigram model expects.
const SOFT: &str = "data.words.trigram=0.5";

/// The same with soft labels, in the table alone.
fn soft(variant: Variant) -> Variant {
    let changes = variant.changes.into_iter().chain([SOFT.to_owned()]);
    Variant::new(format!("soft labels: {}", variant.name), changes)
}

/// A vocabulary over which the full softmax can be computed.
fn next_word_full() -> Group {
    let mut variants = vec![
        targets(1024).timed(),
        targets(4096),
        targets(16_384),
        drawn(256),
        drawn(1024).timed(),
        drawn(4096),
        uncorrected(256),
        uncorrected(1024).timed(),
        uncorrected(4096),
        full().timed(),
    ];
    variants.extend([targets(1024), drawn(1024), drawn(4096), full()].map(soft));
    Group {
        name: "next-word-10000".to_owned(),
        title: "The next word, 10,000 words".to_owned(),
        about: "Perplexity of the next word, exact and over all words, on text that was held out. Soft labels give half of \
                the weight to what a trigram model of the same text expects. Candidates of the batch shift the optimum away \
                from such labels; classes do not."
            .to_owned(),
        recipe: "next-word".to_owned(),
        changes: ["data.corpus.vocabulary=10000", "schedule.steps=1000", "evaluation.every=125", "evaluation.k=[1]"]
            .map(str::to_owned)
            .to_vec(),
        variants,
        measures: NEXT_WORD.to_vec(),
    }
}

/// The vocabulary of the recipe. Softmax over all of it takes seconds a step, so it makes few steps.
fn next_word_large() -> Group {
    // After so few steps its level says nothing about the number of samples.
    let mut few = Variant { drawn: Drawn::No, ..full().timed() };
    few.name.push_str(", 100 steps");
    few.changes.extend(["schedule.steps=100", "evaluation.every=20"].map(str::to_owned));
    let variants = vec![
        targets(1024).timed(),
        targets(16_384).timed(),
        drawn(1024),
        drawn(4096).timed(),
        uncorrected(1024),
        uncorrected(4096).timed(),
        few,
        soft(targets(1024)),
        soft(drawn(4096)),
    ];
    Group {
        name: "next-word-100000".to_owned(),
        title: "The next word, 100,000 words".to_owned(),
        about: "The next word among 100,000. A step of the softmax over all of them takes as long as many steps with \
                samples, so it makes 100."
            .to_owned(),
        changes: ["schedule.steps=2000", "evaluation.every=250", "evaluation.k=[1]"].map(str::to_owned).to_vec(),
        variants,
        ..next_word_full()
    }
}

/// Whether the learning rate favours one of them.
fn rates() -> Group {
    let kinds: [fn() -> Variant; 3] = [|| targets(1024), || drawn(1024), full];
    let at = |kind: fn() -> Variant, rate: f64| {
        let Variant { name, changes, .. } = kind();
        let rate_change = format!("optimizer.learning_rate={rate}");
        Variant::new(format!("{name}, rate {rate}"), changes.into_iter().chain([rate_change]))
    };
    let variants = kinds.into_iter().flat_map(|kind| [0.1, 0.2, 0.4].map(|rate| at(kind, rate)));
    Group {
        name: "next-word-rates".to_owned(),
        title: "The next word, 10,000 words: learning rates".to_owned(),
        about: "The other groups have the learning rate of the recipe, 0.2. Here each kind of candidates has three."
            .to_owned(),
        changes: ["data.corpus.vocabulary=10000", "schedule.steps=300", "evaluation.every=300", "evaluation.k=[1]"]
            .map(str::to_owned)
            .to_vec(),
        variants: variants.collect(),
        measures: vec![ClassesMeasure::Perplexity, ClassesMeasure::Top1],
        ..next_word_full()
    }
}
