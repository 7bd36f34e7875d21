//! Accuracy of frequent and of rare classes, by their number of training examples.

use serde::{Deserialize, Serialize};

use super::classes::ClassResult;

/// A class with more training examples than this is frequent (Liu et al. 2019, "Large-Scale Long-Tailed Recognition
/// in an Open World": "many-shot").
pub const FREQUENT_ABOVE: u64 = 100;

/// A class with fewer training examples than this is rare ("few-shot" there).
pub const RARE_BELOW: u64 = 20;

/// How often a class occurs in the training set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frequency {
    /// More than [`FREQUENT_ABOVE`] examples.
    Frequent,
    /// [`RARE_BELOW`] to [`FREQUENT_ABOVE`] examples.
    Medium,
    /// Fewer than [`RARE_BELOW`] examples; none counts as well.
    Rare,
}

impl Frequency {
    /// All of them, from the most frequent down.
    pub const ALL: [Frequency; 3] = [Frequency::Frequent, Frequency::Medium, Frequency::Rare];

    /// That of a class with `count` training examples.
    pub fn of(count: u64) -> Self {
        match count {
            count if count > FREQUENT_ABOVE => Frequency::Frequent,
            count if count < RARE_BELOW => Frequency::Rare,
            _ => Frequency::Medium,
        }
    }
}

/// The classes of one frequency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct FrequencyGroup {
    /// Number of classes, those without an example evaluated included.
    pub classes: usize,
    /// Number of examples evaluated.
    pub examples: usize,
    /// Mean over the classes of the class's accuracy, in `[0, 1]`, as the literature reports it; classes without an
    /// example are left out, and without any there is none.
    pub accuracy: Option<f64>,
}

/// The classes by their frequency in the training set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct FrequencyGroups {
    /// Classes with more than [`FREQUENT_ABOVE`] training examples.
    pub frequent: FrequencyGroup,
    /// Classes with [`RARE_BELOW`] to [`FREQUENT_ABOVE`] training examples.
    pub medium: FrequencyGroup,
    /// Classes with fewer than [`RARE_BELOW`] training examples.
    pub rare: FrequencyGroup,
}

impl FrequencyGroups {
    /// The group of a frequency.
    pub fn get(&self, frequency: Frequency) -> &FrequencyGroup {
        match frequency {
            Frequency::Frequent => &self.frequent,
            Frequency::Medium => &self.medium,
            Frequency::Rare => &self.rare,
        }
    }

    /// Groups the classes; `counts` has one entry per class.
    pub(super) fn new(classes: &[ClassResult], counts: &[u64]) -> Self {
        let of = |frequency| {
            let members = classes.iter().zip(counts).filter(|&(_, &count)| Frequency::of(count) == frequency);
            let members: Vec<&ClassResult> = members.map(|(class, _)| class).collect();
            FrequencyGroup {
                classes: members.len(),
                examples: members.iter().map(|class| class.examples).sum(),
                accuracy: mean_accuracy(members),
            }
        };
        Self { frequent: of(Frequency::Frequent), medium: of(Frequency::Medium), rare: of(Frequency::Rare) }
    }
}

/// Mean of the accuracies of those classes that have one.
pub(super) fn mean_accuracy<'a>(classes: impl IntoIterator<Item = &'a ClassResult>) -> Option<f64> {
    let accuracies: Vec<f64> = classes.into_iter().filter_map(|class| class.accuracy).collect();
    (!accuracies.is_empty()).then(|| accuracies.iter().sum::<f64>() / accuracies.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_those_of_the_literature() {
        let of = [0, 1, 19, 20, 100, 101].map(Frequency::of);
        use Frequency::{Frequent, Medium, Rare};
        assert_eq!(of, [Rare, Rare, Rare, Medium, Medium, Frequent]);
    }

    #[test]
    fn groups_are_means_over_classes() {
        let class = |examples, correct| ClassResult::new(examples, correct, 0, None);
        let classes = [class(10, 9), class(2, 1), class(0, 0), class(4, 1)];
        let groups = FrequencyGroups::new(&classes, &[500, 101, 5, 0]);
        // np.mean([.9, .5]), not 10 / 12
        assert_eq!(groups.frequent, FrequencyGroup { classes: 2, examples: 12, accuracy: Some(0.7) });
        assert_eq!(groups.medium, FrequencyGroup::default());
        assert_eq!(groups.rare, FrequencyGroup { classes: 2, examples: 4, accuracy: Some(0.25) });
        assert_eq!(Frequency::ALL.map(|frequency| groups.get(frequency).examples), [12, 0, 4]);
    }
}
