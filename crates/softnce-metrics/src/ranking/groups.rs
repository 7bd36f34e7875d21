//! Ranking metrics of frequent and of rare classes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evaluation::Frequency;

/// The classes of one frequency, at one k.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct RankingGroup {
    /// Number of classes, those that no label names included.
    pub classes: usize,
    /// Sum of the relevances of the labels that name one of these classes.
    pub labels: f64,
    /// Places in the first k of the lists that one of these classes takes.
    pub predictions: usize,
    /// Mean relevance of these places, in `[0, 1]`; none without any.
    pub precision: Option<f64>,
    /// Share of `labels` that the first k places hold, in `[0, 1]`; none without labels. With one label a row and k = 1
    /// it is the accuracy on rows of these classes.
    pub recall: Option<f64>,
    /// The same share of each class, averaged over the classes that a label names. Rare classes count as much as
    /// frequent ones.
    pub class_recall: Option<f64>,
}

/// The classes by their frequency in the training set, at one k; see [`Frequency`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct RankingGroups {
    /// Frequent classes (head).
    pub frequent: RankingGroup,
    /// Classes of medium frequency (torso).
    pub medium: RankingGroup,
    /// Rare classes (tail).
    pub rare: RankingGroup,
}

impl RankingGroups {
    /// The group of a frequency.
    pub fn get(&self, frequency: Frequency) -> &RankingGroup {
        match frequency {
            Frequency::Frequent => &self.frequent,
            Frequency::Medium => &self.medium,
            Frequency::Rare => &self.rare,
        }
    }

    fn get_mut(&mut self, frequency: Frequency) -> &mut RankingGroup {
        match frequency {
            Frequency::Frequent => &mut self.frequent,
            Frequency::Medium => &mut self.medium,
            Frequency::Rare => &mut self.rare,
        }
    }
}

/// The sums behind them.
#[derive(Debug, Clone)]
pub(super) struct GroupSums {
    ks: usize,
    /// By frequency, as in [`Frequency::ALL`], and by k.
    places: Vec<[Places; 3]>,
    /// Of each class that a label names: the sum of its relevances, and how much of it the first k places hold, by k.
    classes: BTreeMap<u32, (f64, Box<[f64]>)>,
}

/// Places in lists that classes of one frequency take.
#[derive(Debug, Clone, Copy, Default)]
struct Places {
    count: usize,
    relevance: f64,
}

impl GroupSums {
    pub(super) fn new(ks: usize) -> Self {
        GroupSums { ks, places: vec![Default::default(); ks], classes: BTreeMap::new() }
    }

    /// Adds a label with a relevance above 0.
    pub(super) fn add_label(&mut self, class: u32, relevance: f64) {
        self.classes.entry(class).or_insert_with(|| (0.0, vec![0.0; self.ks].into())).0 += relevance;
    }

    /// Adds a place of a list that lies within the first k for the `ks` with these numbers. The label of a relevant
    /// class must have been added before.
    pub(super) fn add_place(&mut self, class: u32, count: u64, relevance: f64, ks: impl Iterator<Item = usize>) {
        let frequency = Frequency::of(count) as usize;
        let mut held = self.classes.get_mut(&class).filter(|_| relevance > 0.0);
        for k in ks {
            self.places[k][frequency].count += 1;
            self.places[k][frequency].relevance += relevance;
            if let Some((_, held)) = &mut held {
                held[k] += relevance;
            }
        }
    }

    /// The groups at each k; `counts` has one entry per class.
    pub(super) fn finish(&self, counts: &[u64]) -> Vec<RankingGroups> {
        let mut sizes = [0; 3];
        counts.iter().for_each(|&count| sizes[Frequency::of(count) as usize] += 1);
        let mut all = vec![RankingGroups::default(); self.ks];
        for (k, groups) in all.iter_mut().enumerate() {
            // Held relevance, and the sum over the classes of their shares, with the number of these classes.
            let (mut labels, mut held, mut shares, mut named) = ([0.0; 3], [0.0; 3], [0.0; 3], [0_usize; 3]);
            for (&class, (relevance, of_class)) in &self.classes {
                let frequency = Frequency::of(counts[class as usize]) as usize;
                labels[frequency] += relevance;
                held[frequency] += of_class[k];
                shares[frequency] += of_class[k] / relevance;
                named[frequency] += 1;
            }
            for (at, frequency) in Frequency::ALL.into_iter().enumerate() {
                let Places { count, relevance } = self.places[k][at];
                *groups.get_mut(frequency) = RankingGroup {
                    classes: sizes[at],
                    labels: labels[at],
                    predictions: count,
                    precision: (count > 0).then(|| relevance / count as f64),
                    recall: (named[at] > 0).then(|| held[at] / labels[at]),
                    class_recall: (named[at] > 0).then(|| shares[at] / named[at] as f64),
                };
            }
        }
        all
    }
}
