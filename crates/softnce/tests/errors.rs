//! Every error, raised by the input it is for, with the values it names.

use ndarray::{Array1, Array2, array};
use softnce::oracle;
use softnce::{
    Batch, Error, Form, GradientRequest, InfoNce, Loss, LossKind, LossSettings, Nll, NoiseDistribution, NoiseEstimator,
    Reduction, SoftTargetCrossEntropy, SoftTargetInfoNce, Targets,
};

fn logits() -> Array2<f64> {
    array![[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
}

fn hard() -> Targets<'static> {
    Targets::hard(&[0, 1], 3).unwrap()
}

/// Both losses refuse the call alike.
fn refused<'b>(settings: &LossSettings, logits: &Array2<f64>, batch: impl Into<Batch<'b>>) -> Error {
    let batch = batch.into();
    let request = GradientRequest::new();
    let error = SoftTargetInfoNce::new(settings.clone()).loss(logits.view(), &batch).unwrap_err();
    let other = SoftTargetInfoNce::new(settings.clone()).loss_and_gradient(logits.view(), &batch, &request);
    // NaN equals nothing: compare the words.
    assert_eq!(other.unwrap_err().to_string(), error.to_string());
    let other = SoftTargetCrossEntropy::new(settings.clone()).loss(logits.view(), &batch).unwrap_err();
    assert_eq!(other.to_string(), error.to_string());
    error
}

fn shape(argument: &'static str, found: &[usize], expected: &str) -> Error {
    Error::Shape { argument, found: found.to_vec(), expected: expected.to_owned() }
}

#[test]
fn shapes_that_do_not_agree() {
    let settings = LossSettings::new();
    let four = Targets::hard(&[0, 3], 4).unwrap();
    let error = refused(&settings, &logits(), &four);
    assert_eq!(error, shape("targets", &[2, 4], "[M, 3], as the logits have classes"));
    assert_eq!(error.to_string(), "targets has shape [2, 4], expected [M, 3], as the logits have classes");
    assert_eq!(
        Batch::from(hard()).with_further(four).unwrap_err(),
        shape("further candidates", &[2, 4], "[M, 3], as the targets")
    );
    let batch = Batch::from(hard()).with_multiplicities(array![1.0, 1.0, 1.0]).unwrap();
    assert_eq!(refused(&settings, &logits(), batch), shape("multiplicities", &[3], "[2]"));
    let batch = Batch::from(hard()).with_row_weights(array![1.0]).unwrap();
    assert_eq!(refused(&settings, &logits(), batch), shape("row weights", &[1], "[2]"));
    let batch = Batch::from(hard()).with_positives(vec![0]);
    assert_eq!(refused(&settings, &logits(), batch), shape("positives", &[1], "[2], one per row of the logits"));
    let noise = settings.clone().with_noise(NoiseDistribution::from_probabilities(&[0.5, 0.5]).unwrap());
    let error = SoftTargetInfoNce::new(noise).loss(logits().view(), hard()).unwrap_err();
    assert_eq!(error, shape("noise distribution", &[2], "[3], as the logits have classes"));

    let upstream = array![1.0, 1.0];
    let request = GradientRequest::new().with_upstream(&upstream);
    let error = SoftTargetInfoNce::new(settings.clone()).loss_and_gradient(logits().view(), hard(), &request);
    assert_eq!(error.unwrap_err(), shape("upstream", &[2], "[1], as the loss"));
    let upstream = array![1.0];
    let request = GradientRequest::new().with_upstream(&upstream);
    let rows = SoftTargetInfoNce::new(settings.with_reduction(Reduction::None));
    let error = rows.loss_and_gradient(logits().view(), hard(), &request).unwrap_err();
    assert_eq!(error, shape("upstream", &[1], "[2], as the loss"));

    let wrong = [
        Targets::mixed(&[0, 1], &[1], &[0.5, 0.5], 3, 0.0).unwrap_err(),
        Targets::mixed(&[0, 1], &[1, 0], &[0.5], 3, 0.0).unwrap_err(),
        Targets::compact(&[0.0, 0.0], &array![[0]], &array![[1.0]], 3).unwrap_err(),
        Targets::compact(&[0.0], &array![[0, 1]], &array![[1.0]], 3).unwrap_err(),
        Targets::top_k(&array![[0, 1]], &array![[1.0]], 3).unwrap_err(),
        Targets::top_k(&array![[0, 1]], &array![[0.5, 0.5]], 1).unwrap_err(),
    ];
    let arguments = ["second", "lambda", "classes", "weights", "probabilities", "classes"];
    for (error, expected) in wrong.into_iter().zip(arguments) {
        assert!(matches!(&error, Error::Shape { argument, .. } if *argument == expected), "{error}");
    }
    let mut estimator = NoiseEstimator::new(4, 1.0, 1.0).unwrap();
    assert_eq!(estimator.observe(&hard()).unwrap_err(), shape("targets", &[2, 3], "[M, 4]"));
    let noise = NoiseDistribution::from_probabilities(&[0.5, 0.5]).unwrap();
    assert!(matches!(noise.probabilities(3), Err(Error::Shape { .. })));
}

#[test]
fn nothing_to_work_on() {
    let settings = LossSettings::new();
    for shape in [(0, 3), (2, 0)] {
        let error = refused(&settings, &Array2::zeros(shape), hard());
        assert_eq!(error, Error::Empty { argument: "logits", found: vec![shape.0, shape.1] });
    }
    let no_labels: [usize; 0] = [];
    assert_eq!(Targets::hard(&no_labels, 3).unwrap_err(), Error::Empty { argument: "labels", found: vec![0] });
    let empty = Error::Empty { argument: "targets", found: vec![0, 0] };
    assert_eq!(Targets::hard(&[0], 0).unwrap_err(), empty);
    assert!(matches!(Targets::smoothed(&no_labels, 3, 0.1), Err(Error::Empty { argument: "labels", .. })));
    assert!(matches!(Targets::mixed(&no_labels, &[0], &[0.5], 3, 0.1), Err(Error::Empty { argument: "first", .. })));
    assert!(matches!(Targets::dense(Array2::<f32>::zeros((0, 3))), Err(Error::Empty { .. })));
    assert!(matches!(Targets::dense(Array2::<f32>::zeros((3, 0))), Err(Error::Empty { .. })));
    assert!(matches!(Targets::votes(&Array2::<u32>::zeros((0, 3))), Err(Error::Empty { .. })));
    let none = Array2::<usize>::zeros((0, 1));
    assert!(matches!(Targets::compact(&[], &none, &Array2::zeros((0, 1)), 3), Err(Error::Empty { .. })));
    assert!(matches!(Targets::top_k(&none, &Array2::zeros((0, 1)), 3), Err(Error::Empty { .. })));
    assert!(matches!(NoiseDistribution::from_counts::<u32>(&[], 1.0), Err(Error::Empty { argument: "counts", .. })));
    assert!(matches!(NoiseDistribution::from_probabilities::<f64>(&[]), Err(Error::Empty { .. })));
    assert!(matches!(NoiseEstimator::new(0, 1.0, 1.0), Err(Error::Empty { .. })));
}

#[test]
fn fewer_candidates_than_rows() {
    let error = refused(&LossSettings::new(), &logits(), Targets::hard(&[0], 3).unwrap());
    assert_eq!(error, Error::TooFewCandidates { candidates: 1, rows: 2 });
}

#[test]
fn values_that_are_not_finite() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut logits = logits();
        logits[[1, 2]] = value;
        for targets in
            [hard(), Targets::smoothed(&[0, 1], 3, 0.1).unwrap(), Targets::dense(hard().to_dense().unwrap()).unwrap()]
        {
            let error = refused(&LossSettings::new(), &logits, &targets);
            let expected = Error::NonFinite { argument: "logits", index: vec![1, 2], value };
            assert_eq!(error.to_string(), expected.to_string());
            assert!(error.to_string().contains("to mask a class use a large negative number"));
        }
    }
    let infinite = f64::INFINITY;
    let upstream = array![infinite];
    let request = GradientRequest::new().with_upstream(&upstream);
    let error = SoftTargetInfoNce::default().loss_and_gradient(logits().view(), hard(), &request).unwrap_err();
    assert_eq!(error, Error::NonFinite { argument: "upstream", index: vec![0], value: infinite });
    let found = [
        Targets::dense(array![[0.5, infinite]]).unwrap_err(),
        Targets::votes(&array![[1.0, infinite]]).unwrap_err(),
        Targets::compact(&[infinite], &array![[0]], &array![[1.0]], 2).unwrap_err(),
        Targets::compact(&[0.0], &array![[0]], &array![[infinite]], 2).unwrap_err(),
        Targets::top_k(&array![[0]], &array![[infinite]], 2).unwrap_err(),
    ];
    let expected = [("targets", vec![0, 1]), ("votes", vec![0, 1]), ("uniform", vec![0]), ("weights", vec![0, 0])];
    let last = ("probabilities", vec![0, 0]);
    for (error, (argument, index)) in found.into_iter().zip(expected.into_iter().chain([last])) {
        assert_eq!(error, Error::NonFinite { argument, index, value: infinite });
    }
}

#[test]
fn scores_that_overflow() {
    let settings = LossSettings::new().with_temperature(1e-300).unwrap();
    let error = refused(&settings, &(logits() * 1e9), hard());
    let expected = Error::ScoreOverflow { row: 0, class: 0, logit: 1e8, temperature: 1e-300, accumulator: "f64" };
    assert_eq!(error, expected);
    // In f16 the logits fit; what overflows is their quotient in f32. Scores are relative to the row's largest.
    let small = array![[half::f16::from_f32(2.0), half::f16::from_f32(1.0)]];
    let settings = LossSettings::new().with_temperature(1e-38).unwrap();
    let error = SoftTargetInfoNce::new(settings).loss(small.view(), Targets::hard(&[0], 2).unwrap()).unwrap_err();
    assert!(matches!(error, Error::ScoreOverflow { class: 1, logit: 1.0, accumulator: "f32", .. }));

    // A temperature that the type of the sums holds as 0 or infinity, or its reciprocal.
    for value in [1e-300, 1e-40, 1e39] {
        let settings = LossSettings::new().with_temperature(value).unwrap();
        let error = SoftTargetInfoNce::new(settings).loss(small.view(), Targets::hard(&[0], 2).unwrap()).unwrap_err();
        assert_eq!(error, Error::Temperature { value });
    }

    // Factors of the gradient, and sums of weighted losses.
    let zeros = Array2::<f32>::zeros((2, 3));
    let upstream = array![1e39];
    let request = GradientRequest::new().with_upstream(&upstream);
    let error = SoftTargetInfoNce::default().loss_and_gradient(zeros.view(), hard(), &request).unwrap_err();
    assert!(matches!(error, Error::NonFinite { argument, .. } if argument.contains("upstream")));
    let batch = Batch::from(hard()).with_row_weights(array![1e308, 1e308]).unwrap();
    let sum = SoftTargetInfoNce::new(LossSettings::new().with_reduction(Reduction::Sum));
    let error =
        sum.loss(Array2::<f64>::from_elem((2, 3), 1.0).view(), batch.with_multiplicities(array![9.0, 9.0]).unwrap());
    assert!(matches!(error, Err(Error::NonFinite { argument: "loss", value: f64::INFINITY, .. })));
}

#[test]
fn temperatures_and_other_settings_out_of_range() {
    for value in [0.0, -1.0, f64::INFINITY] {
        assert_eq!(LossSettings::new().with_temperature(value).unwrap_err(), Error::Temperature { value });
    }
    assert!(LossSettings::new().with_temperature(f64::NAN).is_err());
    let setting = |error: Error| match error {
        Error::Setting { argument, value, .. } => (argument, value),
        other => panic!("expected a setting, got {other}"),
    };
    assert_eq!(setting(Targets::smoothed(&[0], 2, 1.5).unwrap_err()), ("smoothing", 1.5));
    assert_eq!(setting(Targets::mixed(&[0], &[1], &[-0.5], 2, 0.0).unwrap_err()), ("lambda", -0.5));
    assert_eq!(setting(Targets::compact(&[-0.5], &array![[0]], &array![[1.5]], 2).unwrap_err()), ("uniform", -0.5));
    assert_eq!(setting(NoiseDistribution::from_counts(&[1], -1.0).unwrap_err()), ("smoothing", -1.0));
    assert_eq!(setting(NoiseEstimator::new(2, 0.0, 1.0).unwrap_err()), ("smoothing", 0.0));
    assert_eq!(setting(NoiseEstimator::new(2, 1.0, 1.5).unwrap_err()), ("decay", 1.5));
    assert_eq!(setting(SoftTargetInfoNce::default().with_block_rows(0).unwrap_err()), ("block rows", 0.0));
    let noise = NoiseDistribution::from_probabilities(&[0.75, 0.25]).unwrap();
    assert_eq!(setting(noise.powered(f64::INFINITY).unwrap_err()), ("alpha", f64::INFINITY));
    assert_eq!(setting(noise.powered(1e6).unwrap_err()), ("alpha", 1e6));
}

#[test]
fn noise_that_is_no_distribution() {
    let error = NoiseDistribution::from_counts(&[3, 0, 1], 0.0).unwrap_err();
    assert_eq!(error, Error::NoiseProbability { argument: "counts", class: 1, value: 0.0 });
    let error = NoiseDistribution::from_counts(&[3.0, -0.5], 1.0).unwrap_err();
    assert_eq!(error, Error::NoiseProbability { argument: "counts", class: 1, value: -0.5 });
    let error = NoiseDistribution::from_probabilities(&[0.0, 1.0]).unwrap_err();
    assert_eq!(error, Error::NoiseProbability { argument: "noise probabilities", class: 0, value: 0.0 });
    assert!(NoiseDistribution::from_probabilities(&[f64::NAN, 1.0]).is_err());
    let error = NoiseDistribution::from_probabilities(&[0.5, 0.25]).unwrap_err();
    assert_eq!(error, Error::NoiseSum { sum: 0.75, tolerance: 1e-4 });
}

#[test]
fn targets_off_the_simplex() {
    let error = Targets::dense(array![[0.5, 0.5], [0.0, 0.0]]).unwrap_err();
    assert_eq!(error, Error::OffSimplex { row: 1, sum: 0.0, tolerance: 1e-4 });
    let error = Targets::dense(array![[0.75, 0.375]]).unwrap_err();
    assert_eq!(error, Error::OffSimplex { row: 0, sum: 1.125, tolerance: 1e-4 });
    let error = Targets::dense(array![[1.25, -0.25]]).unwrap_err();
    assert_eq!(error, Error::NegativeTarget { row: 0, class: 1, value: -0.25 });
    let error = Targets::votes(&array![[1, 0], [0, 0]]).unwrap_err();
    assert_eq!(error, Error::Votes { row: 1, sum: 0.0 });
    assert!(matches!(Targets::votes(&array![[2, -1]]), Err(Error::NegativeTarget { class: 1, .. })));
    let error = Targets::compact(&[0.5], &array![[0, 1]], &array![[0.5, 0.25]], 2).unwrap_err();
    assert_eq!(error, Error::OffSimplex { row: 0, sum: 1.25, tolerance: 1e-4 });
    let error = Targets::compact(&[0.5], &array![[0, 1]], &array![[1.0, -0.5]], 2).unwrap_err();
    assert_eq!(error, Error::NegativeTarget { row: 0, class: 1, value: -0.25 });
    assert!(matches!(Targets::top_k(&array![[0]], &array![[1.5]], 2), Err(Error::OffSimplex { sum: 1.5, .. })));
    let all = Targets::top_k(&array![[0, 1]], &array![[0.5, 0.25]], 2);
    assert!(matches!(all, Err(Error::OffSimplex { sum: 0.75, .. })));
    assert!(matches!(Targets::top_k(&array![[0]], &array![[-0.5]], 2), Err(Error::NegativeTarget { .. })));
    // A rounding error is no mistake, and what it is depends on the type.
    assert!(Targets::dense(array![[0.333_33_f32, 0.333_33, 0.333_33]]).is_ok());
    assert!(Targets::dense(array![[half::f16::from_f32(0.4996), half::f16::from_f32(0.4996)]]).is_ok());
    assert!(Targets::dense(array![[0.4996_f32, 0.4996]]).is_err());
}

#[test]
fn labels_and_positives_out_of_range() {
    let error = Targets::hard(&[0_i64, -1], 3).unwrap_err();
    assert_eq!(error, Error::Label { argument: "labels", row: 1, label: -1, classes: 3 });
    let error = Targets::hard(&[0_u8, 3], 3).unwrap_err();
    assert_eq!(error.to_string(), "labels[1] is 3, expected a class from 0 to 2");
    assert!(matches!(Targets::smoothed(&[5], 3, 0.1), Err(Error::Label { argument: "labels", label: 5, .. })));
    assert!(matches!(Targets::mixed(&[0], &[5], &[0.5], 3, 0.1), Err(Error::Label { argument: "second", .. })));
    let compact = Targets::compact(&[0.0], &array![[u64::MAX]], &array![[1.0]], 3);
    assert!(matches!(compact, Err(Error::Label { argument: "classes", label: 18446744073709551615, .. })));
    let repeated = Targets::top_k(&array![[1, 1]], &array![[0.5, 0.25]], 3).unwrap_err();
    assert_eq!(repeated, Error::RepeatedClass { row: 0, class: 1 });

    let error = refused(&LossSettings::new(), &logits(), Batch::from(hard()).with_offset(1));
    assert_eq!(error, Error::Positive { row: 1, positive: 2, candidates: 2 });
    let error = refused(&LossSettings::new(), &logits(), Batch::from(hard()).with_offset(usize::MAX));
    assert_eq!(error, Error::Positive { row: 0, positive: usize::MAX, candidates: 2 });
    let error = refused(&LossSettings::new(), &logits(), Batch::from(hard()).with_positives(vec![0, 7]));
    assert_eq!(error, Error::Positive { row: 1, positive: 7, candidates: 2 });
}

#[test]
fn multiplicities_and_weights_out_of_range() {
    for (values, index, value) in
        [(array![1.0, -1.0], 1, -1.0), (array![f64::INFINITY, 1.0], 0, f64::INFINITY), (array![0.0, 0.0], 0, 0.0)]
    {
        let error = Batch::from(hard()).with_multiplicities(values.view()).unwrap_err();
        assert_eq!(error, Error::Multiplicity { index, value });
        if value != 0.0 {
            let error = Batch::from(hard()).with_row_weights(values.view()).unwrap_err();
            assert_eq!(error, Error::RowWeight { row: index, value });
        }
    }
    // Weights of 0 alone: no mean, but a sum of 0.
    let batch = Batch::from(hard()).with_row_weights(array![0.0, 0.0]).unwrap();
    let error = SoftTargetInfoNce::default().loss(logits().view(), &batch).unwrap_err();
    assert_eq!(error, Error::RowWeight { row: 0, value: 0.0 });
    let sum = SoftTargetInfoNce::new(LossSettings::new().with_reduction(Reduction::Sum));
    assert_eq!(sum.loss(logits().view(), &batch).unwrap().scalar(), Some(0.0));
}

#[cfg(target_pointer_width = "64")]
#[test]
fn more_classes_than_the_index_type_holds() {
    let classes = u32::MAX as usize + 1;
    let expected = Error::IndexOverflow { argument: "classes", value: classes as u128, limit: (1 << 32) - 1 };
    assert_eq!(Targets::hard(&[0], classes).unwrap_err(), expected);
    assert!(Targets::hard(&[u32::MAX - 1], classes - 1).is_ok());
}

#[cfg(target_pointer_width = "64")]
#[test]
fn sizes_that_no_array_can_have() {
    let huge = usize::MAX;
    assert!(matches!(NoiseEstimator::new(huge, 1.0, 1.0), Err(Error::IndexOverflow { argument: "classes", .. })));
    assert!(matches!(NoiseDistribution::uniform().probabilities(huge), Err(Error::IndexOverflow { .. })));
    // A view of almost 2^62 logits that are one number.
    let one = array![[0.0_f32]];
    let logits = one.broadcast((1 << 30, (1 << 32) - 1)).unwrap();
    let targets = Targets::hard(&[0], (1 << 32) - 1).unwrap();
    let error = SoftTargetInfoNce::default().loss_and_gradient(logits, &targets, &GradientRequest::new()).unwrap_err();
    assert!(matches!(error, Error::IndexOverflow { argument: "rows x classes", .. }));
}

#[test]
fn a_gradient_of_another_shape() {
    let mut gradient = Array2::<f32>::zeros((3, 2));
    let logits = Array2::<f32>::zeros((2, 3));
    let request = GradientRequest::new();
    let error = InfoNce::default().loss_and_gradient_into(logits.view(), hard(), &request, gradient.view_mut());
    let error = error.unwrap_err().to_string();
    assert_eq!(error, "gradient has shape [3, 2], expected [2, 3], as the logits");
}

#[test]
fn hard_losses_refuse_soft_targets() {
    let soft = Targets::smoothed(&[0, 1], 3, 0.1).unwrap();
    let error = InfoNce::default().loss(logits().view(), &soft).unwrap_err();
    assert_eq!(error, Error::HardTargetsRequired { loss: LossKind::InfoNce, found: Form::Compact });
    let dense = Targets::dense_as_is(soft.to_dense().unwrap()).unwrap();
    let error = Nll::default().loss(logits().view(), &dense).unwrap_err();
    assert_eq!(error.to_string(), "nll takes hard labels or one-hot rows, targets came as soft dense rows; use its soft-target form");
}

#[test]
fn unknown_names() {
    let error = "focal".parse::<LossKind>().unwrap_err();
    assert_eq!(error, Error::UnknownLoss { name: "focal".into() });
    assert!(error.to_string().contains("soft-target-infonce"));
    for kind in LossKind::ALL {
        assert_eq!(kind.to_string().parse::<LossKind>().unwrap(), kind);
    }
}

#[test]
fn the_oracle_checks_its_arguments_too() {
    let targets = hard().to_dense().unwrap();
    let (ones, noise) = (Array1::ones(2), Array1::from_elem(3, 1.0 / 3.0));
    let call = |positives: &[usize], ones: &Array1<f64>, noise: &Array1<f64>| {
        oracle::soft_target_info_nce(logits().view(), targets.view(), positives, ones.view(), noise.view(), 1.0)
    };
    assert!(call(&[0, 1], &ones, &noise).is_ok());
    assert!(matches!(call(&[0], &ones, &noise), Err(Error::Shape { argument: "positives", .. })));
    assert!(matches!(call(&[0, 2], &ones, &noise), Err(Error::Positive { positive: 2, .. })));
    assert!(matches!(call(&[0, 1], &Array1::ones(3), &noise), Err(Error::Shape { argument: "multiplicities", .. })));
    assert!(matches!(call(&[0, 1], &ones, &ones), Err(Error::Shape { argument: "noise", .. })));
    let narrow = Array2::zeros((2, 2));
    assert!(oracle::soft_target_cross_entropy(logits().view(), narrow.view(), 1.0).is_err());
    assert!(matches!(call(&[0, 1], &Array1::zeros(2), &noise), Err(Error::Multiplicity { .. })));
    assert!(matches!(call(&[0, 1], &ones, &Array1::zeros(3)), Err(Error::NoiseProbability { .. })));
    let cold = oracle::soft_target_cross_entropy(logits().view(), targets.view(), 0.0);
    assert_eq!(cold.unwrap_err(), Error::Temperature { value: 0.0 });
    let infinite = logits() * f64::INFINITY;
    let error = oracle::soft_target_cross_entropy(infinite.view(), targets.view(), 1.0).unwrap_err();
    assert!(matches!(error, Error::NonFinite { argument: "logits", .. }));
}
