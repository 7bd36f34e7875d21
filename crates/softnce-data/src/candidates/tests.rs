//! The queue against a plain list of dense rows, in any mix of forms.

use ndarray::{Array1, Array2};
use proptest::prelude::*;
use softnce::{Form, Targets};

use super::*;

const CLASSES: usize = 4;

/// Targets of a few rows in one of the forms.
fn batch(kind: u8, rows: usize, seed: usize) -> Targets<'static> {
    let labels: Vec<usize> = (0..rows).map(|row| (seed + row) % CLASSES).collect();
    let partners: Vec<usize> = labels.iter().rev().copied().collect();
    let lambda = Array1::from_shape_fn(rows, |row| ((seed + row) % 10) as f64 / 10.0);
    match kind {
        0 => Targets::hard(&labels, CLASSES).unwrap(),
        1 => Targets::smoothed(&labels, CLASSES, 0.1).unwrap(),
        2 => Targets::mixed(&labels, &partners, &lambda, CLASSES, 0.1).unwrap(),
        // Recognised as rows without a class of its own.
        3 => Targets::dense(Array2::from_elem((rows, CLASSES), 0.25_f32)).unwrap(),
        _ => {
            let weights =
                Array2::from_shape_fn((rows, CLASSES), |(row, class)| 1.0 + ((seed + row * class) % 5) as f32);
            let sums = weights.sum_axis(ndarray::Axis(1)).insert_axis(ndarray::Axis(1));
            Targets::dense_as_is(weights / sums).unwrap()
        }
    }
}

proptest! {
    #[test]
    fn a_queue_holds_the_last_rows_whatever_their_forms(
        size in 1..12usize, batches in prop::collection::vec((0..5u8, 1..8usize, any::<u8>()), 1..6),
    ) {
        let mut queue = TargetQueue::new(size, CLASSES).unwrap();
        let mut expected: Vec<Vec<f64>> = Vec::new();
        for (kind, rows, seed) in batches {
            let targets = batch(kind, rows, usize::from(seed));
            queue.push(&targets).unwrap();
            expected.extend(targets.to_dense().unwrap().outer_iter().map(|row| row.to_vec()));
            let surplus = expected.len().saturating_sub(size);
            expected.drain(..surplus);
            prop_assert_eq!(queue.len(), expected.len());
            let found = queue.as_targets().unwrap().unwrap().to_dense().unwrap();
            for (found, expected) in found.iter().zip(expected.iter().flatten()) {
                prop_assert!((found - expected).abs() < 1e-6);
            }
            // A resumed run goes on with the same queue, bit for bit.
            let state = QueueState { size, classes: CLASSES, rows: queue.rows().clone() };
            let text = serde_json::to_string(&state).unwrap();
            let again = TargetQueue::from_state(serde_json::from_str(&text).unwrap()).unwrap();
            prop_assert_eq!(&again, &queue);
            queue = again;
        }
    }
}

#[test]
fn hard_rows_stay_hard_and_mixed_ones_compact() {
    let mut queue = TargetQueue::new(10, CLASSES).unwrap();
    let form = |queue: &TargetQueue| queue.as_targets().unwrap().unwrap().form();
    for (kind, expected) in
        [(0, Form::Hard), (0, Form::Hard), (1, Form::Compact), (2, Form::Compact), (3, Form::Compact), (4, Form::Dense)]
    {
        queue.push(&batch(kind, 3, 1)).unwrap();
        assert_eq!(form(&queue), expected);
    }
}

#[test]
fn settings_read_as_tables_and_are_checked() {
    let read = |text: &str| serde_json::from_str::<CandidateConfig>(text);
    assert_eq!(read(r#"{"kind": "batch"}"#).unwrap(), CandidateConfig::Batch);
    assert_eq!(read(r#"{"kind": "queue", "size": 65536}"#).unwrap(), CandidateConfig::Queue { size: 65_536 });
    let draws = read(r#"{"kind": "draws", "count": 65537}"#).unwrap();
    assert_eq!(draws.check().unwrap_err().to_string(), "candidates.count is 65537, expected 1 to 65536 candidates");
    assert!(CandidateConfig::Queue { size: 0 }.check().is_err() && CandidateConfig::Queue { size: 1 }.check().is_ok());
    assert!(draws.beyond_batch() && !CandidateConfig::Batch.beyond_batch());
    for (text, count) in [(r#"{"kind":"classes"}"#, None), (r#"{"kind":"classes","count":65536}"#, Some(65_536))] {
        let classes = read(text).unwrap();
        assert_eq!(classes, CandidateConfig::Classes { count });
        assert!(classes.check().is_ok() && classes.beyond_batch());
        assert_eq!(serde_json::to_string(&classes).unwrap(), text);
    }
    let none = CandidateConfig::Classes { count: Some(0) }.check().unwrap_err();
    assert_eq!(none.to_string(), "candidates.count is 0, expected 1 to 65536 candidates");
    assert!(CandidateConfig::Classes { count: Some(65_537) }.check().is_err());
    assert!(read(r#"{"kind": "classes", "size": 3}"#).is_err());
    assert!(read(r#"{"kind": "queue", "count": 3}"#).is_err());
    assert!(read(r#"{"kind": "queue", "size": 3, "count": 3}"#).is_err());
    assert!(read(r#"{"kind": "batch", "size": 3}"#).is_err(), "a batch has no size");
}

#[test]
fn bad_queues_are_refused() {
    assert!(TargetQueue::new(0, 4).is_err() && TargetQueue::new(MOST_CANDIDATES + 1, 4).is_err());
    let mut queue = TargetQueue::new(3, 5).unwrap();
    let refused = queue.push(&batch(0, 2, 0)).unwrap_err();
    assert_eq!(refused, CandidateError::Classes { found: 4, expected: 5 });
    let state = |rows| TargetQueue::from_state(QueueState { size: 2, classes: 3, rows }).unwrap_err().to_string();
    assert!(state(QueueRows::Hard { labels: vec![0, 3] }).contains("labels[1]: found 3"));
    assert!(state(QueueRows::Hard { labels: vec![0, 1, 2] }).contains("rows has 3 values, expected at most 2"));
    assert!(state(QueueRows::Dense { values: vec![0.5; 4] }).contains("values has 4 values"));
    assert!(state(QueueRows::Dense { values: vec![0.5; 3] }).contains("found a sum of 1.5"));
    let (uniform, weights) = (vec![0.0; 2], vec![1.0; 2]);
    let torn = QueueRows::Compact { terms: 2, uniform, classes: vec![0; 4], weights };
    assert!(state(torn).contains("weights has 2 values, expected 2 x 2"));
}
