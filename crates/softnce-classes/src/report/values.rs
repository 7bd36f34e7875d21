//! The values of evaluations.

use softnce_metrics::{FREQUENT_ABOVE, Frequency, RARE_BELOW, RankingGroup};
use softnce_report::number::{MISSING, fixed, plural};

use crate::results::{Evaluation, RunResults};

/// A value of an evaluation that does not depend on k: its name in `results.csv`, its title, its decimals, the value,
/// and the value of equal probabilities for this number of classes.
pub(super) struct Whole {
    name: &'static str,
    pub(super) title: &'static str,
    decimals: usize,
    of: fn(&Evaluation) -> Option<f64>,
    uniform: fn(f64) -> Option<f64>,
}

pub(super) const WHOLE: [Whole; 3] = [
    Whole {
        name: "nll",
        title: "negative log likelihood, nats",
        decimals: 4,
        of: |evaluation| Some(evaluation.nll),
        uniform: |classes| Some(classes.ln()),
    },
    Whole {
        name: "perplexity",
        title: "perplexity",
        decimals: 2,
        of: |evaluation| Some(evaluation.perplexity()),
        uniform: Some,
    },
    Whole {
        name: "divergence",
        title: "divergence from the true posterior, nats",
        decimals: 4,
        of: |evaluation| evaluation.divergence,
        uniform: |_| None,
    },
];

impl Whole {
    /// The value as shown; `None` where the evaluation has none.
    pub(super) fn shown(&self, evaluation: &Evaluation) -> Option<String> {
        (self.of)(evaluation).map(|value| fixed(value, self.decimals))
    }

    /// The value of equal probabilities as shown.
    pub(super) fn reference(&self, results: &RunResults) -> String {
        let value = (self.uniform)(results.classes as f64);
        value.map_or_else(|| MISSING.to_owned(), |value| fixed(value, self.decimals))
    }
}

/// A value at k: its name in `results.csv`, its title, and the value.
type AtK<R> = (&'static str, &'static str, fn(&R) -> Option<f64>);

/// The values at k over all classes.
pub(super) const RANKING: [AtK<softnce_metrics::RankingAt>; 4] = [
    ("precision", "precision", |at| Some(at.precision)),
    ("recall", "recall", |at| Some(at.recall)),
    ("ndcg", "nDCG", |at| Some(at.ndcg)),
    ("propensity_scored_precision", "propensity-scored precision", |at| at.propensity_scored_precision),
];

/// The values at k of the classes of one frequency.
pub(super) const GROUP: [AtK<RankingGroup>; 3] = [
    ("precision", "precision", |group| group.precision),
    ("recall", "recall", |group| group.recall),
    ("class_recall", "recall by class", |group| group.class_recall),
];

/// A share in per cent.
pub(super) fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| MISSING.to_owned(), |value| fixed(100.0 * value, 2))
}

/// The name of a group of classes.
pub(super) fn frequency_name(frequency: Frequency) -> &'static str {
    match frequency {
        Frequency::Frequent => "frequent",
        Frequency::Medium => "medium",
        Frequency::Rare => "rare",
    }
}

/// How the groups are made.
pub(super) fn groups_in_words(results: &RunResults) -> String {
    let counted = match results.occurring {
        Some(_) => "The count of a class is the number of training rows that have it as a label.",
        None => "The count of a class is its expected number of training rows, rounded.",
    };
    format!(
        "{counted} Frequent: more than {FREQUENT_ABOVE}; medium: {RARE_BELOW} to {FREQUENT_ABOVE}; \
         rare: fewer than {RARE_BELOW}, or none. Precision: share of the places in the first k of the lists taken by \
         these classes that are right. Recall: share of the labels of these classes that the first k hold. Recall by \
         class: the same share of each class, averaged over the classes that occur in the test rows."
    )
}

/// What the other values are.
pub(super) fn metrics_in_words(evaluation: &Evaluation) -> String {
    let divergence = match evaluation.divergence {
        Some(_) => " Divergence: Kullback-Leibler, from the posterior of the generated rows, which is known.",
        None => "",
    };
    format!(
        "Over all classes, with the softmax of the scores divided by the temperature. Perplexity is the exponential of \
         the negative log likelihood. Uniform: the value of equal probabilities for all classes.{divergence}"
    )
}

/// What the values at k are.
pub(super) fn ranking_in_words(evaluation: &Evaluation) -> String {
    let unlabelled = match evaluation.ranking.unlabelled {
        0 => String::new(),
        rows => format!(" {} no label and count with 0.", plural(rows, "row has", "rows have")),
    };
    format!(
        "In %; precision, recall and nDCG are means over the rows. Precision: share of the first k classes that are right. \
         Recall: share of a row's labels among them. nDCG: sum over the right ones of 1 / log2(i + 1) for place i, divided \
         by its largest possible value. Propensity-scored precision (Jain et al. 2016, A = 0.55, B = 1.5): labels of rare \
         classes count more; the sum over the rows, divided by the largest possible one.{unlabelled}"
    )
}

/// Every value of every evaluation, for the CSV file.
pub(super) fn rows(results: &RunResults) -> Vec<[String; 6]> {
    let mut rows = vec![["step", "seconds", "measure", "k", "classes", "value"].map(str::to_owned)];
    for evaluation in &results.history {
        let mut add = |measure: &str, k: Option<usize>, classes: &str, value: Option<f64>| {
            let Some(value) = value else { return };
            let k = k.map_or_else(String::new, |k| k.to_string());
            let (step, seconds) = (evaluation.step.to_string(), evaluation.seconds.to_string());
            rows.push([step, seconds, measure.to_owned(), k, classes.to_owned(), value.to_string()]);
        };
        add("train_loss", None, "all", evaluation.train_loss);
        add("temperature", None, "all", Some(evaluation.temperature));
        WHOLE.iter().for_each(|whole| add(whole.name, None, "all", (whole.of)(evaluation)));
        for at in &evaluation.ranking.at {
            RANKING.iter().for_each(|(name, _, of)| add(name, Some(at.k), "all", of(at)));
            for frequency in Frequency::ALL.into_iter().filter(|_| at.groups.is_some()) {
                let group = at.groups.as_ref().map(|groups| groups.get(frequency));
                let value = |of: fn(&RankingGroup) -> Option<f64>| group.and_then(of);
                GROUP.iter().for_each(|(name, _, of)| add(name, Some(at.k), frequency_name(frequency), value(*of)));
            }
        }
    }
    rows
}
