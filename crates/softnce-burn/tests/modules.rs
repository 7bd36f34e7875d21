//! The modules by their own names, their configurations, and what they refuse.

mod device;

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{DType, Device, Int, Tensor};
use device::{PATHS, plain};
use softnce::Error as LossError;
use softnce_burn::{
    ClassDraws, ComputePath, Error, InfoNceLossConfig, LossBatch, LossConfig, LossKind, NllLossConfig, Noise, Reduction,
    SoftDistributionInfoNceLossConfig, SoftTargetCrossEntropyLossConfig, SoftTargetInfoNceLossConfig, Targets,
};

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
fn every_loss_has_a_module_of_its_name() {
    // import torch; from torch.nn.functional import cross_entropy
    // z = torch.tensor([[4., 2., 1.], [0., 5., 1.]]); y = torch.tensor([0, 1])
    // cross_entropy(z, y)                                             -> 0.0974...
    // t = torch.tensor([[1., 0., 0.], [0., .8, .2]]); cross_entropy(z, t) -> (0.16984604 + 0.82474494) / 2
    let nll = NllLossConfig::new().init(&device()).unwrap().forward(logits(), labels()).unwrap();
    assert!((scalar(nll) - (0.169_846_04 + 0.024_744_93) / 2.0).abs() < 1e-6);
    let soft = Tensor::<2>::from_floats([[1.0, 0.0, 0.0], [0.0, 0.8, 0.2]], &device());
    let cross_entropy = SoftTargetCrossEntropyLossConfig::new().init(&device()).unwrap();
    let value = cross_entropy.forward(logits(), soft.clone()).unwrap();
    assert!((scalar(value) - (0.169_846_04 + 0.824_744_94) / 2.0).abs() < 1e-6);

    // Two hard candidates: log(1 + exp(2 - 4)) and log(1 + exp(0 - 5)), halved.
    let expected = (0.126_928_01 + 0.006_715_35) / 2.0;
    let info_nce = InfoNceLossConfig::new().init(&device()).unwrap();
    assert!((scalar(info_nce.forward(logits(), labels()).unwrap()) - expected).abs() < 1e-6);
    let soft_target = SoftTargetInfoNceLossConfig::new().init(&device()).unwrap();
    assert!((scalar(soft_target.forward(logits(), labels()).unwrap()) - expected).abs() < 1e-6);
    let drawn = SoftDistributionInfoNceLossConfig::new().init(&device()).unwrap();
    assert!((scalar(drawn.forward(logits(), labels()).unwrap()) - expected).abs() < 1e-6);
    let batch = LossBatch::from(soft).draw(3, &mut ClassDraws::new(0)).unwrap();
    assert!(scalar(drawn.forward(logits(), batch).unwrap()).is_finite());
}

#[test]
fn configurations_survive_being_written_down() {
    let config = LossConfig::new(LossKind::SoftTargetInfoNce)
        .with_temperature(0.25)
        .with_noise(Noise::Counts { counts: vec![3.0, 0.0, 1.0], smoothing: 1.0 })
        .with_alpha(0.5)
        .with_reduction(Reduction::Sum)
        .with_path(ComputePath::Tensor);
    let folder = std::env::temp_dir().join(format!("softnce-burn-config-{}", std::process::id()));
    config.save(&folder).unwrap();
    let read = LossConfig::load(&folder).unwrap();
    std::fs::remove_file(&folder).unwrap();
    assert_eq!(format!("{config:?}"), format!("{read:?}"));
    let loss = read.init(&device()).unwrap();
    assert_eq!(loss.kind(), LossKind::SoftTargetInfoNce);
    assert_eq!(loss.settings().temperature(), 0.25);
    assert_eq!(loss.settings().reduction(), Reduction::Sum);
}

#[test]
fn only_a_learned_temperature_is_a_parameter() {
    let config = SoftTargetInfoNceLossConfig::new().with_temperature(0.5);
    assert_eq!(config.init(&device()).unwrap().num_params(), 0);
    let learned = config.with_learnable_temperature(true).init(&device()).unwrap();
    assert_eq!(learned.num_params(), 1);
    assert!((learned.loss.temperature().unwrap() - 0.5).abs() < 1e-7);
}

#[test]
fn bad_settings_are_refused_when_the_module_is_built() {
    let config = || SoftTargetInfoNceLossConfig::new();
    for (config, expected) in [
        (config().with_temperature(0.0), LossError::Temperature { value: 0.0 }),
        (
            config().with_noise(Noise::Probabilities(vec![0.5, 0.5, 0.0])),
            LossError::NoiseProbability { argument: "noise probabilities", class: 2, value: 0.0 },
        ),
        (
            config().with_noise(Noise::Counts { counts: vec![1.0, 0.0], smoothing: 0.0 }),
            LossError::NoiseProbability { argument: "counts", class: 1, value: 0.0 },
        ),
    ] {
        match config.init(&device()) {
            Err(Error::Loss(error)) => assert_eq!(error, expected),
            other => panic!("expected {expected}, got {other:?}"),
        }
    }
}

/// Both paths refuse the call with the same error.
fn refused(config: LossConfig, logits: Tensor<2>, batch: LossBatch, expected: LossError) {
    for path in PATHS {
        let loss = config.clone().with_path(path).init(&device()).unwrap();
        match loss.forward(logits.clone(), batch.clone()) {
            Err(Error::Loss(error)) => assert_eq!(error, expected, "{path:?}"),
            other => panic!("{path:?}: expected {expected}, got {other:?}"),
        }
    }
}

#[test]
fn bad_input_is_refused_alike_on_both_paths() {
    let config = || LossConfig::new(LossKind::SoftTargetInfoNce);
    let nan = Tensor::<2>::from_floats([[4.0, 2.0, 1.0], [0.0, f32::INFINITY, 1.0]], &device());
    let non_finite = LossError::NonFinite { argument: "logits", index: vec![1, 1], value: f64::INFINITY };
    refused(config(), nan, labels().into(), non_finite);

    let one = Tensor::<1, Int>::from_ints([1], &device());
    refused(config(), logits(), one.into(), LossError::TooFewCandidates { candidates: 1, rows: 2 });
    let outside = Tensor::<1, Int>::from_ints([0, 3], &device());
    let label = LossError::Label { argument: "labels", row: 1, label: 3, classes: 3 };
    refused(config(), logits(), outside.into(), label);
    let positive = LossError::Positive { row: 1, positive: 2, candidates: 2 };
    refused(config(), logits(), LossBatch::from(labels()).with_offset(1), positive);
    let weights = LossError::RowWeight { row: 1, value: -1.0 };
    refused(config(), logits(), LossBatch::from(labels()).with_row_weights(vec![1.0, -1.0]), weights);

    let off = Tensor::<2>::from_floats([[0.5, 0.5, 0.0], [0.5, 0.5, 0.5]], &device());
    refused(config(), logits(), off.into(), LossError::OffSimplex { row: 1, sum: 1.5, tolerance: 1e-4 });
    let soft = Tensor::<2>::from_floats([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]], &device());
    let hard_only = LossError::HardTargetsRequired { loss: LossKind::Nll, found: softnce::Form::Dense };
    refused(LossConfig::new(LossKind::Nll), logits(), soft.into(), hard_only);

    let four = Targets::hard(&[0, 3], 4).unwrap();
    let shape = LossError::Shape {
        argument: "targets",
        found: vec![2, 4],
        expected: "[M, 3], as the logits have classes".into(),
    };
    refused(config(), logits(), four.into(), shape);
    let noise = config().with_noise(Noise::Probabilities(vec![0.5, 0.5]));
    let shape = LossError::Shape {
        argument: "noise distribution",
        found: vec![2],
        expected: "[3], as the logits have classes".into(),
    };
    refused(noise, logits(), labels().into(), shape);
    let empty = Tensor::<2>::zeros([0, 3], &device());
    refused(config(), empty, labels().into(), LossError::Empty { argument: "logits", found: vec![0, 3] });
    let small = config().with_temperature(1e-38);
    let overflow = LossError::ScoreOverflow { row: 0, class: 1, logit: 20.0, temperature: 1e-38, accumulator: "f32" };
    refused(small, logits() * 10.0, labels().into(), overflow);
}

#[test]
fn half_precision_tensors_pass_through() {
    for path in PATHS {
        for dtype in [DType::F16, DType::BF16] {
            let loss = LossConfig::new(LossKind::SoftTargetInfoNce).with_path(path).init(&device()).unwrap();
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
        batch.with_multiplicities(vec![32_768.0; 2])
    };
    let plain = |dtype, rows| Tensor::<2>::zeros([rows, 2], &device()).cast(dtype);
    let learned = |path, reduction| {
        let config = LossConfig::new(LossKind::SoftTargetInfoNce).with_path(path).with_reduction(reduction);
        config.with_learnable_temperature(true).init(&device().autodiff()).unwrap()
    };
    for path in PATHS {
        let config = LossConfig::new(LossKind::SoftTargetInfoNce).with_path(path);
        let sum = config.clone().with_reduction(Reduction::Sum).init(&device()).unwrap();
        let value = f64::from(scalar(sum.forward(plain(DType::F16, 8192), candidates()).unwrap()));
        assert!((value / expected - 1.0).abs() < 1e-6, "{path:?}: {value}");
        // From a head likewise.
        let weights = plain(DType::F16, 2);
        let head = sum.forward_head(plain(DType::F16, 8192), &weights, None, candidates()).unwrap();
        assert!((f64::from(scalar(head.value)) / expected - 1.0).abs() < 1e-6, "{path:?}");
        // And one row's loss under reduction none.
        let rows = config.with_reduction(Reduction::None).init(&device()).unwrap();
        let batch = candidates().with_row_weights(vec![1e5; 8192]);
        let values: Vec<f32> = rows.forward(plain(DType::F16, 8192), batch).unwrap().into_data().to_vec().unwrap();
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
                let loss = config.init(&device()).unwrap();
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
        let loss = LossConfig::new(LossKind::SoftTargetInfoNce).with_path(path).init(&device()).unwrap();
        for weight in [1e-50, 1e308] {
            let batch = LossBatch::from(labels()).with_row_weights(vec![weight; 2]);
            assert!((scalar(loss.forward(logits(), batch).unwrap()) - 0.066_82).abs() < 1e-4, "{path:?} {weight}");
        }
        let sum = LossConfig::new(LossKind::SoftTargetInfoNce).with_reduction(Reduction::Sum);
        let loss = sum.with_path(path).init(&device()).unwrap();
        let batch = LossBatch::from(labels()).with_row_weights(vec![1e308; 2]);
        // The value that was found, not NaN.
        match loss.forward(logits(), batch).unwrap_err() {
            Error::Loss(LossError::NonFinite { argument, value, .. }) => {
                assert_eq!((argument, value), ("loss", f64::INFINITY), "{path:?}");
            }
            error => panic!("{path:?}: {error}"),
        }
    }
}

#[test]
fn a_learned_temperature_out_of_range_is_refused() {
    for path in PATHS {
        for temperature in [1e-40, 1e39] {
            let config = LossConfig::new(LossKind::SoftTargetInfoNce).with_temperature(temperature).with_path(path);
            let loss = config.with_learnable_temperature(true).init(&device()).unwrap();
            let error = loss.forward(logits(), labels()).unwrap_err();
            assert!(matches!(error, Error::Loss(LossError::Temperature { .. })), "{path:?} {temperature}: {error}");
        }
        let hot = LossConfig::new(LossKind::SoftTargetInfoNce).with_temperature(1e39).with_path(path);
        let error = hot.init(&device()).unwrap().forward(logits(), labels()).unwrap_err();
        assert!(matches!(error, Error::Loss(LossError::Temperature { .. })), "{path:?}: {error}");
    }
}

#[test]
fn labels_of_any_integer_type_are_read() {
    for path in PATHS {
        let loss = LossConfig::new(LossKind::Nll).with_path(path).init(&device()).unwrap();
        for dtype in [DType::U8, DType::I64, DType::U64] {
            assert!(loss.forward(logits(), labels().cast(dtype)).is_ok(), "{path:?} {dtype:?}");
        }
        let data = burn::tensor::TensorData::new(vec![0_u64, u64::MAX], [2]);
        let huge = Tensor::<1, Int>::from_data(data, (&device(), DType::U64));
        let error = loss.forward(logits(), huge).unwrap_err();
        assert!(matches!(error, Error::Loss(LossError::Label { row: 1, .. })), "{path:?}: {error}");
    }
}
