//! Every error, raised by the input it is for, with the values it names.

use ndarray::{Array1, Array2, array};
use softnce::oracle;
use softnce::{
    Batch, Error, ErrorKind, GradientRequest, InfoNce, Instructions, Loss, LossKind, LossSettings, Nll,
    NoiseDistribution, NoiseEstimator, Reduction, SoftDistributionInfoNce, SoftTargetCrossEntropy, SoftTargetInfoNce,
    Targets,
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
    assert_eq!(other.unwrap_err(), error);
    let other = SoftTargetCrossEntropy::new(settings.clone()).loss(logits.view(), &batch).unwrap_err();
    assert_eq!(other, error);
    error
}

/// The error has this kind and this message.
#[track_caller]
fn says(error: Error, kind: ErrorKind, message: &str) {
    assert_eq!((error.to_string().as_str(), error.kind()), (message, kind));
}

/// The error is about this argument, and the message holds these words.
#[track_caller]
fn about(error: Error, kind: ErrorKind, argument: &str, words: &str) {
    assert_eq!((error.argument(), error.kind()), (argument, kind), "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn shapes_that_do_not_agree() {
    let settings = LossSettings::new();
    let four = Targets::hard(&[0, 3], 4).unwrap();
    let shape = |error, message: &str| says(error, ErrorKind::Shape, message);
    shape(
        refused(&settings, &logits(), &four),
        "targets: found shape [2, 4], expected [M, 3], as the logits have 3 classes",
    );
    let error = Batch::from(hard()).with_further(four).unwrap_err();
    shape(error, "further candidates: found shape [2, 4], expected [M, 3], as the targets have");
    let batch = Batch::from(hard()).with_multiplicities(array![1.0, 1.0, 1.0]).unwrap();
    shape(refused(&settings, &logits(), batch), "multiplicities: found shape [3], expected [2]");
    let batch = Batch::from(hard()).with_row_weights(array![1.0]).unwrap();
    shape(refused(&settings, &logits(), batch), "row weights: found shape [1], expected [2]");
    let factors = Reduction::Sum.factors(2, Some(array![1.0].view())).unwrap_err();
    shape(factors, "row weights: found shape [1], expected [2]");
    let batch = Batch::from(hard()).with_positives(vec![0]);
    let message = "positives: found shape [1], expected [2], one for each row of logits";
    shape(refused(&settings, &logits(), batch), message);
    let noise = settings.clone().with_noise(NoiseDistribution::from_probabilities(&[0.5, 0.5]).unwrap());
    let error = SoftTargetInfoNce::new(noise).loss(logits().view(), hard()).unwrap_err();
    shape(error, "noise distribution: found shape [2], expected [3], as the logits have 3 classes");

    let upstream = array![1.0, 1.0];
    let request = GradientRequest::new().with_upstream(&upstream);
    let error = SoftTargetInfoNce::new(settings.clone()).loss_and_gradient(logits().view(), hard(), &request);
    shape(error.unwrap_err(), "upstream: found shape [2], expected [1], as the loss");
    let upstream = array![1.0];
    let request = GradientRequest::new().with_upstream(&upstream);
    let rows = SoftTargetInfoNce::new(settings.with_reduction(Reduction::None));
    let error = rows.loss_and_gradient(logits().view(), hard(), &request).unwrap_err();
    shape(error, "upstream: found shape [1], expected [2], as the loss");

    let wrong = [
        Targets::mixed(&[0, 1], &[1], &[0.5, 0.5], 3, 0.0).unwrap_err(),
        Targets::mixed(&[0, 1], &[1, 0], &[0.5], 3, 0.0).unwrap_err(),
        Targets::compact(&[0.0, 0.0], &array![[0]], &array![[1.0]], 3).unwrap_err(),
        Targets::compact(&[0.0], &array![[0, 1]], &array![[1.0]], 3).unwrap_err(),
        Targets::top_k(&array![[0, 1]], &array![[1.0]], 3).unwrap_err(),
        Targets::top_k(&array![[0, 1]], &array![[0.5, 0.5]], 1).unwrap_err(),
    ];
    let arguments = ["second", "lambda", "class indices", "weights", "probabilities", "class indices"];
    for (error, argument) in wrong.into_iter().zip(arguments) {
        about(error, ErrorKind::Shape, argument, "found shape [");
    }
    let mut estimator = NoiseEstimator::new(4, 1.0, 1.0).unwrap();
    shape(estimator.observe(&hard()).unwrap_err(), "targets: found shape [2, 3], expected [M, 4]");
    let noise = NoiseDistribution::from_probabilities(&[0.5, 0.5]).unwrap();
    about(noise.probabilities(3).unwrap_err(), ErrorKind::Shape, "noise distribution", "found shape [2]");
}

#[test]
fn nothing_to_work_on() {
    let settings = LossSettings::new();
    for shape in [(0, 3), (2, 0)] {
        let error = refused(&settings, &Array2::zeros(shape), hard());
        let message =
            format!("logits: found shape [{}, {}], expected at least one row and one column", shape.0, shape.1);
        says(error, ErrorKind::Empty, &message);
    }
    let no_labels: [usize; 0] = [];
    let none = Array2::<usize>::zeros((0, 1));
    let empty = [
        (Targets::hard(&no_labels, 3).unwrap_err(), "labels"),
        (Targets::hard(&[0], 0).unwrap_err(), "targets"),
        (Targets::smoothed(&no_labels, 3, 0.1).unwrap_err(), "labels"),
        (Targets::mixed(&no_labels, &[0], &[0.5], 3, 0.1).unwrap_err(), "first"),
        (Targets::dense(Array2::<f32>::zeros((0, 3))).unwrap_err(), "targets"),
        (Targets::dense(Array2::<f32>::zeros((3, 0))).unwrap_err(), "targets"),
        (Targets::votes(&Array2::<u32>::zeros((0, 3))).unwrap_err(), "targets"),
        (Targets::compact(&[], &none, &Array2::zeros((0, 1)), 3).unwrap_err(), "uniform"),
        (Targets::top_k(&none, &Array2::zeros((0, 1)), 3).unwrap_err(), "class indices"),
        (NoiseDistribution::from_counts::<u32>(&[], 1.0).unwrap_err(), "counts"),
        (NoiseDistribution::from_probabilities::<f64>(&[]).unwrap_err(), "noise probabilities"),
        (NoiseEstimator::new(0, 1.0, 1.0).unwrap_err(), "classes"),
    ];
    for (error, argument) in empty {
        about(error, ErrorKind::Empty, argument, "expected at least one row and one column");
    }
}

#[test]
fn fewer_candidates_than_rows() {
    let error = refused(&LossSettings::new(), &logits(), Targets::hard(&[0], 3).unwrap());
    let message = "candidates: found 1, expected at least 2, one for each row of logits, or explicit positives";
    says(error, ErrorKind::Candidates, message);
}

#[test]
fn values_that_are_not_finite() {
    for (value, name) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
        let mut logits = logits();
        logits[[1, 2]] = value;
        for targets in
            [hard(), Targets::smoothed(&[0, 1], 3, 0.1).unwrap(), Targets::dense(hard().to_dense().unwrap()).unwrap()]
        {
            let message = format!(
                "logits[1, 2]: found {name}, expected a finite number (to mask a class, use a large negative number such \
                 as -1e4)"
            );
            says(refused(&LossSettings::new(), &logits, &targets), ErrorKind::NonFinite, &message);
        }
    }
    let infinite = f64::INFINITY;
    let upstream = array![infinite];
    let request = GradientRequest::new().with_upstream(&upstream);
    let error = SoftTargetInfoNce::default().loss_and_gradient(logits().view(), hard(), &request).unwrap_err();
    says(error, ErrorKind::NonFinite, "upstream[0]: found inf, expected a finite number");
    let found = [
        (Targets::dense(array![[0.5, infinite]]).unwrap_err(), "targets[0, 1]"),
        (Targets::votes(&array![[1.0, infinite]]).unwrap_err(), "votes[0, 1]"),
        (Targets::compact(&[infinite], &array![[0]], &array![[1.0]], 2).unwrap_err(), "uniform[0]"),
        (Targets::compact(&[0.0], &array![[0]], &array![[infinite]], 2).unwrap_err(), "weights[0, 0]"),
        (Targets::top_k(&array![[0]], &array![[infinite]], 2).unwrap_err(), "probabilities[0, 0]"),
    ];
    for (error, place) in found {
        says(error, ErrorKind::NonFinite, &format!("{place}: found inf, expected a finite number"));
    }
}

#[test]
fn scores_that_overflow() {
    let settings = LossSettings::new().with_temperature(1e-300).unwrap();
    let error = refused(&settings, &(logits() * 1e9), hard());
    let message = "logits[0, 0]: found 1e8, expected (logit - row maximum) / temperature 1e-300 in the range of f64";
    says(error, ErrorKind::Overflow, message);
    // In f16 the logits fit; what overflows is their quotient in f32. Scores are relative to the row's largest.
    let small = array![[half::f16::from_f32(2.0), half::f16::from_f32(1.0)]];
    let settings = LossSettings::new().with_temperature(1e-38).unwrap();
    let error = SoftTargetInfoNce::new(settings).loss(small.view(), Targets::hard(&[0], 2).unwrap()).unwrap_err();
    let message = "logits[0, 1]: found 1, expected (logit - row maximum) / temperature 1e-38 in the range of f32";
    says(error, ErrorKind::Overflow, message);

    // A temperature that the type of the sums holds as 0 or infinity, or its reciprocal.
    for value in [1e-300, 1e-40, 1e39] {
        let settings = LossSettings::new().with_temperature(value).unwrap();
        let error = SoftTargetInfoNce::new(settings).loss(small.view(), Targets::hard(&[0], 2).unwrap()).unwrap_err();
        about(error, ErrorKind::Temperature, "temperature", &format!("found {value:e}"));
    }

    // Factors of the gradient, and sums of weighted losses.
    let zeros = Array2::<f32>::zeros((2, 3));
    let upstream = array![1e39];
    let request = GradientRequest::new().with_upstream(&upstream);
    let error = SoftTargetInfoNce::default().loss_and_gradient(zeros.view(), hard(), &request).unwrap_err();
    let message = "row weight x upstream gradient / temperature[0]: found 5e38, expected a finite number";
    says(error, ErrorKind::NonFinite, message);
    let batch = Batch::from(hard()).with_row_weights(array![1e308, 1e308]).unwrap();
    let sum = SoftTargetInfoNce::new(LossSettings::new().with_reduction(Reduction::Sum));
    let batch = batch.with_multiplicities(array![9.0, 9.0]).unwrap();
    let error = sum.loss(Array2::<f64>::from_elem((2, 3), 1.0).view(), batch).unwrap_err();
    says(error, ErrorKind::NonFinite, "loss: found inf, expected a finite number");
}

#[test]
fn temperatures_and_other_settings_out_of_range() {
    let words = "expected a finite number above 0 with a finite reciprocal, in the type of the sums as well";
    for (value, name) in [(0.0, "0"), (-1.0, "-1"), (f64::INFINITY, "inf"), (f64::NAN, "NaN")] {
        let error = LossSettings::new().with_temperature(value).unwrap_err();
        says(error, ErrorKind::Temperature, &format!("temperature: found {name}, {words}"));
    }
    let noise = NoiseDistribution::from_probabilities(&[0.75, 0.25]).unwrap();
    let settings = [
        (Targets::smoothed(&[0], 2, 1.5).unwrap_err(), "smoothing", "found 1.5, expected a share from 0 to 1"),
        (
            Targets::mixed(&[0], &[1], &[-0.5], 2, 0.0).unwrap_err(),
            "lambda",
            "found -0.5, expected a share from 0 to 1",
        ),
        (Targets::compact(&[-0.5], &array![[0]], &array![[1.5]], 2).unwrap_err(), "uniform", "[0]: found -0.5"),
        (NoiseDistribution::from_counts(&[1], -1.0).unwrap_err(), "smoothing", "found -1"),
        (NoiseEstimator::new(2, 0.0, 1.0).unwrap_err(), "smoothing", "found 0, expected a finite number above 0"),
        (NoiseEstimator::new(2, 1.0, 1.5).unwrap_err(), "decay", "found 1.5, expected a number above 0, at most 1"),
        (SoftTargetInfoNce::default().with_block_rows(0).unwrap_err(), "block rows", "found 0"),
        (noise.powered(f64::INFINITY).unwrap_err(), "alpha", "found inf, expected a finite number"),
        (noise.powered(1e6).unwrap_err(), "alpha", "keeps every probability above 0"),
    ];
    for (error, argument, words) in settings {
        about(error, ErrorKind::Range, argument, words);
    }
    // A set of instructions of another processor.
    let missing =
        [Instructions::Neon, Instructions::Avx512].into_iter().find(|set| !Instructions::available().contains(set));
    let error = LossSettings::new().with_instructions(missing.unwrap()).unwrap_err();
    about(error, ErrorKind::Unsupported, "instructions", "expected instructions available on this CPU: portable");
}

#[test]
fn noise_that_is_no_distribution() {
    let words = "expected a finite number above 0 (smooth the counts of unseen classes)";
    let error = NoiseDistribution::from_counts(&[3, 0, 1], 0.0).unwrap_err();
    says(error, ErrorKind::Range, &format!("counts[1]: found 0, {words}"));
    let error = NoiseDistribution::from_counts(&[3.0, -0.5], 1.0).unwrap_err();
    says(error, ErrorKind::Range, &format!("counts[1]: found -0.5, {words}"));
    let error = NoiseDistribution::from_probabilities(&[0.0, 1.0]).unwrap_err();
    says(error, ErrorKind::Range, &format!("noise probabilities[0]: found 0, {words}"));
    let error = NoiseDistribution::from_probabilities(&[f64::NAN, 1.0]).unwrap_err();
    says(error, ErrorKind::Range, &format!("noise probabilities[0]: found NaN, {words}"));
    let error = NoiseDistribution::from_probabilities(&[0.5, 0.25]).unwrap_err();
    says(error, ErrorKind::Sum, "noise probabilities: found a sum of 0.75, expected 1 within 0.0001");
    let error = NoiseDistribution::from_probabilities(&[0.5, 0.5]).unwrap().over_classes(&[0, 2]).unwrap_err();
    says(error, ErrorKind::Index, "class indices[1]: found 2, expected a class from 0 to 1");
}

#[test]
fn targets_off_the_simplex() {
    let sum = |error, message: &str| says(error, ErrorKind::Sum, message);
    let negative = |error, message: &str| says(error, ErrorKind::Range, message);
    let error = Targets::dense(array![[0.5, 0.5], [0.0, 0.0]]).unwrap_err();
    sum(error, "targets[1]: found a sum of 0, expected 1 within 0.0001");
    let error = Targets::dense(array![[0.75, 0.375]]).unwrap_err();
    sum(error, "targets[0]: found a sum of 1.125, expected 1 within 0.0001");
    let error = Targets::dense(array![[1.25, -0.25]]).unwrap_err();
    negative(error, "targets[0, 1]: found -0.25, expected a number not below 0");
    let error = Targets::votes(&array![[1, 0], [0, 0]]).unwrap_err();
    sum(error, "votes[1]: found a sum of 0, expected a finite number above 0");
    let error = Targets::votes(&array![[2, -1]]).unwrap_err();
    negative(error, "votes[0, 1]: found -1, expected a number not below 0");
    let error = Targets::compact(&[0.5], &array![[0, 1]], &array![[0.5, 0.25]], 2).unwrap_err();
    sum(error, "targets[0]: found a sum of 1.25, expected 1 within 0.0001");
    let error = Targets::compact(&[0.5], &array![[0, 1]], &array![[1.0, -0.5]], 2).unwrap_err();
    negative(error, "targets[0, 1]: found -0.25, expected a number not below 0");
    let error = Targets::top_k(&array![[0]], &array![[1.5]], 2).unwrap_err();
    sum(error, "probabilities[0]: found a sum of 1.5, expected 1 within 0.0001");
    let error = Targets::top_k(&array![[0, 1]], &array![[0.5, 0.25]], 2).unwrap_err();
    sum(error, "probabilities[0]: found a sum of 0.75, expected 1 within 0.0001");
    let error = Targets::top_k(&array![[0]], &array![[-0.5]], 2).unwrap_err();
    negative(error, "probabilities[0, 0]: found -0.5, expected a number not below 0");
    // A rounding error is no mistake, and what it is depends on the type.
    assert!(Targets::dense(array![[0.333_33_f32, 0.333_33, 0.333_33]]).is_ok());
    assert!(Targets::dense(array![[half::f16::from_f32(0.4996), half::f16::from_f32(0.4996)]]).is_ok());
    assert!(Targets::dense(array![[0.4996_f32, 0.4996]]).is_err());
}

#[test]
fn labels_and_positives_out_of_range() {
    let index = |error, message: &str| says(error, ErrorKind::Index, message);
    let error = Targets::hard(&[0_i64, -1], 3).unwrap_err();
    index(error, "labels[1]: found -1, expected a class from 0 to 2");
    let error = Targets::hard(&[0_u8, 3], 3).unwrap_err();
    index(error, "labels[1]: found 3, expected a class from 0 to 2");
    let error = Targets::smoothed(&[5], 3, 0.1).unwrap_err();
    index(error, "labels[0]: found 5, expected a class from 0 to 2");
    let error = Targets::mixed(&[0], &[5], &[0.5], 3, 0.1).unwrap_err();
    index(error, "second[0]: found 5, expected a class from 0 to 2");
    let error = Targets::compact(&[0.0], &array![[u64::MAX]], &array![[1.0]], 3).unwrap_err();
    index(error, "class indices[0]: found 18446744073709551615, expected a class from 0 to 2");
    let error = Targets::top_k(&array![[1, 1]], &array![[0.5, 0.25]], 3).unwrap_err();
    index(error, "class indices[0, 1]: found class 1 twice, expected distinct classes");

    let error = refused(&LossSettings::new(), &logits(), Batch::from(hard()).with_offset(1));
    index(error, "positives[1]: found 2, expected a candidate from 0 to 1");
    let error = refused(&LossSettings::new(), &logits(), Batch::from(hard()).with_offset(usize::MAX));
    index(error, &format!("positives[0]: found {}, expected a candidate from 0 to 1", usize::MAX));
    let error = refused(&LossSettings::new(), &logits(), Batch::from(hard()).with_positives(vec![0, 7]));
    index(error, "positives[1]: found 7, expected a candidate from 0 to 1");
}

#[test]
fn multiplicities_and_weights_out_of_range() {
    for (values, index, name) in
        [(array![1.0, -1.0], 1, "-1"), (array![f64::INFINITY, 1.0], 0, "inf"), (array![0.0, 0.0], 0, "0")]
    {
        let error = Batch::from(hard()).with_multiplicities(values.view()).unwrap_err();
        let expected = "finite numbers not below 0, at least one of them above 0";
        says(error, ErrorKind::Range, &format!("multiplicities[{index}]: found {name}, expected {expected}"));
        if name != "0" {
            let error = Batch::from(hard()).with_row_weights(values.view()).unwrap_err();
            let expected = "a finite number not below 0";
            says(error, ErrorKind::Range, &format!("row weights[{index}]: found {name}, expected {expected}"));
        }
    }
    // Weights of 0 alone: no mean, but a sum of 0.
    let batch = Batch::from(hard()).with_row_weights(array![0.0, 0.0]).unwrap();
    let error = SoftTargetInfoNce::default().loss(logits().view(), &batch).unwrap_err();
    says(error, ErrorKind::Range, "row weights: found 0, expected at least one above 0, for the mean");
    let sum = SoftTargetInfoNce::new(LossSettings::new().with_reduction(Reduction::Sum));
    assert_eq!(sum.loss(logits().view(), &batch).unwrap().scalar(), Some(0.0));
}

#[cfg(target_pointer_width = "64")]
#[test]
fn more_classes_than_the_index_type_holds() {
    let classes = u32::MAX as usize + 1;
    let error = Targets::hard(&[0], classes).unwrap_err();
    says(error, ErrorKind::Size, "classes: found 4294967296, expected at most 4294967295, as the index type holds");
    assert!(Targets::hard(&[u32::MAX - 1], classes - 1).is_ok());
}

#[cfg(target_pointer_width = "64")]
#[test]
fn sizes_that_no_array_can_have() {
    let huge = usize::MAX;
    about(NoiseEstimator::new(huge, 1.0, 1.0).unwrap_err(), ErrorKind::Size, "classes", "at most 4294967295");
    about(NoiseDistribution::uniform().probabilities(huge).unwrap_err(), ErrorKind::Size, "classes", "at most");
    // A view of almost 2^62 logits that are one number.
    let one = array![[0.0_f32]];
    let logits = one.broadcast((1 << 30, (1 << 32) - 1)).unwrap();
    let targets = Targets::hard(&[0], (1 << 32) - 1).unwrap();
    let error = SoftTargetInfoNce::default().loss_and_gradient(logits, &targets, &GradientRequest::new()).unwrap_err();
    about(error, ErrorKind::Size, "rows x classes", "as the index type holds");
}

#[test]
fn a_gradient_of_another_shape() {
    let mut gradient = Array2::<f32>::zeros((3, 2));
    let logits = Array2::<f32>::zeros((2, 3));
    let request = GradientRequest::new();
    let error = InfoNce::default().loss_and_gradient_into(logits.view(), hard(), &request, gradient.view_mut());
    let message = "gradient: found shape [3, 2], expected [2, 3], as the logits";
    says(error.unwrap_err(), ErrorKind::Shape, message);
}

#[test]
fn hard_losses_refuse_soft_targets() {
    let soft = Targets::smoothed(&[0, 1], 3, 0.1).unwrap();
    let error = InfoNce::default().loss(logits().view(), &soft).unwrap_err();
    let expected = "expected hard labels or one-hot rows for";
    let message = format!("targets: found soft compact rows, {expected} infonce (use its soft-target form for these)");
    says(error, ErrorKind::Targets, &message);
    let dense = Targets::dense_as_is(soft.to_dense().unwrap()).unwrap();
    let error = Nll::default().loss(logits().view(), &dense).unwrap_err();
    let message = format!("targets: found soft dense rows, {expected} nll (use its soft-target form for these)");
    says(error, ErrorKind::Targets, &message);
    let error = SoftDistributionInfoNce::default().loss(logits().view(), &dense).unwrap_err();
    about(error, ErrorKind::Targets, "targets", "draw classes from soft targets first, with ClassDraws");
}

#[test]
fn unknown_names() {
    let error = "focal".parse::<LossKind>().unwrap_err();
    about(error, ErrorKind::Name, "loss", "found \"focal\", expected one of soft-target-infonce, ");
    for &kind in LossKind::ALL {
        assert_eq!(kind.to_string().parse::<LossKind>().unwrap(), kind);
    }
    let error = "median".parse::<Reduction>().unwrap_err();
    says(error, ErrorKind::Name, "reduction: found \"median\", expected one of none, mean, sum");
    for reduction in [Reduction::None, Reduction::Mean, Reduction::Sum] {
        assert_eq!(reduction.to_string().parse::<Reduction>().unwrap(), reduction);
    }
}

#[cfg(feature = "serde")]
#[test]
fn names_and_settings_are_checked_when_they_are_read() {
    for &kind in LossKind::ALL {
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.name()));
        assert_eq!(serde_json::from_str::<LossKind>(&format!("\"{kind}\"")).unwrap(), kind);
    }
    assert!(serde_json::from_str::<LossKind>("\"focal\"").unwrap_err().to_string().contains("expected one of"));
    let noise = NoiseDistribution::from_counts(&[3, 0, 1], 1.0).unwrap();
    let settings = LossSettings::new().with_temperature(0.25).unwrap().with_noise(noise).with_reduction(Reduction::Sum);
    let text = serde_json::to_string(&settings).unwrap();
    let read: LossSettings = serde_json::from_str(&text).unwrap();
    assert_eq!((read.temperature(), read.reduction()), (0.25, Reduction::Sum));
    let (found, expected) = (read.noise().probabilities(3).unwrap(), settings.noise().probabilities(3).unwrap());
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-15));
    assert_eq!(serde_json::from_str::<LossSettings>("{}").unwrap(), LossSettings::new());
    for (bad, words) in [
        ("{\"temperature\": 0.0}", "temperature: found 0, expected a finite number above 0"),
        ("{\"noise\": [0.5, 0.25]}", "noise probabilities: found a sum of 0.75"),
        ("{\"alpha\": 1.0}", "unknown field `alpha`"),
    ] {
        let error = serde_json::from_str::<LossSettings>(bad).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
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
    about(call(&[0], &ones, &noise).unwrap_err(), ErrorKind::Shape, "positives", "found shape [1], expected [2]");
    about(call(&[0, 2], &ones, &noise).unwrap_err(), ErrorKind::Index, "positives", "found 2");
    let error = call(&[0, 1], &Array1::ones(3), &noise).unwrap_err();
    about(error, ErrorKind::Shape, "multiplicities", "found shape [3]");
    about(call(&[0, 1], &ones, &ones).unwrap_err(), ErrorKind::Shape, "noise", "found shape [2]");
    let narrow = Array2::zeros((2, 2));
    let error = oracle::soft_target_cross_entropy(logits().view(), narrow.view(), 1.0).unwrap_err();
    about(error, ErrorKind::Shape, "targets", "found shape [2, 2]");
    about(call(&[0, 1], &Array1::zeros(2), &noise).unwrap_err(), ErrorKind::Range, "multiplicities", "found 0");
    about(call(&[0, 1], &ones, &Array1::zeros(3)).unwrap_err(), ErrorKind::Range, "noise", "found 0");
    let cold = oracle::soft_target_cross_entropy(logits().view(), targets.view(), 0.0);
    about(cold.unwrap_err(), ErrorKind::Temperature, "temperature", "found 0");
    let infinite = logits() * f64::INFINITY;
    let error = oracle::soft_target_cross_entropy(infinite.view(), targets.view(), 1.0).unwrap_err();
    about(error, ErrorKind::NonFinite, "logits", "found inf");
}
