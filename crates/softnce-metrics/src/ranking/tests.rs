#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ndarray::{Array2, array, s};
use proptest::prelude::*;

use super::*;
use crate::{Frequency, MetricError};

type Labels = Vec<Vec<(u32, f32)>>;

/// counts = np.array([500, 101, 100, 20, 5, 0]); N = 1000
const COUNTS: [u64; 6] = [500, 101, 100, 20, 5, 0];

fn training(counts: &[u64]) -> TrainingCounts<'_> {
    TrainingCounts::new(counts, 1000).unwrap()
}

/// lists = np.array([[0, 3, 1], [2, 4, 0], [5, 1, 2]])
fn lists() -> Array2<u32> {
    array![[0, 3, 1], [2, 4, 0], [5, 1, 2]]
}

fn evaluated(lists: &Array2<u32>, labels: &Labels, ks: &[usize]) -> RankingResult {
    let mut evaluator = RankingEvaluator::new(6, ks, Some(training(&COUNTS))).unwrap();
    evaluator.push(lists.view(), labels).unwrap();
    evaluator.finish().unwrap()
}

fn close(value: f64, expected: f64) {
    assert!((value - expected).abs() <= 1e-12, "{value} is not {expected}");
}

/// Expected: precision, recall, nDCG, propensity-scored precision at k = 1, 2, 3.
fn check(result: &RankingResult, expected: [[f64; 4]; 3], tolerance: f64) {
    for (at, expected) in result.at.iter().zip(expected) {
        let found = [at.precision, at.recall, at.ndcg, at.propensity_scored_precision.unwrap()];
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found - expected).abs() <= tolerance, "{found} is not {expected} at {}", at.k);
        }
    }
}

#[test]
fn propensities_follow_their_model() {
    // A, B = .55, 1.5; C = (np.log(N) - 1) * (B + 1) ** A; 1 + C * np.exp(-A * np.log(counts + B))
    let expected = [
        1.319_993_005_991_965_8,
        1.766_286_855_122_388_5,
        1.770_429_987_403_611_6,
        2.809_040_745_709_382,
        4.492_908_069_809_717,
        8.824_188_577_703_566,
    ];
    COUNTS.into_iter().zip(expected).for_each(|(n, expected)| close(training(&COUNTS).inverse_propensity(n), expected));
    // The same with A, B, N = .5, .4, 15539 at a count of 3
    let others = TrainingCounts::with_constants(&[3], 15_539, 0.5, 0.4).unwrap();
    close(others.inverse_propensity(3), 6.551_320_565_262_658);
}

#[test]
fn sets_of_labels_match_values_worked_by_hand() {
    // y = np.zeros((3, 6)); y[0, [0, 1]] = 1; y[1, 4] = 1; inv as in the test above; t = np.maximum(y.sum(1), 1)
    // hit, gain = (np.take_along_axis(a, lists, 1)[:, :k] for a in (y, y * inv)); disc = 1 / np.log2(np.arange(2, 2 + k))
    // ideal, best = (-np.sort(-a, axis=1)[:, :k] for a in (y, y * inv)); i = (ideal * disc).sum(1); i[i == 0] = 1
    // hit.mean(), (hit.sum(1) / t).mean(), ((hit * disc).sum(1) / i).mean(), gain.sum() / best.sum()
    let labels: Labels = vec![vec![(1, 1.0), (0, 1.0)], vec![(4, 1.0)], vec![]];
    let result = evaluated(&lists(), &labels, &[1, 2, 3]);
    assert_eq!((result.examples, result.unlabelled), (3, 1));
    let expected = [
        [1.0 / 3.0, 1.0 / 6.0, 1.0 / 3.0, 0.210_888_624_147_822_67],
        [1.0 / 3.0, 0.5, 0.414_692_315_445_638_6, 0.766_955_659_205_162_6],
        [1.0 / 3.0, 2.0 / 3.0, 0.516_883_514_239_881_7, 1.0],
    ];
    check(&result, expected, 1e-12);

    // k = 2: places of the classes 0, 1 (frequent), 2, 3 (medium), 4, 5 (rare) are [0, 1], [3, 2], [4, 5]
    let groups = result.at[1].groups.unwrap();
    let group = |labels, precision, recall| RankingGroup {
        classes: 2,
        labels,
        predictions: 2,
        precision,
        recall,
        class_recall: recall,
    };
    assert_eq!(groups.frequent, group(2.0, Some(0.5), Some(0.5)));
    assert_eq!(groups.medium, group(0.0, Some(0.0), None));
    assert_eq!(groups.rare, group(1.0, Some(0.5), Some(1.0)));
    assert_eq!(*groups.get(Frequency::Rare), groups.rare);
    // k = 1: the first places are 0, 2, 5
    let groups = result.at[0].groups.unwrap();
    assert_eq!(Frequency::ALL.map(|frequency| groups.get(frequency).predictions), [1, 1, 1]);
    assert_eq!(Frequency::ALL.map(|frequency| groups.get(frequency).recall), [Some(0.5), None, Some(0.0)]);
}

#[test]
fn soft_labels_match_values_worked_by_hand() {
    // As above with y[0, [0, 1, 5]] = .5, .3, .2; y[1, [4, 0]] = .6, .4; y[2, 5] = 1
    let labels: Labels = vec![vec![(5, 0.2), (0, 0.5), (1, 0.3)], vec![(4, 0.6), (0, 0.4), (3, 0.0)], vec![(5, 1.0)]];
    let expected = [
        [0.5, 0.5, 2.0 / 3.0, 0.713_914_073_808_894_5],
        [0.35, 0.7, 0.723_172_870_439_220_2, 0.841_575_888_007_404_2],
        [0.311_111_111_111_111_06, 0.933_333_333_333_333_2, 0.834_099_574_670_455_7, 0.882_364_941_525_993_4],
    ];
    // Relevances are rounded to f32.
    check(&evaluated(&lists(), &labels, &[1, 2, 3]), expected, 1e-7);
}

#[test]
fn the_recall_of_classes_is_a_mean_over_classes() {
    let labels: Labels = [0, 0, 0, 1].map(|class| vec![(class, 1.0)]).into();
    let result = evaluated(&Array2::zeros((4, 1)), &labels, &[1]);
    let group = result.at[0].groups.unwrap().frequent;
    // 3 of 4 rows; np.mean([3 / 3, 0 / 1])
    assert_eq!((result.at[0].precision, group.recall, group.class_recall), (0.75, Some(0.75), Some(0.5)));
}

#[test]
fn without_training_counts_there_are_no_propensities() {
    let mut evaluator = RankingEvaluator::new(6, &[3, 1], None).unwrap();
    evaluator.push(lists().view(), &[[(0, 1.0)], [(1, 1.0)], [(2, 1.0)]]).unwrap();
    let result = evaluator.finish().unwrap();
    assert_eq!(result.at.iter().map(|at| at.k).collect::<Vec<_>>(), [3, 1]);
    assert!(result.at.iter().all(|at| at.propensity_scored_precision.is_none() && at.groups.is_none()));
    // Neither are there any if no row has a label.
    let result = evaluated(&lists(), &vec![vec![], vec![(1, 0.0)], vec![]], &[1]);
    assert_eq!((result.unlabelled, result.at[0].propensity_scored_precision), (3, None));
    assert_eq!((result.at[0].precision, result.at[0].recall, result.at[0].ndcg), (0.0, 0.0, 0.0));
}

proptest! {
    #[test]
    fn splits_make_no_difference_and_perfect_lists_are_perfect(rows in 1..20usize, cut in 0..20usize, seed in 0..1000usize) {
        let cut = cut.min(rows);
        // Permutations of the six classes: 1 + row is prime to 7 unless it is a multiple of it.
        let lists = Array2::from_shape_fn((rows, 6), |(row, at)| ((1 + (row + seed) % 6) * (at + 1) % 7 - 1) as u32);
        let labels: Labels = (0..rows)
            .map(|row| (0..(row + seed) % 4).map(|at| (((row + at) % 6) as u32, 1.0 / (1 + (at * seed) % 3) as f32)).collect())
            .collect();
        let whole = evaluated(&lists, &labels, &[1, 3, 6]);
        let mut parts = RankingEvaluator::new(6, &[1, 3, 6], Some(training(&COUNTS))).unwrap();
        parts.push(lists.slice(s![..cut, ..]), &labels[..cut]).unwrap();
        parts.push(lists.slice(s![cut.., ..]), &labels[cut..]).unwrap();
        prop_assert_eq!(parts.finish().unwrap(), whole.clone());

        let labelled = (whole.examples - whole.unlabelled) as f64 / rows as f64;
        prop_assert!((whole.at[2].recall - labelled).abs() < 1e-12);
        let mut perfect = lists.clone();
        for (mut list, labels) in perfect.rows_mut().into_iter().zip(&labels) {
            let y = |class: u32| labels.iter().find(|label| label.0 == class).map_or(0.0, |label| label.1);
            let mut order: Vec<u32> = (0..6).collect();
            order.sort_by(|&a, &b| y(b).total_cmp(&y(a)));
            list.iter_mut().zip(order).for_each(|(place, class)| *place = class);
        }
        let perfect = evaluated(&perfect, &labels, &[1, 3, 6]);
        for (perfect, at) in perfect.at.iter().zip(&whole.at) {
            prop_assert!((perfect.ndcg - labelled).abs() < 1e-12);
            prop_assert!(perfect.precision >= at.precision - 1e-12 && perfect.ndcg >= at.ndcg - 1e-12);
            prop_assert!(at.propensity_scored_precision.is_none_or(|value| (0.0..=1.0 + 1e-12).contains(&value)));
        }
    }
}

#[test]
fn bad_input_is_named_and_adds_nothing() {
    let message = |error: MetricError| error.to_string();
    let new = |classes, ks: &[usize]| message(RankingEvaluator::new(classes, ks, None).unwrap_err());
    assert_eq!(new(0, &[1]), "classes: empty, expected at least one class");
    assert_eq!(new(3, &[]), "ks: empty, expected at least one k");
    assert_eq!(new(3, &[1, 4]), "k: 4, expected 1 to the number of classes");
    assert_eq!(new(3, &[0]), "k: 0, expected 1 to the number of classes");
    let counts = RankingEvaluator::new(5, &[1], Some(training(&COUNTS))).unwrap_err();
    assert_eq!(message(counts), "counts: 6 classes, expected 5");
    assert_eq!(message(TrainingCounts::new(&COUNTS, 2).unwrap_err()), "examples: 2, expected at least 3");
    let constants = |a, b| message(TrainingCounts::with_constants(&COUNTS, 9, a, b).unwrap_err());
    assert_eq!(constants(-1.0, 1.5), "a: -1, expected a finite number >= 0");
    assert_eq!(constants(0.5, f64::NAN), "b: NaN, expected a finite number >= 0");
    assert_eq!(constants(0.5, 0.0), "b: 0, expected a number > 0");

    let mut evaluator = RankingEvaluator::new(6, &[2], None).unwrap();
    let mut push =
        |lists: Array2<u32>, labels: &[&[(u32, f32)]]| message(evaluator.push(lists.view(), labels).unwrap_err());
    let good = || array![[0, 1], [2, 3]];
    assert_eq!(push(good(), &[&[]]), "labels: length 1, expected 2, one entry per row of lists");
    assert_eq!(push(array![[0]], &[&[]]), "lists: length 1, expected 2, one entry per place up to the largest k");
    assert_eq!(push(array![[0, 1], [2, 6]], &[&[], &[]]), "lists[1]: class 6, expected one of 0..6");
    assert_eq!(push(array![[0, 1], [3, 3]], &[&[], &[]]), "lists[1]: class 3 twice, expected distinct classes");
    assert_eq!(push(good(), &[&[], &[(7, 1.0)]]), "labels[1]: class 7, expected one of 0..6");
    assert_eq!(push(good(), &[&[], &[(2, 1.0), (2, 0.5)]]), "labels[1]: class 2 twice, expected distinct classes");
    for value in [-0.1, 1.1, f32::NAN] {
        let expected = format!("labels[1]: relevance {value} of class 2, expected a number in [0, 1]");
        assert_eq!(push(good(), &[&[], &[(2, value)]]), expected);
    }
    assert_eq!(evaluator.examples(), 0);
    assert_eq!(message(evaluator.finish().unwrap_err()), "lists: empty, expected at least one row");
}
