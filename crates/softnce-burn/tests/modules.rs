//! The modules by their own names, their configurations, and what they refuse.

mod device;

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{DType, Device, Int, Tensor};
use device::{PATHS, plain};
use softnce_burn::{ClassDraws, ComputePath, LossBatch, LossConfig, LossKind, NoiseDistribution, Reduction, Targets};

fn device() -> Device {
    plain()
}

fn logits() -> Tensor<2> {
    Tensor::from_floats([[4.0, 2.0, 1.0], [0.0, 5.0, 1.0]], &device())
}

fn labels() -> Tensor<1, Int> {
    Tensor::from_ints([0, 1], &device())
}

fn scalar(value: Tensor<1>) -> f32 {
    value.into_scalar()
}

#[test]
fn known_values_of_every_loss() {
    // import torch; from torch.nn.functional import cross_entropy
    // z = torch.tensor([[4., 2., 1.], [0., 5., 1.]]); y = torch.tensor([0, 1])
    // cross_entropy(z, y)                                             -> 0.0974...
    // t = torch.tensor([[1., 0., 0.], [0., .8, .2]]); cross_entropy(z, t) -> (0.16984604 + 0.82474494) / 2
    let loss = |kind| LossConfig::new(kind).init(&device());
    let nll = loss(LossKind::Nll).forward(logits(), labels()).unwrap();
    assert!((scalar(nll) - (0.169_846_04 + 0.024_744_93) / 2.0).abs() < 1e-6);
    let soft = Tensor::<2>::from_floats([[1.0, 0.0, 0.0], [0.0, 0.8, 0.2]], &device());
    let value = loss(LossKind::SoftTargetCrossEntropy).forward(logits(), soft.clone()).unwrap();
    assert!((scalar(value) - (0.169_846_04 + 0.824_744_94) / 2.0).abs() < 1e-6);

    // Two hard candidates: log(1 + exp(2 - 4)) and log(1 + exp(0 - 5)), halved.
    let expected = (0.126_928_01 + 0.006_715_35) / 2.0;
    for kind in [LossKind::InfoNce, LossKind::SoftTargetInfoNce, LossKind::SoftDistributionInfoNce] {
        assert!((scalar(loss(kind).forward(logits(), labels()).unwrap()) - expected).abs() < 1e-6, "{kind}");
    }
    let batch = LossBatch::from(soft).draw(3, &mut ClassDraws::new(0)).unwrap();
    assert!(scalar(loss(LossKind::SoftDistributionInfoNce).forward(logits(), batch).unwrap()).is_finite());
}

#[test]
fn configurations_survive_being_written_down() {
    let noise = NoiseDistribution::from_counts(&[3.0, 0.0, 1.0], 1.0).unwrap().powered(0.5).unwrap();
    let config = LossConfig::new(LossKind::SoftTargetInfoNce).with_temperature(0.25).unwrap().with_noise(noise.clone());
    let config = config.with_reduction(Reduction::Sum).with_path(ComputePath::Tensor);
    let folder = std::env::temp_dir().join(format!("softnce-burn-config-{}", std::process::id()));
    config.save(&folder).unwrap();
    let read = LossConfig::load(&folder).unwrap();
    std::fs::remove_file(&folder).unwrap();
    assert_eq!((read.kind, read.path, read.recognise), (config.kind, config.path, config.recognise));
    let loss = read.init(&device());
    assert_eq!(loss.kind(), LossKind::SoftTargetInfoNce);
    assert_eq!((loss.settings().temperature(), loss.settings().reduction()), (0.25, Reduction::Sum));
    let (found, expected) = (loss.settings().noise().probabilities(3).unwrap(), noise.probabilities(3).unwrap());
    assert!(found.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 1e-15));
}

#[test]
fn only_a_learned_temperature_is_a_parameter() {
    let config = LossConfig::new(LossKind::SoftTargetInfoNce).with_temperature(0.5).unwrap();
    assert_eq!(config.init(&device()).num_params(), 0);
    let learned = config.with_learnable_temperature(true).init(&device());
    assert_eq!(learned.num_params(), 1);
    assert!((learned.temperature().unwrap() - 0.5).abs() < 1e-7);
}

/// Both paths refuse the call with the same message.
fn refused(config: LossConfig, logits: Tensor<2>, batch: LossBatch, expected: &str) {
    for path in PATHS {
        let loss = config.clone().with_path(path).init(&device());
        assert_eq!(loss.forward(logits.clone(), batch.clone()).unwrap_err().to_string(), expected, "{path:?}");
    }
}

#[test]
fn bad_input_is_refused_alike_on_both_paths() {
    let config = || LossConfig::new(LossKind::SoftTargetInfoNce);
    let infinite = Tensor::<2>::from_floats([[4.0, 2.0, 1.0], [0.0, f32::INFINITY, 1.0]], &device());
    let hint = "(to mask a class, use a large negative number such as -1e4)";
    let message = format!("logits[1, 1]: found inf, expected a finite number {hint}");
    refused(config(), infinite, labels().into(), &message);

    let one = Tensor::<1, Int>::from_ints([1], &device());
    let message = "candidates: found 1, expected at least 2, one for each row of logits, or explicit positives";
    refused(config(), logits(), one.into(), message);
    let outside = Tensor::<1, Int>::from_ints([0, 3], &device());
    refused(config(), logits(), outside.into(), "labels[1]: found 3, expected a class from 0 to 2");
    let batch = LossBatch::from(labels()).with_offset(1);
    refused(config(), logits(), batch, "positives[1]: found 2, expected a candidate from 0 to 1");
    let error = LossBatch::from(labels()).with_row_weights(vec![1.0, -1.0]).unwrap_err();
    assert_eq!(error.to_string(), "row weights[1]: found -1, expected a finite number not below 0");
    let error = LossBatch::from(labels()).with_multiplicities(vec![0.0, 0.0]).unwrap_err();
    let message = "multiplicities[0]: found 0, expected finite numbers not below 0, at least one of them above 0";
    assert_eq!(error.to_string(), message);

    let off = Tensor::<2>::from_floats([[0.5, 0.5, 0.0], [0.5, 0.5, 0.5]], &device());
    refused(config(), logits(), off.into(), "targets[1]: found a sum of 1.5, expected 1 within 0.0001");
    let soft = Tensor::<2>::from_floats([[0.5, 0.2, 0.3], [0.1, 0.5, 0.4]], &device());
    for path in PATHS {
        let loss = LossConfig::new(LossKind::Nll).with_path(path).init(&device());
        let error = loss.forward(logits(), soft.clone()).unwrap_err().to_string();
        assert!(error.contains("expected hard labels or one-hot rows for nll"), "{path:?}: {error}");
    }

    let four = Targets::hard(&[0, 3], 4).unwrap();
    let message = "targets: found shape [2, 4], expected [M, 3], as the logits have 3 classes";
    refused(config(), logits(), four.into(), message);
    let noise = config().with_noise(NoiseDistribution::from_probabilities(&[0.5, 0.5]).unwrap());
    let message = "noise distribution: found shape [2], expected [3], as the logits have 3 classes";
    refused(noise, logits(), labels().into(), message);
    let empty = Tensor::<2>::zeros([0, 3], &device());
    let message = "logits: found shape [0, 3], expected at least one row and one column";
    refused(config(), empty, labels().into(), message);
    let small = config().with_temperature(1e-38).unwrap();
    let message = "logits[0, 1]: found 20, expected (logit - row maximum) / temperature 1e-38 in the range of f32";
    refused(small, logits() * 10.0, labels().into(), message);
}

#[test]
fn without_checks_the_tensor_operations_give_the_same_values() {
    let noise = NoiseDistribution::from_counts(&[3.0, 1.0, 1.0], 1.0).unwrap();
    let smoothed = |labels: &[i64], share| Targets::smoothed(labels, 3, share).unwrap();
    let dense = || Tensor::<2>::from_floats([[0.5, 0.2, 0.3], [0.1, 0.5, 0.4]], &device());
    // Equal shares, different ones, labels on the device in either place, dense rows, chosen positives.
    let batches: Vec<LossBatch> = vec![
        labels().into(),
        LossBatch::from(labels()).with_further(labels()).with_offset(1),
        LossBatch::from(labels()).with_further(smoothed(&[2, 1], 0.3)).with_positives(vec![3, 0]),
        LossBatch::from(smoothed(&[0, 1], 0.3)).with_further(smoothed(&[2, 2, 1], 0.3)),
        LossBatch::from(smoothed(&[0, 1], 0.3)).with_further(labels()).with_positives(vec![2, 1]),
        LossBatch::from(labels()).with_further(dense()).with_positives(vec![2, 1]),
    ];
    for kind in LossKind::ALL {
        for (number, batch) in batches.iter().enumerate().filter(|(number, _)| !kind.needs_hard_labels() || *number < 2)
        {
            let config = LossConfig::new(*kind).with_noise(noise.clone()).with_path(ComputePath::Tensor);
            let config = config.with_temperature(0.5).unwrap().with_learnable_temperature(true);
            let value = |config: LossConfig| {
                let loss = config.init(&device());
                scalar(loss.forward(logits(), batch.clone()).unwrap())
            };
            let found = value(config.clone().with_check_values(false));
            let expected = value(config.with_path(ComputePath::Kernel));
            assert!(
                (found - expected).abs() <= 1e-6 * expected.abs().max(1.0),
                "{kind}, batch {number}: {found}, {expected}"
            );
        }
    }
}

#[test]
fn half_precision_tensors_pass_through() {
    for path in PATHS {
        for dtype in [DType::F16, DType::BF16] {
            let loss = LossConfig::new(LossKind::SoftTargetInfoNce).with_path(path).init(&device());
            let value = loss.forward(logits().cast(dtype), labels()).unwrap();
            assert_eq!(value.dtype(), DType::F32);
            assert!((value.into_scalar::<f32>() - 0.066_82).abs() < 1e-3);
        }
    }
}

#[test]
fn losses_beyond_the_range_of_half_precision_are_finite() {
    // 8,192 rows of two classes, 65,536 candidates in all: the sum is 8192 log 65536 = 90,852, the largest f16 65,504.
    let expected = 8192.0 * 65_536_f64.ln();
    let candidates = || {
        let positives = (0..8192).map(|row| row % 2).collect();
        let batch = LossBatch::from(Targets::hard(&[0, 1], 2).unwrap()).with_positives(positives);
        batch.with_multiplicities(vec![32_768.0; 2]).unwrap()
    };
    let plain = |dtype, rows| Tensor::<2>::zeros([rows, 2], &device()).cast(dtype);
    let learned = |path, reduction| {
        let config = LossConfig::new(LossKind::SoftTargetInfoNce).with_path(path).with_reduction(reduction);
        config.with_learnable_temperature(true).init(&device().autodiff())
    };
    for path in PATHS {
        let config = LossConfig::new(LossKind::SoftTargetInfoNce).with_path(path);
        let sum = config.clone().with_reduction(Reduction::Sum).init(&device());
        let value = f64::from(scalar(sum.forward(plain(DType::F16, 8192), candidates()).unwrap()));
        // Burn sums the 8,192 rows in f32.
        assert!((value / expected - 1.0).abs() < 1e-5, "{path:?}: {value}");
        // From a head likewise.
        let weights = plain(DType::F16, 2);
        let head = sum.forward_head(plain(DType::F16, 8192), &weights, None, candidates()).unwrap();
        assert!((f64::from(scalar(head.value)) / expected - 1.0).abs() < 1e-5, "{path:?}");
        // And one row's loss under reduction none.
        let rows = config.with_reduction(Reduction::None).init(&device());
        let batch = candidates().with_row_weights(vec![1e5; 8192]).unwrap();
        let values: Vec<f32> = rows.forward(plain(DType::F16, 8192), batch).unwrap().into_data().try_to_vec().unwrap();
        assert!(values.iter().all(|&value| (f64::from(value) / (1e5 * 65_536_f64.ln()) - 1.0).abs() < 1e-6));
        // The gradients of the logits and of the temperature pass through.
        let loss = learned(path, Reduction::Sum);
        let leaf = plain(DType::F16, 8192).autodiff().require_grad();
        let gradients = loss.forward(leaf.clone(), candidates()).unwrap().backward();
        let by_logits = leaf.grad(&gradients).unwrap();
        assert_eq!(by_logits.dtype(), DType::F16);
        assert!((by_logits.slice([0..1, 0..1]).cast(DType::F32).into_scalar::<f32>() + 0.5).abs() < 1e-3);
        let by_temperature = loss.log_temperature.as_ref().unwrap().val().grad(&gradients).unwrap();
        assert!(by_temperature.into_scalar::<f32>().is_finite());
    }
}

#[test]
fn one_hot_rows_are_hard_labels_on_every_path() {
    let one_hot = Tensor::<2>::from_floats([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], &device());
    let host = Targets::dense_as_is(ndarray::array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).unwrap();
    let weights = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]], &device());
    let features = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0]], &device());
    for path in PATHS {
        for kind in [LossKind::InfoNce, LossKind::Nll] {
            for recognise in [true, false] {
                let config = LossConfig::new(kind).with_path(path).with_recognise(recognise);
                let loss = config.init(&device());
                let expected = scalar(loss.forward(logits(), labels()).unwrap());
                for batch in [LossBatch::from(one_hot.clone()), LossBatch::from(host.clone())] {
                    assert_eq!(scalar(loss.forward(logits(), batch.clone()).unwrap()), expected, "{path:?} {kind}");
                    if kind.is_contrastive() {
                        let found = loss.forward_head(features.clone(), &weights, None, batch).unwrap().value;
                        let expected = loss.forward_head(features.clone(), &weights, None, labels()).unwrap().value;
                        assert_eq!(scalar(found), scalar(expected));
                    }
                }
            }
        }
    }
}

#[test]
fn extreme_row_weights_stay_finite_or_are_refused() {
    for path in PATHS {
        let loss = LossConfig::new(LossKind::SoftTargetInfoNce).with_path(path).init(&device());
        for weight in [1e-50, 1e308] {
            let batch = LossBatch::from(labels()).with_row_weights(vec![weight; 2]).unwrap();
            assert!((scalar(loss.forward(logits(), batch).unwrap()) - 0.066_82).abs() < 1e-4, "{path:?} {weight}");
        }
        let sum = LossConfig::new(LossKind::SoftTargetInfoNce).with_reduction(Reduction::Sum);
        let loss = sum.with_path(path).init(&device());
        let batch = LossBatch::from(labels()).with_row_weights(vec![1e308; 2]).unwrap();
        // The value that was found, not NaN.
        let error = loss.forward(logits(), batch).unwrap_err().to_string();
        assert_eq!(error, "loss: found inf, expected a finite number", "{path:?}");
    }
}

#[test]
fn a_learned_temperature_out_of_range_is_refused() {
    for path in PATHS {
        for temperature in [1e-40, 1e39] {
            let config =
                LossConfig::new(LossKind::SoftTargetInfoNce).with_temperature(temperature).unwrap().with_path(path);
            let loss = config.with_learnable_temperature(true).init(&device());
            let error = loss.forward(logits(), labels()).unwrap_err();
            assert!(error.to_string().starts_with("temperature: found"), "{path:?} {temperature}: {error}");
        }
        let hot = LossConfig::new(LossKind::SoftTargetInfoNce).with_temperature(1e39).unwrap().with_path(path);
        let error = hot.init(&device()).forward(logits(), labels()).unwrap_err();
        assert!(error.to_string().starts_with("temperature: found"), "{path:?}: {error}");
    }
}

#[test]
fn labels_of_any_integer_type_are_read() {
    for path in PATHS {
        let loss = LossConfig::new(LossKind::Nll).with_path(path).init(&device());
        for dtype in [DType::U8, DType::I64, DType::U64] {
            assert!(loss.forward(logits(), labels().cast(dtype)).is_ok(), "{path:?} {dtype:?}");
        }
        let data = burn::tensor::TensorData::new(vec![0_u64, u64::MAX], [2]);
        let huge = Tensor::<1, Int>::from_data(data, (&device(), DType::U64));
        let error = loss.forward(logits(), huge).unwrap_err();
        assert!(error.to_string().starts_with("labels[1]: found 18446744073709551615"), "{path:?}: {error}");
    }
}
