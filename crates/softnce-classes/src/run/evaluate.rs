//! Evaluation over all classes.

use ndarray::{Array1, ArrayView2};
use softnce_metrics::{RankingEvaluator, TrainingCounts};
use softnce_rows::RowStore;
use softnce_rows::search::Scan;

use super::build::{ClassesData, Parts};
use crate::ClassesError;
use crate::data::{Example, InputRows, Minibatch};
use crate::recipe::{ClassesRecipe, EvaluationSection};
use crate::results::Evaluation;

/// Rows whose scores are computed in one pass over the classes.
pub(super) const ROWS_AT_ONCE: usize = 1024;

impl ClassesData {
    /// Refuses, before the first step, a recipe that is out of its ranges, or that could not be evaluated on these rows.
    ///
    /// # Errors
    /// The first such setting; rows that cannot be read.
    pub fn check(&self, recipe: &ClassesRecipe) -> Result<(), ClassesError> {
        recipe.check()?;
        check(&recipe.evaluation, self)
    }
}

fn check(section: &EvaluationSection, data: &ClassesData) -> Result<(), ClassesError> {
    let classes = data.test.classes();
    if section.k.iter().all(|&k| k > classes) {
        let expected = format!("at least one number up to {classes}, the number of classes");
        return Err(ClassesError::setting("evaluation.k", format!("{:?}", section.k), expected));
    }
    // Propensities take the logarithm of the number of training rows, which must be above 1.
    if data.train.len() < 3 {
        return Err(ClassesError::setting("the number of training rows", data.train.len(), "at least 3"));
    }
    let mut example = Example::default();
    let rows = spread(data.test.len(), section.rows);
    for &row in &rows {
        data.test.read(row, &mut example)?;
        if !example.classes.is_empty() {
            return Ok(());
        }
    }
    let found = format!("0 of {}", rows.len());
    Err(ClassesError::setting("the number of evaluated test rows with a label", found, "at least 1"))
}

/// Evaluates rows of the test part.
pub(super) fn evaluate(
    section: &EvaluationSection,
    data: &ClassesData,
    parts: &Parts,
    store: &RowStore,
    (step, seconds, train_loss): (u64, f64, Option<f64>),
) -> Result<Evaluation, ClassesError> {
    let classes = data.test.classes();
    let training = TrainingCounts::new(&data.counts, data.train.len() as u64)?;
    let ks: Vec<usize> = section.k.iter().copied().filter(|&k| k <= classes).collect();
    let most = ks.iter().copied().max().unwrap_or(1);
    let mut ranking = RankingEvaluator::new(classes, &ks, Some(training))?;
    let rows_of_test = spread(data.test.len(), section.rows);
    let biases: Option<Array1<f32>> = parts.head.biases(store)?;
    let current = parts.head.table.current(store)?;
    let (mut likelihood, mut rows, mut divergence) = (0.0, 0_usize, 0.0);
    for part in rows_of_test.chunks(ROWS_AT_ONCE) {
        let batch = Minibatch::read(&data.test, part)?;
        let features = parts.encoder.encode(store, &batch.inputs)?;
        let labels: Vec<(usize, u32, f64)> = (0..batch.len())
            .flat_map(|row| {
                let (classes, weights) = batch.label(row);
                classes.iter().zip(weights).map(move |(&class, &weight)| (row, class, weight))
            })
            .collect();
        let clusters = cluster_pairs(data, &batch)?;
        let pairs: Vec<(usize, u32)> = labels
            .iter()
            .map(|&(row, class, _)| (row, class))
            .chain(clusters.iter().map(|&(row, class, _)| (row, class)))
            .collect();
        let mut scan = Scan::new(features.view())
            .with_temperature(parts.head.temperature.value() as f32)
            .with_top(most)
            .with_log_sum()
            .with_scores_of(&pairs);
        if let Some(biases) = biases.as_ref().and_then(|biases| biases.as_slice()) {
            scan = scan.with_bias(biases);
        }
        if parts.head.normalise {
            scan = scan.with_cosine();
        }
        let found = scan.run(&current).map_err(ClassesError::in_rows("test row", part))?;
        let (Some(top), Some(sums), Some(scores)) = (found.top, found.log_sum, found.pair_scores) else { continue };
        for (&(row, _, weight), &score) in labels.iter().zip(&scores) {
            likelihood += weight * (sums[row] - f64::from(score));
        }
        divergence += divergence_of(&clusters, &scores[labels.len()..], &sums);
        rows += (0..batch.len()).filter(|&row| !batch.label(row).0.is_empty()).count();
        let relevant: Vec<Vec<(u32, f32)>> =
            (0..batch.len()).map(|row| batch.relevant(row).iter().map(|&class| (class, 1.0)).collect()).collect();
        ranking.push(ArrayView2::from(&top.classes), &relevant)?;
    }
    Ok(Evaluation {
        step,
        seconds,
        train_loss,
        nll: likelihood / rows.max(1) as f64,
        temperature: parts.head.temperature.value(),
        divergence: data.generated.as_ref().map(|_| divergence / rows.max(1) as f64),
        ranking: ranking.finish()?,
    })
}

/// So many of the rows, at equal distances: the first ones may be of one kind, such as those of a text.
fn spread(rows: usize, wanted: usize) -> Vec<usize> {
    let count = rows.min(wanted);
    (0..count).map(|place| (place as u128 * rows as u128 / count as u128) as usize).collect()
}

/// For generated rows: the classes of each row's cluster, with their true posterior.
fn cluster_pairs(data: &ClassesData, batch: &Minibatch) -> Result<Vec<(usize, u32, f64)>, ClassesError> {
    let (Some(generated), InputRows::Dense(features)) = (&data.generated, &batch.inputs) else { return Ok(Vec::new()) };
    let mut pairs = Vec::new();
    for (row, features) in features.outer_iter().enumerate() {
        let cluster = generated.cluster(generated.class(batch.rows[row])?);
        let posterior = generated.posterior(features.to_vec().as_slice(), cluster)?;
        let members = generated.members(cluster).zip(posterior);
        pairs.extend(members.map(|(class, probability)| (row, class as u32, probability)));
    }
    Ok(pairs)
}

/// The sum over the rows of `sum_y p(y) log(p(y) / q(y))`. `q` is the softmax of the scores over all classes, whose
/// logarithmic normalisers are `log_sums`; `p` is 0 outside a row's cluster, so that only the pairs of clusters are needed.
fn divergence_of(pairs: &[(usize, u32, f64)], scores: &[f32], log_sums: &[f64]) -> f64 {
    let terms = pairs.iter().zip(scores).filter(|((_, _, probability), _)| *probability > 0.0);
    terms.map(|(&(row, _, p), &score)| p * (p.ln() - (f64::from(score) - log_sums[row]))).sum()
}

#[cfg(test)]
mod tests {
    use super::{divergence_of, spread};

    #[test]
    fn probability_of_other_clusters_counts_in_the_divergence() {
        // The head gives each class of the cluster 1/4, and so half of the probability to other classes.
        let pairs = [(0, 6, 0.5), (0, 7, 0.5), (1, 2, 1.0), (1, 3, 0.0)];
        let (scores, log_sums) = ([1.0, 1.0, 0.0, -80.0], [1.0 + 4.0_f64.ln(), 0.0]);
        assert!((divergence_of(&pairs, &scores, &log_sums) - 2.0_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn rows_are_spread_over_the_whole_part() {
        assert_eq!(spread(10, 4), [0, 2, 5, 7]);
        assert_eq!(spread(3, 10), [0, 1, 2]);
        assert_eq!(spread(usize::MAX, 2), [0, usize::MAX / 2]);
        assert_eq!(spread(0, 5), [0_usize; 0]);
    }
}
