//! The loss of a linear head against the loss of its logits, in graphs of their own.

#[path = "../../softnce/tests/common/mod.rs"]
mod common;
mod device;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use common::{Random, deviation};
use device::{PATHS, plain};
use ndarray::Array1;
use softnce::{ErrorKind, LossKind, Reduction, Targets};
use softnce_burn::{ClassDraws, ComputePath, Error, LossBatch, LossConfig, NoiseDistribution};

const ROWS: usize = 6;
const CLASSES: usize = 40;
const WIDTH: usize = 3;

fn device() -> Device {
    plain().autodiff()
}

fn matrix(random: &mut Random, rows: usize, columns: usize) -> Tensor<2> {
    let values: Vec<f64> = random.logits(rows, columns, 1.0).iter().copied().collect();
    Tensor::from_data(TensorData::new(values, [rows, columns]), (&device(), DType::F64))
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.try_to_vec_as::<f64>().unwrap()
}

fn close<const D: usize>(found: Tensor<D>, expected: Tensor<D>) {
    assert_eq!(found.dims(), expected.dims());
    assert!(deviation(values(found), &values(expected)) < 1e-11);
}

fn targets(random: &mut Random) -> Targets<'static> {
    let (first, second) = (random.labels(ROWS, CLASSES), random.labels(ROWS, CLASSES));
    let lambda = Array1::from_shape_fn(ROWS, |_| random.unit());
    Targets::mixed(&first, &second, &lambda, CLASSES, 0.1).unwrap()
}

fn config(path: ComputePath) -> LossConfig {
    let noise: Vec<f64> = Random::new(8).simplex(CLASSES).to_vec();
    let config = LossConfig::new(LossKind::SoftTargetInfoNce).with_path(path).with_reduction(Reduction::None);
    config.with_noise(NoiseDistribution::from_probabilities(&noise).unwrap()).with_temperature(0.5).unwrap()
}

/// A batch with everything a batch can have.
fn batch(random: &mut Random) -> LossBatch {
    let further = Targets::smoothed(&random.labels(4, CLASSES), CLASSES, 0.1).unwrap();
    LossBatch::from(targets(random))
        .with_further(further)
        .with_positives((0..ROWS).rev().collect())
        .with_multiplicities((0..ROWS + 4).map(|at| 1.0 + at as f64).collect())
        .unwrap()
        .with_row_weights((0..ROWS).map(|row| 0.5 + row as f64).collect())
        .unwrap()
}

#[test]
fn a_head_in_a_graph_has_the_gradients_of_its_logits() {
    for path in PATHS {
        let mut random = Random::new(1);
        let loss = config(path).init(&device());
        let features = matrix(&mut random, ROWS, WIDTH).require_grad();
        let weights = matrix(&mut random, CLASSES, WIDTH).require_grad();
        let bias = matrix(&mut random, 1, CLASSES).reshape([CLASSES]).require_grad();
        let batch = batch(&mut random);

        let logits = features.clone().matmul(weights.clone().transpose()) + bias.clone().unsqueeze();
        let expected = loss.forward(logits, batch.clone()).unwrap();
        let by_logits = expected.clone().powf_scalar(2.0).sum().backward();
        let out = loss.forward_head(features.clone(), &weights, Some(&bias), batch).unwrap();
        close(out.value.clone(), expected);
        // An upstream gradient that differs by row.
        let by_head = out.value.powf_scalar(2.0).sum().backward();
        close(features.grad(&by_head).unwrap(), features.grad(&by_logits).unwrap());
        close(weights.grad(&by_head).unwrap(), weights.grad(&by_logits).unwrap());
        close(bias.grad(&by_head).unwrap(), bias.grad(&by_logits).unwrap());
    }
}

#[test]
fn a_head_outside_the_graph_has_the_gradients_of_its_rows() {
    for path in PATHS {
        let mut random = Random::new(2);
        let loss = config(path).init(&device());
        let features = matrix(&mut random, ROWS, WIDTH).require_grad();
        let (weights, bias) = (matrix(&mut random, CLASSES, WIDTH), matrix(&mut random, 1, CLASSES).reshape([CLASSES]));
        let batch = batch(&mut random);

        let (in_graph, bias_in_graph) = (weights.clone().require_grad(), bias.clone().require_grad());
        let expected = loss.forward_head(features.clone(), &in_graph, Some(&bias_in_graph), batch.clone()).unwrap();
        let by_all = expected.value.sum().backward();
        let out = loss.forward_head(features.clone(), &weights, Some(&bias), batch).unwrap();
        let by_rows = out.value.sum().backward();
        let rows = &out.rows;
        assert!(rows.class_indices().len() < CLASSES && rows.class_indices().is_sorted());
        // Put back where they belong, they are the whole gradient.
        let whole = rows.add_to_weights(weights.zeros_like(), rows.weights_gradient(&by_rows).unwrap()).unwrap();
        close(whole.inner(), in_graph.grad(&by_all).unwrap());
        let whole = rows.add_to_bias(bias.zeros_like(), rows.bias_gradient(&by_rows).unwrap()).unwrap();
        close(whole.inner(), bias_in_graph.grad(&by_all).unwrap());
        close(features.grad(&by_rows).unwrap(), features.grad(&by_all).unwrap());
    }
}

#[test]
fn steps_on_the_rows_are_steps_on_the_head() {
    let mut random = Random::new(3);
    let loss = LossConfig::new(LossKind::SoftTargetInfoNce).init(&device());
    let features = matrix(&mut random, ROWS, WIDTH);
    let start = matrix(&mut random, CLASSES, WIDTH);
    let (mut whole, mut sparse) = (start.clone(), start);
    for _ in 0..5 {
        let targets = targets(&mut random);
        let weights = whole.require_grad();
        let logits = features.clone().matmul(weights.clone().transpose());
        let gradients = loss.forward(logits, targets.clone()).unwrap().backward();
        let gradient = Tensor::from_inner(weights.grad(&gradients).unwrap());
        whole = (weights.detach() - gradient * 0.5).detach();

        let out = loss.forward_head(features.clone(), &sparse, None, targets).unwrap();
        let gradient = out.rows.weights_gradient(&out.value.backward()).unwrap();
        sparse = out.rows.add_to_weights(sparse, Tensor::from_inner(gradient * -0.5)).unwrap();
    }
    close(sparse, whole);
}

#[test]
fn labels_and_draws() {
    let mut random = Random::new(4);
    let (features, weights) = (matrix(&mut random, ROWS, WIDTH), matrix(&mut random, CLASSES, WIDTH));
    let logits = features.clone().matmul(weights.clone().transpose());
    let labels = Tensor::<1, Int>::from_ints([3, 3, 39, 0, 8, 9], &device());
    let loss = LossConfig::new(LossKind::InfoNce).init(&device());
    let out = loss.forward_head(features.clone(), &weights, None, labels.clone()).unwrap();
    assert_eq!(out.rows.class_indices(), [0, 3, 8, 9, 39]);
    close(out.value, loss.forward(logits.clone(), labels).unwrap());

    let targets = Targets::smoothed(&[1, 2, 3, 4, 5, 6], CLASSES, 0.9).unwrap();
    let loss = LossConfig::new(LossKind::SoftDistributionInfoNce).init(&device());
    let mut draws = ClassDraws::new(5);
    for _ in 0..3 {
        let batch = LossBatch::from(targets.clone()).draw(CLASSES, &mut draws).unwrap();
        let out = loss.forward_head(features.clone(), &weights, None, batch.clone()).unwrap();
        close(out.value, loss.forward(logits.clone(), batch).unwrap());
    }
    // Soft targets are refused: the loss draws nothing.
    assert!(loss.forward(logits, targets).unwrap_err().to_string().contains("draw classes from soft targets first"));
}

#[test]
fn what_is_refused() {
    let mut random = Random::new(5);
    let (features, weights) = (matrix(&mut random, ROWS, WIDTH), matrix(&mut random, CLASSES, WIDTH));
    let loss = |kind| LossConfig::new(kind).init(&device());
    let refused = |kind, weights: &Tensor<2>, batch: LossBatch| match loss(kind)
        .forward_head(features.clone(), weights, None, batch)
        .map(|_| ())
    {
        Err(Error::Loss(error)) => error,
        other => panic!("expected an error of the loss, got {other:?}"),
    };
    let soft = targets(&mut random);
    let error = refused(LossKind::SoftTargetCrossEntropy, &weights, soft.clone().into());
    assert_eq!(error, LossKind::SoftTargetCrossEntropy.no_head());
    let error = refused(LossKind::InfoNce, &weights, soft.clone().into());
    assert_eq!(error.kind(), ErrorKind::Targets, "{error}");
    let wide = matrix(&mut random, CLASSES, WIDTH + 1);
    let error = refused(LossKind::SoftTargetInfoNce, &wide, soft.clone().into());
    assert_eq!((error.kind(), error.argument()), (ErrorKind::Shape, "weights"));
    let short = Targets::hard(&[0; ROWS], CLASSES + 1).unwrap();
    let error = refused(LossKind::SoftTargetInfoNce, &weights, short.into());
    assert_eq!((error.kind(), error.argument()), (ErrorKind::Shape, "targets"));
    let half = loss(LossKind::SoftTargetInfoNce).forward_head(features.clone().cast(DType::F16), &weights, None, soft);
    let message = half.map(|_| ()).unwrap_err().to_string();
    assert_eq!(message, "weights: found type F64, expected F16, as the features");
    let dense = Tensor::<2>::ones([ROWS, CLASSES], &device()) / CLASSES as f64;
    let ramp = Tensor::<1, Int>::arange(0..CLASSES as i64, &device()).float().unsqueeze::<2>();
    let uneven = dense.clone() + (ramp - (CLASSES as f64 - 1.0) / 2.0) * 1e-4;
    let error = refused(LossKind::SoftTargetInfoNce, &weights, uneven.into());
    assert_eq!(error.kind(), ErrorKind::Targets, "{error}");
}
