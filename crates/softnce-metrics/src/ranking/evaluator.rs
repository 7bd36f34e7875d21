//! The evaluator of ranked lists.

use ndarray::{ArrayView1, ArrayView2};

use super::at_k::{AtSums, RankingResult};
use super::groups::GroupSums;
use super::propensity::TrainingCounts;
use crate::error::MetricError;

/// A relevance may be above 1 by rounding.
const LARGEST_RELEVANCE: f32 = 1.0001;

/// Evaluates lists of the best classes, a batch at a time.
///
/// A label is a class with its relevance y in `[0, 1]`: 1 for each label of a set of labels, a probability for a soft
/// label. The result does not depend on how the rows are split into batches. With training counts, it keeps a few
/// numbers for each class that a label names; the rest is a few sums.
///
/// ```
/// use ndarray::array;
/// use softnce_metrics::RankingEvaluator;
///
/// let mut evaluator = RankingEvaluator::new(10, &[1, 3], None)?;
/// evaluator.push(array![[7, 2, 5]].view(), &[[(2, 1.0), (7, 1.0), (9, 1.0)]])?;
/// let result = evaluator.finish()?;
/// assert_eq!(result.at[0].precision, 1.0);
/// assert_eq!(result.at[1].precision, 2.0 / 3.0);
/// # Ok::<(), softnce_metrics::MetricError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RankingEvaluator<'c> {
    classes: usize,
    ks: Vec<usize>,
    training: Option<TrainingCounts<'c>>,
    examples: usize,
    unlabelled: usize,
    sums: Vec<AtSums>,
    groups: Option<GroupSums>,
    row: Row,
}

/// Working memory for a row.
#[derive(Debug, Clone, Default)]
struct Row {
    /// Labels with a relevance above 0, by class.
    labels: Vec<(u32, f64)>,
    /// Relevances, or relevances divided by propensities, from the largest down.
    best: Vec<f64>,
}

impl Row {
    fn set_labels(&mut self, labels: &[(u32, f32)]) {
        self.labels.clear();
        self.labels.extend(labels.iter().filter(|label| label.1 > 0.0).map(|&(class, y)| (class, f64::from(y))));
        self.labels.sort_unstable_by_key(|label| label.0);
    }

    fn relevance(&self, class: u32) -> f64 {
        self.labels.binary_search_by_key(&class, |label| label.0).map_or(0.0, |at| self.labels[at].1)
    }

    /// Sets `best` to `gain(class, relevance)` of the labels, from the largest down.
    fn rank(&mut self, gain: impl Fn(u32, f64) -> f64) {
        self.best.clear();
        self.best.extend(self.labels.iter().map(|&(class, y)| gain(class, y)));
        self.best.sort_unstable_by(|a, b| b.total_cmp(a));
    }
}

/// `1 / log2(i + 1)` of place i, counted from 1; here from 0.
fn discount(place: usize) -> f64 {
    1.0 / (place as f64 + 2.0).log2()
}

impl<'c> RankingEvaluator<'c> {
    /// An evaluator over `classes` classes, at each k of `ks`, that has seen nothing yet. With the counts of the training
    /// set it also gives the propensity-scored precision and the groups by frequency.
    ///
    /// # Errors
    /// No classes; no `ks`, or a k outside `1..=classes`; counts of another length.
    pub fn new(classes: usize, ks: &[usize], training: Option<TrainingCounts<'c>>) -> Result<Self, MetricError> {
        if classes == 0 {
            return Err(MetricError::Empty { argument: "classes", expected: "class" });
        }
        if ks.is_empty() {
            return Err(MetricError::Empty { argument: "ks", expected: "k" });
        }
        if let Some(&k) = ks.iter().find(|&&k| k == 0 || k > classes) {
            let expected = "1 to the number of classes";
            return Err(MetricError::Setting { argument: "k", value: k as f64, expected });
        }
        if let Some(found) = training.map(|training| training.counts().len()).filter(|&found| found != classes) {
            return Err(MetricError::ClassCount { argument: "counts", found, expected: classes });
        }
        Ok(RankingEvaluator {
            classes,
            ks: ks.to_vec(),
            training,
            examples: 0,
            unlabelled: 0,
            sums: vec![AtSums::default(); ks.len()],
            groups: training.map(|_| GroupSums::new(ks.len())),
            row: Row::default(),
        })
    }

    /// Adds rows. On an error nothing is added.
    ///
    /// # Shapes
    /// `lists`: rows x places, distinct classes, the best first, with at least as many places as the largest k;
    /// `labels`: rows, each a list of distinct classes with their relevances, in any order.
    ///
    /// # Errors
    /// Shapes that disagree; a class out of range or twice in a row; a relevance outside `[0, 1]`.
    pub fn push<L: AsRef<[(u32, f32)]>>(
        &mut self,
        lists: ArrayView2<'_, u32>,
        labels: &[L],
    ) -> Result<(), MetricError> {
        self.check(lists, labels)?;
        for (list, labels) in lists.rows().into_iter().zip(labels) {
            self.add(list, labels.as_ref());
        }
        Ok(())
    }

    /// Number of rows so far.
    pub fn examples(&self) -> usize {
        self.examples
    }

    /// The metrics of everything pushed.
    ///
    /// # Errors
    /// Nothing was pushed.
    pub fn finish(self) -> Result<RankingResult, MetricError> {
        if self.examples == 0 {
            return Err(MetricError::Empty { argument: "lists", expected: "row" });
        }
        let counts = self.training.map_or(&[][..], |training| training.counts());
        let groups = self.groups.map(|groups| groups.finish(counts));
        let at = self.ks.iter().zip(&self.sums).enumerate();
        let at =
            at.map(|(number, (&k, sums))| sums.finish(k, self.examples, groups.as_ref().map(|groups| groups[number])));
        Ok(RankingResult { examples: self.examples, unlabelled: self.unlabelled, at: at.collect() })
    }

    /// Adds a row that [`check`](Self::check) has let pass.
    fn add(&mut self, list: ArrayView1<'_, u32>, labels: &[(u32, f32)]) {
        self.row.set_labels(labels);
        self.examples += 1;
        let total: f64 = self.row.labels.iter().map(|label| label.1).sum();
        if total == 0.0 {
            self.unlabelled += 1;
        }
        if let Some(groups) = &mut self.groups {
            self.row.labels.iter().for_each(|&(class, y)| groups.add_label(class, y));
        }
        let training = self.training;
        let inverse = |class: u32| {
            training.map_or(0.0, |training| training.inverse_propensity(training.counts()[class as usize]))
        };
        for (place, &class) in list.iter().enumerate() {
            let y = self.row.relevance(class);
            let within = self.ks.iter().enumerate().filter(|&(_, &k)| place < k).map(|(number, _)| number);
            if let (Some(groups), Some(training)) = (&mut self.groups, &self.training) {
                groups.add_place(class, training.counts()[class as usize], y, within.clone());
            }
            if y > 0.0 {
                let scored = y * inverse(class);
                within.for_each(|number| {
                    self.sums[number].precision += y / self.ks[number] as f64;
                    self.sums[number].recall += y / total;
                    self.sums[number].scored += scored;
                });
            }
        }
        self.add_ndcg(list);
        self.row.rank(|class, y| y * inverse(class));
        for (sums, &k) in self.sums.iter_mut().zip(&self.ks) {
            sums.best_scored += self.row.best.iter().take(k).sum::<f64>();
        }
    }

    /// Adds the gain of the list, divided by that of the best list.
    fn add_ndcg(&mut self, list: ArrayView1<'_, u32>) {
        self.row.rank(|_, y| y);
        for (sums, &k) in self.sums.iter_mut().zip(&self.ks) {
            let best: f64 = self.row.best.iter().take(k).enumerate().map(|(place, y)| y * discount(place)).sum();
            if best > 0.0 {
                let places = list.iter().take(k).enumerate();
                let found: f64 = places.map(|(place, &class)| self.row.relevance(class) * discount(place)).sum();
                sums.ndcg += found / best;
            }
        }
    }

    fn check<L: AsRef<[(u32, f32)]>>(&self, lists: ArrayView2<'_, u32>, labels: &[L]) -> Result<(), MetricError> {
        if labels.len() != lists.nrows() {
            let (length, expected) = (labels.len(), lists.nrows());
            return Err(MetricError::ShapeMismatch { argument: "labels", length, expected, per: "row of lists" });
        }
        let places = self.ks.iter().copied().max().unwrap_or(0);
        if lists.nrows() > 0 && lists.ncols() < places {
            return Err(MetricError::ShapeMismatch {
                argument: "lists",
                length: lists.ncols(),
                expected: places,
                per: "place up to the largest k",
            });
        }
        let mut classes = Vec::new();
        for (row, (list, labels)) in lists.rows().into_iter().zip(labels).enumerate() {
            classes.clear();
            classes.extend(list.iter().copied());
            self.check_classes("lists", row, &mut classes)?;
            let labels = labels.as_ref();
            if let Some(&(class, value)) = labels.iter().find(|label| !(0.0..=LARGEST_RELEVANCE).contains(&label.1)) {
                return Err(MetricError::Relevance { row, class, value });
            }
            classes.clear();
            classes.extend(labels.iter().map(|label| label.0));
            self.check_classes("labels", row, &mut classes)?;
        }
        Ok(())
    }

    /// Checks that classes exist and are distinct; sorts them.
    fn check_classes(&self, argument: &'static str, row: usize, of_row: &mut [u32]) -> Result<(), MetricError> {
        of_row.sort_unstable();
        if let Some(&class) = of_row.last().filter(|&&class| class as usize >= self.classes) {
            return Err(MetricError::ClassOutOfRange { argument, row, class, classes: self.classes });
        }
        match of_row.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(MetricError::RepeatedClass { argument, row, class: pair[0] }),
            None => Ok(()),
        }
    }
}
