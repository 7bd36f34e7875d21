#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ndarray::{Array2, array, s};
use proptest::prelude::*;

use super::*;
use crate::{MetricError, evaluate};

fn close(value: f64, expected: f64) {
    assert!((value - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{value} is not {expected}");
}

/// Logits, labels and label distributions that look like a model's: mostly right, with ties.
fn made_up(examples: usize, classes: usize) -> (Array2<f32>, Vec<usize>, Array2<f32>) {
    let labels: Vec<usize> = (0..examples).map(|row| row * 5 % classes).collect();
    let logits = Array2::from_shape_fn((examples, classes), |(row, class)| {
        ((row * 31 + class * 17) % 23) as f32 / 5.0 + if class == labels[row] { 3.0 } else { 0.0 }
    });
    let mut soft = Array2::from_shape_fn((examples, classes), |(row, class)| ((row + class * 3) % 4) as f32 + 0.5);
    soft.rows_mut().into_iter().for_each(|mut row| row /= row.sum());
    (logits, labels, soft)
}

fn config(temperature: f64) -> EvaluatorConfig {
    EvaluatorConfig { temperature, hardest: 5, ..EvaluatorConfig::default() }
}

/// All in one push, or in parts that end at the given rows.
fn evaluated(
    (logits, labels, soft): &(Array2<f32>, Vec<usize>, Array2<f32>),
    config: EvaluatorConfig,
    ends: &[usize],
) -> EvaluationResult {
    let mut evaluator = Evaluator::new(logits.ncols(), config).unwrap();
    let indices: Vec<usize> = (0..labels.len()).map(|row| 1000 - row).collect();
    let mut start = 0;
    for end in ends.iter().copied().chain([labels.len()]) {
        let part = s![start..end, ..];
        let (labels, indices) = (&labels[start..end], &indices[start..end]);
        evaluator.push(logits.slice(part), labels, Some(soft.slice(part)), indices).unwrap();
        assert_eq!(evaluator.examples(), end);
        start = end;
    }
    evaluator.finish().unwrap()
}

#[test]
fn the_whole_equals_the_plain_evaluation() {
    let data = made_up(200, 7);
    for temperature in [0.3, 1.0, 4.0] {
        let result = evaluated(&data, config(temperature), &[3, 64, 65]);
        assert_eq!(result.overall, evaluate(data.0.view(), temperature, &data.1).unwrap());
        assert_eq!(result.temperature, temperature);
    }
}

proptest! {
    #[test]
    fn splits_make_no_difference(
        examples in 1..60usize, classes in 1..9usize, ends in prop::collection::vec(0..60usize, 0..5),
    ) {
        let data = made_up(examples, classes);
        let mut ends: Vec<usize> = ends.into_iter().map(|end| end.min(examples)).collect();
        ends.sort_unstable();
        let config = EvaluatorConfig { class_counts: Some((0..classes as u64).map(|k| k * 30).collect()), ..config(0.7) };
        // Equal in every bit, the sums included: they are taken row by row.
        prop_assert_eq!(evaluated(&data, config.clone(), &ends), evaluated(&data, config, &[]));
    }
}

#[test]
fn matches_values_worked_by_hand() {
    // p = np.array([[.7, .2, .1], [.1, .8, .1], [.25, .3, .45], [.6, .3, .1]]); y = [0, 1, 0, 2]
    let logits = array![[0.7_f32, 0.2, 0.1], [0.1, 0.8, 0.1], [0.25, 0.3, 0.45], [0.6, 0.3, 0.1]].mapv(f32::ln);
    let soft = array![[0.7_f32, 0.2, 0.1], [0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.2, 0.3, 0.5]];
    let config = EvaluatorConfig { class_counts: Some(vec![101, 100, 3]), ..config(1.0) };
    let mut evaluator = Evaluator::new(3, config).unwrap();
    evaluator.push(logits.view(), &[0, 1, 0, 2], Some(soft.view()), &[7, 8, 9, 10]).unwrap();
    let result = evaluator.finish().unwrap();
    let near = |value: f64, expected: f64| assert!((value - expected).abs() < 1e-6, "{value} is not {expected}");

    assert_eq!(result.confusion.dense(), array![[1, 0, 1], [0, 1, 0], [1, 0, 0]]);
    assert_eq!(result.classes[0], ClassResult::new(2, 1, 2, Some(101)));
    assert_eq!(result.classes[2], ClassResult::new(1, 0, 1, Some(3)));
    // np.mean([1 / 2, 1, 0])
    close(result.class_balanced_accuracy, 0.5);
    let groups = result.groups.unwrap();
    assert_eq!(
        (groups.frequent.accuracy, groups.medium.accuracy, groups.rare.accuracy),
        (Some(0.5), Some(1.0), Some(0.0))
    );
    let soft_labels = result.soft_labels.unwrap();
    // -(w * np.log(p)).sum(1).mean()
    near(soft_labels.cross_entropy, 0.933_003_161_268_595);
    // -(w * np.log(np.where(w > 0, w, 1))).sum(1).mean()
    near(soft_labels.entropy, 0.631_154_686_791_964_1);
    near(soft_labels.kl_divergence, soft_labels.cross_entropy - soft_labels.entropy);

    let order = |examples: &[EvaluatedExample]| examples.iter().map(|example| example.index).collect::<Vec<_>>();
    // p of the labels: .7, .8, .25, .1
    assert_eq!(order(&result.hardest), [10, 9, 7, 8]);
    // predicted with .6 and .45
    assert_eq!(order(&result.confidently_wrong), [10, 9]);
    let worst = result.confidently_wrong[0];
    assert_eq!((worst.label, worst.predicted), (2, 0));
    near(worst.probability, 0.6);
    near(worst.label_probability, 0.1);
    near(worst.loss, -(0.1_f64.ln()));
}

#[test]
fn a_tie_is_a_confusion_with_the_rival() {
    let mut evaluator = Evaluator::new(3, config(1.0)).unwrap();
    evaluator.push(Array2::zeros((3, 3)).view(), &[0, 1, 2], None, &[0, 1, 2]).unwrap();
    let result = evaluator.finish().unwrap();
    assert_eq!(result.confusion.entries, [[0, 1, 1], [1, 0, 1], [2, 0, 1]]);
    assert_eq!((result.class_balanced_accuracy, result.overall.top1), (0.0, 0.0));
}

#[test]
fn accuracies_agree_with_each_other() {
    let result = evaluated(&made_up(300, 7), config(1.0), &[]);
    let correct: usize = result.classes.iter().map(|class| class.correct).sum();
    assert_eq!(correct as f64 / 300.0, result.overall.top1);
    assert!(correct > 0 && correct < 300);
    assert_eq!(result.classes.iter().map(|class| class.predicted).sum::<usize>(), 300);
    assert!(result.groups.is_none() && result.classes[0].training_examples.is_none());
    assert_eq!(result.hardest.len(), 5);
    assert!(result.confidently_wrong.iter().all(|example| example.label != example.predicted));
    assert!(result.ece_class_wise.error > 0.0 && result.ece_class_wise.calibrated_reference > 0.0);
}

#[test]
fn one_hot_soft_labels_give_the_likelihood() {
    let (logits, labels, _) = made_up(50, 4);
    let soft = Array2::from_shape_fn((50, 4), |(row, class)| f32::from(u8::from(labels[row] == class)));
    let result = evaluated(&(logits, labels, soft), config(0.5), &[]);
    let scores = result.soft_labels.unwrap();
    close(scores.cross_entropy, result.overall.nll);
    assert_eq!((scores.kl_divergence, scores.entropy), (scores.cross_entropy, 0.0));
}

#[test]
fn the_result_reads_back_from_json() {
    let config = EvaluatorConfig { class_counts: Some(vec![3; 7]), ..config(0.9) };
    let result = evaluated(&made_up(80, 7), config, &[]);
    let json = serde_json::to_string(&result).unwrap();
    assert_eq!(serde_json::from_str::<EvaluationResult>(&json).unwrap(), result);
}

#[test]
fn bad_settings_are_named() {
    let error = |classes, config| Evaluator::new(classes, config).unwrap_err().to_string();
    assert!(error(0, config(1.0)).contains("classes: empty"));
    assert!(error(2, config(0.0)).contains("temperature: 0"));
    assert!(error(2, EvaluatorConfig { bins: 0, ..config(1.0) }).contains("bins: 0"));
    let counts = EvaluatorConfig { class_counts: Some(vec![1]), ..config(1.0) };
    assert_eq!(error(2, counts), "class_counts: 1 classes, expected 2");
    let nothing = Evaluator::new(2, config(1.0)).unwrap();
    assert!(matches!(nothing.finish(), Err(MetricError::Empty { .. })));
}

#[test]
fn bad_rows_are_named_and_change_nothing() {
    let logits = array![[1.0_f32, 2.0], [3.0, 4.0]];
    let soft = array![[0.5_f32, 0.5], [0.0, 1.0]];
    let mut evaluator = Evaluator::new(2, config(1.0)).unwrap();
    evaluator.push(logits.view(), &[0, 1], Some(soft.view()), &[0, 1]).unwrap();
    let before = evaluator.clone().finish().unwrap();
    let mut error = |logits: &Array2<f32>, labels: &[usize], soft: Option<&Array2<f32>>, indices: &[usize]| {
        evaluator.push(logits.view(), labels, soft.map(|soft| soft.view()), indices).unwrap_err().to_string()
    };
    assert_eq!(error(&Array2::zeros((2, 3)), &[0, 1], Some(&soft), &[0, 1]), "logits: 3 classes, expected 2");
    assert!(error(&logits, &[0], Some(&soft), &[0, 1]).starts_with("labels: length 1, expected 2"));
    assert!(error(&logits, &[0, 1], Some(&soft), &[0]).starts_with("indices: length 1, expected 2"));
    assert!(error(&logits, &[0, 2], Some(&soft), &[0, 1]).starts_with("labels[1]: class 2"));
    assert!(error(&array![[0.0, f32::NAN]], &[0], None, &[0]).starts_with("logits[0, 1]: NaN"));
    let without = error(&logits, &[0, 1], None, &[0, 1]);
    assert_eq!(without, "soft_labels: not given, expected given, as with the 2 examples before");
    assert!(error(&logits, &[0, 1], Some(&Array2::zeros((1, 2))), &[0, 1]).starts_with("soft_labels: length 1"));
    assert_eq!(error(&logits, &[0, 1], Some(&Array2::ones((2, 3))), &[0, 1]), "soft_labels: 3 classes, expected 2");
    for value in [f32::NAN, -0.1, 1.5, f32::INFINITY] {
        let message = error(&logits, &[0, 1], Some(&array![[0.5, 0.5], [value, 0.5]]), &[0, 1]);
        assert_eq!(message, format!("soft_labels[1, 0]: {value}, expected a number in [0, 1]"));
    }
    assert!(error(&logits, &[0, 1], Some(&array![[0.5, 0.5], [0.5, 0.25]]), &[0, 1]).contains("[1]: sum 0.75"));
    assert_eq!(evaluator.finish().unwrap(), before);
}

#[test]
fn a_temperature_too_small_is_an_error() {
    let mut evaluator = Evaluator::new(2, config(1e-320)).unwrap();
    evaluator.push(array![[1.0_f32, 2.0]].view(), &[0], None, &[0]).unwrap();
    assert_eq!(evaluator.finish(), Err(MetricError::TemperatureTooSmall { value: 1e-320 }));
}
