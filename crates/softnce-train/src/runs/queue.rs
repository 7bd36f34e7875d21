//! A queue of past targets as tensors of a checkpoint.

use std::borrow::Cow;

use safetensors::tensor::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use softnce_data::candidates::{CandidateError, QueueRows, QueueState, TargetQueue};

/// What is needed to read the tensors of a queue.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct QueueShape {
    size: usize,
    classes: usize,
    form: Form,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Form {
    Hard,
    Compact,
    Dense,
}

const LABELS: &str = "queue.labels";
const UNIFORM: &str = "queue.uniform";
const CLASSES: &str = "queue.classes";
const WEIGHTS: &str = "queue.weights";
const VALUES: &str = "queue.values";
/// Earlier revisions kept all of it here, as JSON.
const AS_JSON: &str = "queue";

/// The tensors of a queue: name, type, shape, bytes.
pub(super) type QueueTensor<'q> = (&'static str, Dtype, Vec<usize>, Cow<'q, [u8]>);

/// A queue as tensors, which are not copied.
pub(super) fn tensors(queue: &TargetQueue) -> (QueueShape, Vec<QueueTensor<'_>>) {
    let (size, classes, rows) = (queue.size(), queue.classes(), queue.len());
    let (form, tensors) = match queue.rows() {
        QueueRows::Hard { labels } => (Form::Hard, vec![(LABELS, Dtype::U32, vec![rows], bytes(labels))]),
        QueueRows::Compact { terms, uniform, classes, weights } => {
            let tensors = vec![
                (UNIFORM, Dtype::F64, vec![rows], bytes(uniform)),
                (CLASSES, Dtype::U32, vec![rows, *terms], bytes(classes)),
                (WEIGHTS, Dtype::F64, vec![rows, *terms], bytes(weights)),
            ];
            (Form::Compact, tensors)
        }
        QueueRows::Dense { values } => (Form::Dense, vec![(VALUES, Dtype::F32, vec![rows, classes], bytes(values))]),
    };
    (QueueShape { size, classes, form }, tensors)
}

fn bytes<T: bytemuck::NoUninit>(values: &[T]) -> Cow<'_, [u8]> {
    Cow::Borrowed(bytemuck::cast_slice(values))
}

/// The queue of a checkpoint; `shape` is `None` in checkpoints of earlier revisions.
///
/// # Errors
/// What is wrong, in words, or with the rows.
pub(super) fn read(file: &SafeTensors<'_>, shape: Option<QueueShape>) -> Result<TargetQueue, QueueError> {
    let Some(QueueShape { size, classes, form }) = shape else {
        let tensor = file.tensor(AS_JSON).map_err(|error| QueueError::Corrupt(error.to_string()))?;
        let state: QueueState =
            serde_json::from_slice(tensor.data()).map_err(|error| QueueError::Corrupt(error.to_string()))?;
        return Ok(TargetQueue::from_state(state)?);
    };
    let rows = match form {
        Form::Hard => QueueRows::Hard { labels: values(file, LABELS, Dtype::U32, u32::from_le_bytes)?.0 },
        Form::Compact => {
            let (classes, shape) = values(file, CLASSES, Dtype::U32, u32::from_le_bytes)?;
            QueueRows::Compact {
                terms: shape.get(1).copied().unwrap_or_default(),
                uniform: values(file, UNIFORM, Dtype::F64, f64::from_le_bytes)?.0,
                classes,
                weights: values(file, WEIGHTS, Dtype::F64, f64::from_le_bytes)?.0,
            }
        }
        Form::Dense => QueueRows::Dense { values: values(file, VALUES, Dtype::F32, f32::from_le_bytes)?.0 },
    };
    Ok(TargetQueue::from_state(QueueState { size, classes, rows })?)
}

/// Why a queue cannot be read.
pub(super) enum QueueError {
    /// The file does not hold it.
    Corrupt(String),
    /// Its rows were refused.
    Rows(CandidateError),
}

impl From<CandidateError> for QueueError {
    fn from(error: CandidateError) -> Self {
        QueueError::Rows(error)
    }
}

/// The values of a tensor and its shape.
fn values<T, const N: usize>(
    file: &SafeTensors<'_>,
    name: &str,
    dtype: Dtype,
    convert: impl Fn([u8; N]) -> T,
) -> Result<(Vec<T>, Vec<usize>), QueueError> {
    let tensor = file.tensor(name).map_err(|error| QueueError::Corrupt(error.to_string()))?;
    if tensor.dtype() != dtype {
        return Err(QueueError::Corrupt(format!("{name} is of type {:?}, expected {dtype:?}", tensor.dtype())));
    }
    let values = tensor.data().as_chunks::<N>().0.iter().map(|&bytes| convert(bytes)).collect();
    Ok((values, tensor.shape().to_vec()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashMap;

    use safetensors::tensor::TensorView;
    use softnce::Targets;

    use super::*;

    fn written(queue: &TargetQueue) -> (Vec<u8>, QueueShape) {
        let (shape, tensors) = tensors(queue);
        let views = tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| (*name, TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
        (safetensors::serialize(views, None::<HashMap<String, String>>).unwrap(), shape)
    }

    fn again(bytes: &[u8], shape: Option<QueueShape>) -> TargetQueue {
        match read(&SafeTensors::deserialize(bytes).unwrap(), shape) {
            Ok(queue) => queue,
            Err(QueueError::Corrupt(reason)) => unreachable!("{reason}"),
            Err(QueueError::Rows(error)) => unreachable!("{error}"),
        }
    }

    #[test]
    fn every_form_comes_back_without_json() {
        let classes = 40;
        let mut queue = TargetQueue::new(64, classes).unwrap();
        let dense =
            ndarray::Array2::from_shape_fn((32, classes), |(row, class)| ((row * 7 + class * 3) % 11 + 1) as f32);
        let sums = dense.sum_axis(ndarray::Axis(1)).insert_axis(ndarray::Axis(1));
        for targets in [
            Targets::hard(&[1_usize, 5], classes).unwrap(),
            Targets::smoothed(&[2_usize, 3], classes, 0.1).unwrap(),
            Targets::dense_as_is(dense / sums).unwrap(),
        ] {
            queue.push(&targets).unwrap();
            let (bytes, shape) = written(&queue);
            assert_eq!(again(&bytes, Some(shape)), queue);
        }
        // 36 rows of 40 numbers of 4 bytes, and a header: as JSON it would be more than twice that.
        assert!(written(&queue).0.len() < 36 * classes * 4 + 200);
    }

    #[test]
    fn a_queue_of_an_earlier_revision_is_read() {
        let text = r#"{"size": 3, "classes": 4, "rows": {"form": "hard", "labels": [1, 2]}}"#;
        let view = TensorView::new(Dtype::U8, vec![text.len()], text.as_bytes()).unwrap();
        let bytes = safetensors::serialize([("queue", view)], None::<HashMap<String, String>>).unwrap();
        let queue = again(&bytes, None);
        assert_eq!((queue.size(), queue.rows()), (3, &QueueRows::Hard { labels: vec![1, 2] }));
    }
}
