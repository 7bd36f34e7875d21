//! The loss of a linear head against the loss of its logits.

mod common;

use chacha20::ChaCha8Rng;
use common::{Random, Source, cast, deviation, widen};
use half::{bf16, f16};
use ndarray::{Array1, Array2, Axis, array};
use proptest::prelude::*;
use rand::SeedableRng;
use softnce::{
    AnyLoss, Batch, ClassCandidates, ClassDraws, ClassSampler, Element, Error, ErrorKind, GradientRequest, HeadLoss,
    HeadLossAndGradient, InfoNce, LinearHead, Loss, LossKind, LossSettings, NoiseDistribution, Reduction,
    SoftDistributionInfoNce, SoftTargetInfoNce, Targets,
};

/// A head, its batch and what it is set up with.
#[derive(Debug, Clone)]
struct Case {
    features: Array2<f64>,
    weights: Array2<f64>,
    bias: Array1<f64>,
    targets: Targets<'static>,
    further: Targets<'static>,
    multiplicities: Array1<f64>,
    row_weights: Array1<f64>,
    settings: LossSettings,
    upstream: Array1<f64>,
}

/// Losses and gradients by way of the logits.
struct Expected {
    losses: Vec<f64>,
    by_features: Array2<f64>,
    by_weights: Array2<f64>,
    by_bias: Array1<f64>,
    by_temperature: Array1<f64>,
}

impl Case {
    fn new(seed: u64, source: Source, (rows, further, classes, width): (usize, usize, usize, usize)) -> Self {
        let mut random = Random::new(seed);
        let targets = random.targets(source, rows, classes);
        // Further candidates with the same uniform share.
        let share = targets.compact_parts().map_or(0.0, |(uniform, _, _)| uniform[0]);
        let labels = random.labels(further, classes);
        let further = Targets::smoothed(&labels, classes, share).unwrap();
        let noise = NoiseDistribution::from_probabilities(&random.simplex(classes)).unwrap();
        let settings = LossSettings::new().with_temperature([0.5, 1.0, 2.0][random.below(3)]).unwrap();
        Case {
            features: random.logits(rows, width, 1.0),
            weights: random.logits(classes, width, 2.0),
            bias: random.logits(1, classes, 1.0).row(0).to_owned(),
            multiplicities: Array1::from_shape_fn(rows + further.len(), |_| 0.5 + random.unit()),
            row_weights: Array1::from_shape_fn(rows, |_| random.unit()),
            upstream: Array1::from_shape_fn(rows, |_| 0.5 + random.unit()),
            settings: settings.with_noise(noise).with_reduction(Reduction::None),
            targets,
            further,
        }
    }

    fn batch(&self) -> Batch<'_> {
        let positives: Vec<usize> = (0..self.features.nrows()).rev().collect();
        let batch = Batch::from(&self.targets).with_further(&self.further).unwrap().with_positives(positives);
        batch.with_multiplicities(&self.multiplicities).unwrap().with_row_weights(&self.row_weights).unwrap()
    }

    fn request(&self) -> GradientRequest<'_> {
        GradientRequest::new().with_upstream(&self.upstream).with_temperature_gradient()
    }

    /// The head's gradients by way of its logits: `dH = dZ V`, `dV = dZ^T H`, `db = sum dZ`.
    fn expected(&self) -> Expected {
        let logits = self.features.dot(&self.weights.t()) + &self.bias;
        let loss = SoftTargetInfoNce::new(self.settings.clone());
        let out = loss.loss_and_gradient(logits.view(), self.batch(), &self.request()).unwrap();
        let by_logits = out.logits_gradient;
        let losses = out.value.rows().unwrap().to_vec();
        let (by_features, by_weights) = (by_logits.dot(&self.weights), by_logits.t().dot(&self.features));
        let (by_bias, by_temperature) = (by_logits.sum_axis(Axis(0)), out.temperature_gradient.unwrap());
        Expected { losses, by_features, by_weights, by_bias, by_temperature }
    }

    fn check<E: Element>(&self, out: &HeadLossAndGradient<E>, tolerance: f64) {
        let Expected { losses, by_features, by_weights, by_bias, by_temperature } = self.expected();
        let found = out.value.rows().unwrap().mapv(|loss| loss.as_f64());
        assert!(deviation(found, &losses) < tolerance);
        assert!(deviation(widen(out.features_gradient.view()), &by_features) < tolerance);
        let classes: Vec<usize> = out.class_indices.iter().map(|&class| class as usize).collect();
        assert!(classes.is_sorted_by(|a, b| a < b));
        assert!(deviation(widen(out.weights_gradient.view()), &by_weights.select(Axis(0), &classes)) < tolerance);
        let bias_gradient = out.bias_gradient.as_ref().unwrap().mapv(|gradient| gradient.as_f64());
        assert!(deviation(bias_gradient, &by_bias.select(Axis(0), &classes)) < tolerance);
        assert!(deviation(out.temperature_gradient.clone().unwrap(), &by_temperature) < 20.0 * tolerance);
        // What is left out is 0.
        let others = (0..by_bias.len()).filter(|class| !classes.contains(class));
        assert!(others.into_iter().all(|class| by_weights.row(class).iter().all(|gradient| gradient.abs() < 1e-12)));
    }
}

/// Classes as candidates, all of them or some drawn: sampled softmax with soft targets. The classes of the targets are
/// among those drawn.
#[test]
fn class_candidates_equal_the_loss_of_the_logits() {
    for (seed, count) in [(1, Some(1)), (2, Some(5)), (3, Some(200)), (4, None)] {
        let mut random = Random::new(seed);
        let (rows, classes, width) = (17, 40, 5);
        let labels = [random.labels(rows, classes), random.labels(rows, classes)];
        let lambda: Vec<f64> = (0..rows).map(|_| random.unit()).collect();
        let mut case = Case::new(seed, Source::Hard, (rows, 1, classes, width));
        case.targets = Targets::mixed(&labels[0], &labels[1], &lambda, classes, 0.0).unwrap();
        let mut generator = <ChaCha8Rng as SeedableRng>::seed_from_u64(seed);
        let noise = case.settings.noise();
        let candidates = match count {
            Some(count) => {
                let sampler = ClassSampler::new(noise, classes).unwrap();
                ClassCandidates::draw(&sampler, &case.targets, count, &mut generator).unwrap()
            }
            None => ClassCandidates::all(noise, classes).unwrap(),
        };
        let batch = || Batch::from(&case.targets).with_class_candidates(&candidates).unwrap();
        let loss = SoftTargetInfoNce::new(case.settings.clone());
        let logits = case.features.dot(&case.weights.t()) + &case.bias;
        let expected = loss.loss_and_gradient(logits.view(), batch(), &case.request()).unwrap();
        let head = LinearHead::new(&case.features, &case.weights).unwrap().with_bias(&case.bias).unwrap();
        let found = loss.head_loss_and_gradient(&head, batch(), &case.request()).unwrap();
        let losses = expected.value.rows().unwrap().to_vec();
        assert!(deviation(found.value.rows().unwrap().clone(), &losses) < 1e-10, "{count:?}");
        let by_features = expected.logits_gradient.dot(&case.weights);
        assert!(deviation(found.features_gradient, &by_features) < 1e-10, "{count:?}");
        let occurring: Vec<usize> = found.class_indices.iter().map(|&class| class as usize).collect();
        let by_weights = expected.logits_gradient.t().dot(&case.features);
        assert!(deviation(found.weights_gradient, &by_weights.select(Axis(0), &occurring)) < 1e-10, "{count:?}");
    }
}

/// A uniform share in the targets counts for every class, which classes as candidates do not have.
#[test]
fn class_candidates_refuse_smoothed_targets() {
    let (features, weights) = (Array2::<f64>::zeros((2, 3)), Array2::<f64>::zeros((50, 3)));
    let targets = Targets::smoothed(&[4, 7], 50, 0.1).unwrap();
    let sampler = ClassSampler::new(&NoiseDistribution::uniform(), 50).unwrap();
    let mut generator = <ChaCha8Rng as SeedableRng>::seed_from_u64(0);
    let candidates = ClassCandidates::draw(&sampler, &targets, 5, &mut generator).unwrap();
    let batch = Batch::from(&targets).with_class_candidates(&candidates).unwrap();
    let head = LinearHead::new(&features, &weights).unwrap();
    let error = SoftTargetInfoNce::new(LossSettings::new()).head_loss(&head, batch).unwrap_err();
    assert!(error.to_string().contains("uniform shares from 0 to 0.1"), "{error}");
}

fn source() -> impl Strategy<Value = Source> {
    prop::sample::select(vec![Source::Hard, Source::Smoothed, Source::Mixed])
}

proptest! {
    #[test]
    fn a_head_equals_the_loss_of_its_logits(
        seed in any::<u64>(), source in source(), rows in 1..40usize, further in 1..20usize, classes in 1..60usize,
        width in 1..9usize,
    ) {
        let case = Case::new(seed, source, (rows, further, classes, width));
        let head = LinearHead::new(&case.features, &case.weights).unwrap().with_bias(&case.bias).unwrap();
        let loss = SoftTargetInfoNce::new(case.settings.clone());
        let out = loss.head_loss_and_gradient(&head, case.batch(), &case.request()).unwrap();
        case.check(&out, 1e-11);
        prop_assert_eq!(out.value, loss.head_loss(&head, case.batch()).unwrap());
    }

    #[test]
    fn a_head_in_other_types_and_layouts(seed in any::<u64>(), source in source(), rows in 1..20usize) {
        let case = Case::new(seed, source, (rows, 5, 30, 4));
        fn check<E: Element>(case: &Case, tolerance: f64) {
            let (features, weights) = (cast::<E>(&case.features), cast::<E>(&case.weights));
            let bias = cast::<E>(&case.bias.clone().insert_axis(Axis(0)));
            // Column-major features, and weights of which every second column counts.
            let turned = features.t().as_standard_layout().into_owned();
            let mut spread = Array2::from_elem((weights.nrows(), 2 * weights.ncols()), E::default());
            spread.slice_mut(ndarray::s![.., ..;2]).assign(&weights);
            let head = LinearHead::new(turned.t(), spread.slice(ndarray::s![.., ..;2])).unwrap();
            let head = head.with_bias(bias.row(0)).unwrap();
            let case = Case {
                features: widen(features.view()), weights: widen(weights.view()), bias: widen(bias.view()).row(0).to_owned(),
                ..case.clone()
            };
            let loss = SoftTargetInfoNce::new(case.settings.clone());
            case.check(&loss.head_loss_and_wide_gradient(&head, case.batch(), &case.request()).unwrap(), 1e-4);
            case.check(&loss.head_loss_and_gradient(&head, case.batch(), &case.request()).unwrap(), tolerance);
        }
        check::<f32>(&case, 1e-4);
        check::<f16>(&case, 2e-3);
        check::<bf16>(&case, 1e-2);
    }
}

#[test]
fn many_classes_make_several_blocks_of_rows() {
    // 20,000 candidates of two classes each: no more than 16 rows fit a block.
    let case = Case::new(1, Source::Mixed, (50, 20_000, 60_000, 3));
    let head = LinearHead::new(&case.features, &case.weights).unwrap().with_bias(&case.bias).unwrap();
    let loss = SoftTargetInfoNce::new(case.settings.clone());
    let out = loss.head_loss_and_gradient(&head, case.batch(), &case.request()).unwrap();
    let Expected { losses, by_features, by_weights, by_temperature, .. } = case.expected();
    assert!(deviation(out.value.rows().unwrap().iter().copied(), &losses) < 1e-12);
    assert!(deviation(out.features_gradient, &by_features) < 1e-12);
    let classes: Vec<usize> = out.class_indices.iter().map(|&class| class as usize).collect();
    assert!(deviation(out.weights_gradient, &by_weights.select(Axis(0), &classes)) < 1e-12);
    assert!(deviation(out.temperature_gradient.unwrap(), &by_temperature) < 1e-11);
}

#[test]
fn the_other_losses_have_heads_too() {
    let case = Case::new(2, Source::Hard, (6, 4, 10, 3));
    let head = LinearHead::new(&case.features, &case.weights).unwrap();
    let logits = case.features.dot(&case.weights.t());
    let request = GradientRequest::new();
    let settings = LossSettings::new();
    let expected = InfoNce::new(settings.clone()).loss(logits.view(), &case.targets).unwrap();
    let hard = InfoNce::new(settings.clone()).head_loss(&head, &case.targets).unwrap();
    assert!((hard.scalar().unwrap() - expected.scalar().unwrap()).abs() < 1e-12);

    let soft = Targets::smoothed(&[0, 3, 4, 5, 9, 9], 10, 0.4).unwrap();
    let error = InfoNce::new(settings.clone()).head_loss(&head, &soft).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Targets, "{error}");
    let batch = Batch::from(&soft);
    let (batch, loss) = (ClassDraws::new(5).draw(&batch), SoftDistributionInfoNce::new(settings.clone()));
    let drawn = loss.loss(logits.view(), batch.clone()).unwrap();
    let drawn_head = loss.head_loss(&head, batch).unwrap();
    assert!((drawn_head.scalar().unwrap() - drawn.scalar().unwrap()).abs() < 1e-12);
    for &kind in LossKind::ALL {
        let out = AnyLoss::new(kind, settings.clone()).head_loss_and_gradient(&head, &case.targets, &request);
        if kind.is_contrastive() {
            assert!((out.unwrap().value.scalar().unwrap() - expected.scalar().unwrap()).abs() < 1e-12, "{kind}");
        } else {
            assert_eq!(out.unwrap_err(), kind.no_head());
        }
    }
}

/// Where a head is sure, the probabilities of the other classes go down to subnormal numbers, with which processors
/// calculate many times slower. They leave no trace in its gradients.
#[test]
fn a_sure_head_calculates_without_subnormal_numbers() {
    let sure = |score: f32| {
        let (features, weights) = (array![[score, 0.0], [0.0, score]], array![[1.0_f32, 0.0], [0.0, 1.0]]);
        let head = LinearHead::new(features.view(), weights.view()).unwrap();
        let targets = Targets::hard(&[0, 1], 2).unwrap();
        let out = SoftTargetInfoNce::new(LossSettings::new()).head_loss_and_gradient(
            &head,
            Batch::from(&targets),
            &GradientRequest::new(),
        );
        (out.unwrap(), features)
    };
    for score in [10.0, 60.0, 70.0, 75.0, 90.0, 100.0] {
        let (out, features) = sure(score);
        // dL/dz of the other class is exp(-s) / (1 + exp(-s)) / 2, with two candidates.
        let probability = (-f64::from(score)).exp() / (1.0 + (-f64::from(score)).exp()) / 2.0;
        for (at, &gradient) in out.features_gradient.indexed_iter() {
            let expected = if at.0 == at.1 { -probability } else { probability };
            // Below it products with a gradient may be subnormal, and it may be 0. The error is that of exp(-s) in f32.
            let tiny = f64::from(f32::MIN_POSITIVE) / f64::from(f32::EPSILON);
            let is_zero = gradient == 0.0 && probability < tiny;
            let error = (f64::from(gradient) - expected).abs();
            assert!(
                is_zero || error <= 2e-7 * f64::from(score) * probability,
                "{score}: {gradient} at {at:?}, expected {expected}"
            );
        }
        let products = out.features_gradient.iter().chain(&out.weights_gradient);
        assert!(products.clone().all(|value| *value == 0.0 || value.is_normal()), "{score}: {out:?}, {features}");
    }
}

#[test]
fn rows_below_their_share_and_rows_of_nothing_else() {
    // The listed class is less likely than each of the others: its weight is below 0.
    let targets = Targets::top_k(&array![[1], [2]], &array![[0.1], [0.1]], 4).unwrap();
    let features = array![[30.0, -20.0], [-40.0, 10.0]];
    let weights = array![[1.0, 2.0], [-3.0, 1.0], [2.0, -2.0], [0.5, 0.25]];
    let loss = SoftTargetInfoNce::new(LossSettings::new().with_reduction(Reduction::None));
    let head = LinearHead::new(&features, &weights).unwrap();
    let out = loss.head_loss_and_gradient(&head, &targets, &GradientRequest::new()).unwrap();
    let logits: Array2<f64> = features.dot(&weights.t());
    let expected = loss.loss_and_gradient(logits.view(), &targets, &GradientRequest::new()).unwrap();
    assert!(deviation(out.value.rows().unwrap().iter().copied(), expected.value.rows().unwrap()) < 1e-12);
    assert!(deviation(out.features_gradient, &expected.logits_gradient.dot(&weights)) < 1e-12);

    let uniform = Targets::compact(&[1.0, 1.0], &Array2::<u32>::zeros((2, 0)), &Array2::zeros((2, 0)), 4).unwrap();
    let out = loss.head_loss_and_gradient(&head, &uniform, &GradientRequest::new()).unwrap();
    assert!(deviation(out.value.rows().unwrap().iter().copied(), &[2.0_f64.ln(); 2]) < 1e-15);
    assert!(out.features_gradient.iter().chain(&out.weights_gradient).all(|gradient| *gradient == 0.0));
}

#[test]
fn what_a_head_refuses() {
    let (features, weights) = (Array2::<f32>::ones((2, 3)), Array2::<f32>::ones((5, 3)));
    let refused = LinearHead::new(&features, &Array2::ones((5, 4))).map(|_| ()).unwrap_err();
    assert_eq!(refused.to_string(), "weights: found shape [5, 4], expected [d, 3], as wide as the features");
    let refused = LinearHead::new(&Array2::<f32>::ones((0, 3)), &weights).map(|_| ()).unwrap_err();
    assert_eq!(refused, Error::empty("features", &[0, 3]));
    let refused = LinearHead::new(&features, &Array2::ones((0, 3))).map(|_| ()).unwrap_err();
    assert_eq!(refused, Error::empty("weights", &[0, 3]));
    let head = LinearHead::new(&features, &weights).unwrap();
    let short = Array1::ones(4);
    let refused = head.with_bias(&short).map(|_| ()).unwrap_err();
    assert_eq!(refused.to_string(), "bias: found shape [4], expected [5], one for each class");

    let loss = SoftTargetInfoNce::default();
    let classes = Targets::hard(&[0, 1], 6).unwrap();
    let refused = loss.head_loss(&head, &classes).unwrap_err();
    assert_eq!((refused.kind(), refused.argument()), (ErrorKind::Shape, "targets"));
    let dense = Targets::dense_as_is(Array2::from_elem((2, 5), 0.2)).unwrap();
    let refused = loss.head_loss(&head, &dense).unwrap_err().to_string();
    assert!(refused.starts_with("targets: found dense rows, expected hard or compact rows"), "{refused}");
    let unequal = Targets::compact(&[0.5, 0.25], &array![[0], [1]], &array![[0.5], [0.75]], 5).unwrap();
    let refused = loss.head_loss(&head, &unequal).unwrap_err().to_string();
    assert!(refused.starts_with("targets: found uniform shares from 0.25 to 0.5, expected equal ones"), "{refused}");

    let targets = Targets::hard(&[4, 1], 5).unwrap();
    let non_finite = |argument, index: &[usize]| Error::non_finite(argument, index, f64::INFINITY);
    let mut bad = features.clone();
    bad[[1, 2]] = f32::INFINITY;
    let refused = loss.head_loss(&LinearHead::new(&bad, &weights).unwrap(), &targets).unwrap_err();
    assert_eq!(refused, non_finite("features", &[1, 2]));
    let mut bad = weights.clone();
    bad[[4, 1]] = f32::INFINITY;
    let refused = loss.head_loss(&LinearHead::new(&features, &bad).unwrap(), &targets).unwrap_err();
    assert_eq!(refused, non_finite("weights", &[4, 1]));
    // Of a class that does not occur nothing is read.
    bad = weights.clone();
    bad[[3, 1]] = f32::NAN;
    assert!(loss.head_loss(&LinearHead::new(&features, &bad).unwrap(), &targets).is_ok());
    let mut bias = Array1::<f32>::zeros(5);
    bias[4] = f32::INFINITY;
    let refused = loss.head_loss(&head.with_bias(&bias).unwrap(), &targets).unwrap_err();
    assert_eq!(refused, non_finite("bias", &[4]));
    let large = Array2::from_elem((2, 3), 3e38_f32);
    let refused = loss.head_loss(&LinearHead::new(&large, &weights).unwrap(), &targets).unwrap_err();
    assert_eq!(refused, non_finite("logits", &[0, 1]));
    let mut apart = weights.clone();
    apart.row_mut(4).fill(-1e37);
    let refused = loss.head_loss(&LinearHead::new(&(&features * 20.0), &apart).unwrap(), &targets).unwrap_err();
    let overflows = refused.kind() == ErrorKind::Overflow && refused.index() == [0, 4];
    assert!(overflows || refused.kind() == ErrorKind::NonFinite, "{refused}");
}

/// More weights than 31 bits count, and more logits too, of which almost none are read.
#[cfg(target_pointer_width = "64")]
#[test]
fn four_thousand_million_classes() {
    let (rows, classes) = (64, u32::MAX as usize);
    let row = array![0.5_f32, -1.0];
    let weights = row.broadcast((classes, 2)).unwrap();
    let features = Random::new(3).logits(rows, 2, 1.0).mapv(|value| value as f32);
    let labels = Array1::from_shape_fn(rows, |row| classes - 1 - 1000 * row);
    let head = LinearHead::new(&features, weights).unwrap();
    let loss = SoftTargetInfoNce::default();
    let targets = Targets::smoothed(&labels, classes, 0.1).unwrap();
    let out = loss.head_loss_and_gradient(&head, &targets, &GradientRequest::new()).unwrap();
    // All classes weigh the same, so that all candidates tie.
    assert!((out.value.scalar().unwrap() - (rows as f32).ln()).abs() < 1e-5);
    assert_eq!(out.class_indices[rows - 1], u32::MAX - 1);
    assert_eq!(out.weights_gradient.dim(), (rows, 2));
}
