//! Classes as candidates: the limit of all classes, draws of some, and errors.

mod common;

use common::{Case, Random, SOURCES, Source, cases, cast, deviation, rows, run, widen};
use ndarray::{Array1, Array2, Axis};
use proptest::prelude::*;
use rand::SeedableRng;
use softnce::{
    Accum, Batch, ClassCandidates, ClassSampler, Element, ErrorKind, GradientRequest, Loss, LossSettings,
    NoiseDistribution, SoftTargetCrossEntropy, SoftTargetInfoNce, Targets, Warning, oracle,
};

type Generator = chacha20::ChaCha8Rng;

fn noise(probabilities: &Array1<f64>) -> NoiseDistribution {
    NoiseDistribution::from_probabilities(probabilities).unwrap()
}

fn sampler(noise: NoiseDistribution, classes: usize) -> ClassSampler {
    ClassSampler::new(&noise, classes).unwrap()
}

fn settings(case: &Case) -> LossSettings {
    rows().with_noise(noise(&case.noise)).with_temperature(case.temperature).unwrap()
}

fn losses<A: Accum>(value: softnce::LossValue<A>) -> Array1<f64> {
    match value {
        softnce::LossValue::Scalar(value) => Array1::from_elem(1, value.as_f64()),
        softnce::LossValue::Rows(rows) => rows.mapv(|value| value.as_f64()),
    }
}

/// With all classes the gradient is that of cross-entropy, and the loss differs from it by `log eta . w`.
fn all_classes_are_cross_entropy<E: Element>(case: &Case, tolerance: f64) {
    let (targets, logits) = (&case.segments[0], cast::<E>(&case.logits));
    let all = ClassCandidates::all(&noise(&case.noise), case.logits.ncols()).unwrap();
    let batch = Batch::from(targets).with_class_candidates(&all).unwrap();
    let ours = run(&SoftTargetInfoNce::new(settings(case)), &logits, &batch);
    let theirs = run(&SoftTargetCrossEntropy::new(settings(case)), &logits, targets);
    let gradients = [&ours, &theirs].map(|out| widen(out.logits_gradient.view()));
    let off = deviation(gradients[0].iter().copied(), &gradients[1]);
    assert!(off <= tolerance, "gradients differ by {off:e}");
    let constants = targets.to_dense().unwrap().dot(&case.noise.mapv(f64::ln));
    let expected = losses(theirs.value) + constants;
    let off = deviation(losses(ours.value), &expected);
    assert!(off <= tolerance, "losses differ by {off:e}");
}

/// Losses and gradients are those of the definition over the targets and the drawn classes.
fn draws_follow_the_definition<E: Element>(case: &Case, count: usize, seed: u64, tolerance: f64) {
    let targets = &case.segments[0];
    let mut generator = Generator::seed_from_u64(seed);
    let drawn =
        ClassCandidates::draw(&sampler(noise(&case.noise), targets.classes()), targets, count, &mut generator).unwrap();
    let batch = Batch::from(targets).with_class_candidates(&drawn).unwrap();
    let one_hot = drawn.targets().unwrap().to_dense().unwrap();
    let own = targets.to_dense().unwrap();
    let candidates = ndarray::concatenate(Axis(0), &[own.view(), one_hot.view()]).unwrap();
    let positives: Vec<usize> = (0..own.nrows()).collect();
    let multiplicities = batch.multiplicities().unwrap();
    let exact = oracle::soft_target_info_nce(
        &case.logits,
        &candidates,
        &positives,
        multiplicities,
        &case.noise,
        case.temperature,
    )
    .unwrap();
    let request = GradientRequest::new().with_temperature_gradient();
    let logits = cast::<E>(&case.logits);
    let out = SoftTargetInfoNce::new(settings(case)).loss_and_gradient(&logits, &batch, &request).unwrap();
    for (name, off) in [
        ("losses", deviation(losses(out.value), &exact.losses)),
        ("gradients", deviation(widen(out.logits_gradient.view()), &exact.logits_gradients)),
        ("temperature", deviation(out.temperature_gradient.unwrap(), &exact.temperature_gradients)),
    ] {
        assert!(off <= tolerance, "{name} differ by {off:e}");
    }
}

proptest! {
    #[test]
    fn all_classes(case in cases()) {
        all_classes_are_cross_entropy::<f64>(&case, 1e-10);
        all_classes_are_cross_entropy::<f32>(&case, 1e-4);
    }

    #[test]
    fn drawn_classes(case in cases(), count in 1..20usize, seed in any::<u64>()) {
        draws_follow_the_definition::<f64>(&case, count, seed, 1e-10);
        draws_follow_the_definition::<f32>(&case, count, seed, 1e-3);
    }
}

/// Soft targets take the very computation of cross-entropy.
#[test]
fn all_classes_give_the_bits_of_cross_entropy() {
    let mut random = Random::new(3);
    let logits = cast::<f32>(&random.logits(64, 50, 8.0));
    let noise = noise(&random.simplex(50));
    let all = ClassCandidates::all(&noise, 50).unwrap();
    let settings = LossSettings::new().with_noise(noise).with_temperature(0.3).unwrap();
    for source in SOURCES.into_iter().filter(|source| *source != Source::Hard) {
        let targets = random.targets(source, 64, 50);
        let batch = Batch::from(&targets).with_class_candidates(&all).unwrap();
        let ours = run(&SoftTargetInfoNce::new(settings.clone()), &logits, batch).logits_gradient;
        let theirs = run(&SoftTargetCrossEntropy::new(settings.clone()), &logits, &targets).logits_gradient;
        assert_eq!(ours, theirs, "{source:?}");
    }
}

/// Logits of another scale than the sums take, and classes that are no candidates far above those that are.
#[test]
fn huge_logits_of_classes_that_are_not_drawn() {
    let (classes, mut logits) = (6, Array2::zeros((2, 6)));
    logits[[0, 5]] = 3e4;
    logits[[1, 0]] = -2e4;
    let targets = Targets::dense_as_is(Random::new(1).simplex_rows(2, classes)).unwrap();
    let noise = NoiseDistribution::uniform();
    let every = [0.0, 0.0, 0.25, 0.25, 0.25, 0.25, 0.0];
    let batch = Batch::from(&targets)
        .with_further(Targets::hard(&[1, 1, 2, 3, 4], classes).unwrap())
        .unwrap()
        .with_multiplicities(Array1::from(every.to_vec()))
        .unwrap();
    let out = run(&SoftTargetInfoNce::new(rows().with_noise(noise)), &cast::<f32>(&logits), &batch);
    let own = targets.to_dense().unwrap();
    // The candidates' logits are equal: their sum is log 1.
    let expected = -(&own * &logits).sum_axis(Axis(1));
    assert!(deviation(losses(out.value), &expected) < 1e-5);
    let shares = Array1::from(vec![0.0, 0.5, 0.25, 0.25, 0.0, 0.0]);
    let gradients = &shares - &own;
    assert!(deviation(widen(out.logits_gradient.view()), &gradients) < 1e-6, "{}", out.logits_gradient);
}

/// Multiplicities of draws: each class once, in order, above 0; their mean over the draws is eta.
#[test]
fn multiplicities_are_unbiased() {
    let (classes, count, rounds) = (12, 6, 20_000_u32);
    let mut random = Random::new(8);
    let eta = random.simplex(classes);
    let targets = Targets::hard(&[3], classes).unwrap();
    let of_eta = sampler(noise(&eta), classes);
    let mut generator = Generator::seed_from_u64(5);
    let mut sums = Array1::<f64>::zeros(classes);
    for _ in 0..rounds {
        let drawn = ClassCandidates::draw(&of_eta, &targets, count, &mut generator).unwrap();
        assert!(drawn.labels().is_sorted_by(|one, other| one < other), "{:?}", drawn.labels());
        assert!(drawn.labels().len() <= count + 1 && drawn.multiplicities().iter().all(|&m| m > 0.0));
        for (&class, multiplicity) in drawn.labels().iter().zip(drawn.multiplicities()) {
            sums[class as usize] += multiplicity;
        }
    }
    for (class, (sum, p)) in sums.iter().zip(&eta).enumerate() {
        let sigma = (p * (1.0 - p) / (f64::from(rounds) * count as f64)).sqrt();
        assert!((sum / f64::from(rounds) - p).abs() < 5.0 * sigma, "class {class}: {sums} against {eta}");
    }
    assert!((sums[3] / f64::from(rounds) - eta[3]).abs() < 1e-12, "the class of a target is not left to chance");
}

/// The sum in the loss is unbiased, and the gradient's deviation from that of cross-entropy falls like 1 / draws.
#[test]
fn sums_are_unbiased_and_the_variance_falls() {
    let (classes, rounds) = (40, 4000_u32);
    let mut random = Random::new(21);
    let (logits, eta) = (random.logits(1, classes, 1.5), random.simplex(classes));
    let targets = Targets::mixed(&[4], &[9], &[0.6], classes, 0.0).unwrap();
    let loss = SoftTargetInfoNce::new(LossSettings::new().with_noise(noise(&eta)));
    let exact = run(&SoftTargetCrossEntropy::default(), &logits, &targets).logits_gradient;
    let of_eta = sampler(noise(&eta), classes);
    let own = targets.to_dense().unwrap().row(0).to_owned();
    let positive = own.dot(&(&logits.row(0) - &eta.mapv(f64::ln)));
    let total = logits.row(0).mapv(f64::exp).sum();
    let mut squares = Vec::new();
    for count in [32, 128, 512] {
        let mut generator = Generator::seed_from_u64(count as u64);
        let (mut sums, mut square) = (Vec::new(), 0.0);
        for _ in 0..rounds {
            let drawn = ClassCandidates::draw(&of_eta, &targets, count, &mut generator).unwrap();
            let out = run(&loss, &logits, Batch::from(&targets).with_class_candidates(&drawn).unwrap());
            sums.push((out.value.scalar().unwrap() + positive).exp());
            square += (&out.logits_gradient - &exact).mapv(|off| off * off).sum() / f64::from(rounds);
        }
        let mean = sums.iter().sum::<f64>() / f64::from(rounds);
        let variance = sums.iter().map(|sum| (sum - mean).powi(2)).sum::<f64>() / f64::from(rounds);
        let error = (variance / f64::from(rounds)).sqrt();
        assert!((mean - total).abs() < 4.5 * error, "{mean} against {total}, error {error}");
        squares.push(square);
    }
    for pair in squares.windows(2) {
        let ratio = pair[0] / pair[1];
        assert!((3.2..4.8).contains(&ratio), "four times the draws, a quarter of the variance: {squares:?}");
    }
}

/// The optimum is the target itself: with the batch's candidates it is not.
#[test]
fn a_distribution_to_be_matched_is_the_optimum() {
    let mut random = Random::new(2);
    let own = random.simplex_rows(9, 6);
    let targets = Targets::dense_as_is(own.view()).unwrap();
    let noise = NoiseDistribution::try_from(&targets).unwrap();
    let logits = own.mapv(f64::ln);
    let loss = SoftTargetInfoNce::new(rows().with_noise(noise.clone()));
    let all = ClassCandidates::all(&noise, 6).unwrap();
    let slope =
        |batch: Batch<'_>| run(&loss, &logits, batch).logits_gradient.mapv(f64::abs).fold(0.0_f64, |a, &b| a.max(b));
    assert!(slope(Batch::from(&targets).with_class_candidates(&all).unwrap()) < 1e-14);
    assert!(slope(Batch::from(&targets)) > 0.05);
}

/// The draws follow the noise distribution, also where classes differ by many orders of magnitude.
#[test]
fn draws_follow_the_noise() {
    let rounds = 400_000_u32;
    let mut random = Random::new(4);
    for eta in [random.simplex(7), Array1::from(vec![0.5, 0.25, 0.2499, 1e-4]), Array1::from(vec![1.0 - 1e-9, 1e-9])] {
        let sampler = sampler(noise(&eta), eta.len());
        let mut generator = Generator::seed_from_u64(9);
        let mut counts = Array1::<f64>::zeros(eta.len());
        (0..rounds).for_each(|_| counts[sampler.draw(&mut generator) as usize] += 1.0);
        for (class, (count, p)) in counts.iter().zip(&eta).enumerate() {
            let sigma = (p * (1.0 - p) * f64::from(rounds)).sqrt();
            assert!((count - p * f64::from(rounds)).abs() < 5.0 * sigma + 1.0, "class {class}: {counts} against {eta}");
            assert!((sampler.probability(class) - p).abs() < 1e-12);
        }
        assert_eq!(sampler.probability(eta.len()), 0.0);
    }
    let uniform = sampler(NoiseDistribution::uniform(), 3);
    let mut generator = Generator::seed_from_u64(9);
    let drawn: std::collections::HashSet<u32> = (0..200).map(|_| uniform.draw(&mut generator)).collect();
    assert_eq!(drawn.len(), 3);
}

/// Few draws, sure targets: the loss falls no lower than with all classes but for the classes that were not drawn.
#[test]
fn few_draws_keep_a_lower_bound() {
    let classes = 1000;
    let targets = [
        Targets::hard(&[7], classes).unwrap(),
        Targets::mixed(&[7], &[8], &[0.5], classes, 0.1).unwrap(),
        Targets::dense_as_is(Targets::smoothed(&[7], classes, 0.1).unwrap().to_dense().unwrap()).unwrap(),
    ];
    let uniform = sampler(NoiseDistribution::uniform(), classes);
    for targets in &targets {
        let drawn = ClassCandidates::draw(&uniform, targets, 4, &mut Generator::seed_from_u64(1)).unwrap();
        let batch = Batch::from(targets).with_class_candidates(&drawn).unwrap();
        let own = targets.to_dense().unwrap();
        let at = |scale: f64| {
            let logits = own.mapv(|weight| if weight > 0.1 { scale } else { 0.0 });
            SoftTargetInfoNce::new(rows()).loss(&logits, &batch).unwrap()
        };
        let values = [30.0, 1000.0].map(|scale| losses(at(scale))[0]);
        assert!(values[1] >= values[0] - 1e-9, "{values:?}");
    }
}

#[test]
fn errors_name_the_argument() {
    let (noise, targets) = (NoiseDistribution::uniform(), Targets::hard(&[0, 1], 3).unwrap());
    let mut generator = Generator::seed_from_u64(0);
    for count in [0, ClassCandidates::MOST_DRAWS + 1] {
        let error = ClassCandidates::draw(&sampler(noise.clone(), 3), &targets, count, &mut generator).unwrap_err();
        let message = format!("count: found {count}, expected 1 to 16777216 draws");
        assert_eq!((error.to_string(), error.kind()), (message, ErrorKind::Range));
    }
    let other = NoiseDistribution::from_probabilities(&[0.5, 0.5]).unwrap();
    let error = ClassCandidates::all(&other, 3).unwrap_err();
    assert_eq!((error.argument(), error.kind()), ("noise distribution", ErrorKind::Shape));
    assert_eq!(ClassSampler::new(&other, 3).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(ClassSampler::new(&noise, 0).unwrap_err().kind(), ErrorKind::Empty);
    let error = ClassCandidates::draw(&sampler(other, 2), &targets, 1, &mut generator).unwrap_err();
    assert_eq!(error.to_string(), "targets: found shape [2, 3], expected [N, 2], as the sampler");
    assert_eq!(ClassCandidates::all(&noise, 0).unwrap_err().kind(), ErrorKind::Empty);
    let error = Batch::from(&targets).with_class_candidates(&ClassCandidates::all(&noise, 4).unwrap()).unwrap_err();
    assert_eq!((error.argument(), error.kind()), ("further candidates", ErrorKind::Shape));
}

/// Distributions over many classes are worth a warning as the only candidates; mixed and smoothed labels are not.
#[test]
fn distributions_among_their_own_candidates_are_warned_of() {
    let (count, classes) = (200, 20);
    let mut random = Random::new(4);
    let teacher = Targets::dense(random.simplex_rows(count, classes)).unwrap();
    assert_eq!(Batch::from(&teacher).warnings(), [Warning::DistributionTargets]);
    assert_eq!(Batch::from(random.targets(Source::Votes, count, classes)).warnings(), [Warning::DistributionTargets]);
    // With so many classes that no single weight counts, and with the most probable classes of a teacher alone.
    let wide = Targets::dense(random.simplex_rows(8, 5000)).unwrap();
    assert_eq!(Batch::from(&wide).warnings(), [Warning::DistributionTargets]);
    let entries = Array2::from_shape_fn((8, 10), |(_, entry)| entry as u32);
    let weights = random.simplex_rows(8, 10);
    let top = Targets::compact(&[0.0; 8], &entries, &weights, 100).unwrap();
    assert_eq!(Batch::from(&top).warnings(), [Warning::DistributionTargets]);
    let all = ClassCandidates::all(&NoiseDistribution::uniform(), classes).unwrap();
    assert_eq!(Batch::from(&teacher).with_class_candidates(&all).unwrap().warnings(), []);
    let sure = random.simplex_rows(count, classes).mapv(|weight| weight * 0.01)
        + &{
            let labels = random.targets(Source::Hard, count, classes).to_dense().unwrap();
            labels * 0.99
        };
    assert_eq!(Batch::from(Targets::dense(sure).unwrap()).warnings(), [], "a sure teacher is nearly one-hot");
    for source in [Source::Mixed, Source::Smoothed, Source::Hard, Source::Recognised] {
        let targets = random.targets(source, count, classes);
        assert_eq!(Batch::from(&targets).warnings(), [], "{source:?}");
        for dense in [targets.to_dense().unwrap(), targets.to_dense().unwrap().mapv(|w| f64::from(w as f32))] {
            let dense = Targets::dense_as_is(dense).unwrap();
            assert_eq!(Batch::from(&dense).warnings(), [], "{source:?} written out");
        }
    }
}
