//! The facts of the loss that every path must satisfy, as properties over random shapes, in both float types.

mod common;

use common::{Case, Random, Source, cases, cast, deviation, run, source, widen};
use ndarray::{Array1, Array2, Axis};
use proptest::prelude::*;
use softnce::rand::SeedableRng;
use softnce::{
    Batch, ClassDraws, Element, GradientRequest, InfoNce, Loss, LossAndGradient, LossSettings, Nll, NoiseDistribution,
    Reduction, SoftDistributionInfoNce, SoftTargetCrossEntropy, SoftTargetInfoNce, Targets, Warning,
};

fn loss(settings: LossSettings) -> SoftTargetInfoNce {
    SoftTargetInfoNce::new(settings)
}

fn sum() -> LossSettings {
    LossSettings::new().with_reduction(Reduction::Sum)
}

fn noise(probabilities: &Array1<f64>) -> NoiseDistribution {
    NoiseDistribution::from_probabilities(probabilities).unwrap()
}

fn scalar<E: Element>(out: &LossAndGradient<E>) -> f64 {
    out.value.scalar().unwrap().as_f64()
}

/// The same loss and gradient, within a tolerance for each float type.
fn same<E: Element>(left: &LossAndGradient<E>, right: &LossAndGradient<E>, tolerance: f64) {
    let off = deviation([scalar(left)], &[scalar(right)]);
    assert!(off <= tolerance, "losses differ by {off:e}");
    let off = deviation(widen(left.logits_gradient.view()), &widen(right.logits_gradient.view()));
    assert!(off <= tolerance, "gradients differ by {off:e}");
}

/// Runs a fact in f64 and in f32.
macro_rules! both {
    ($fact:ident($($argument:expr),*)) => {
        $fact::<f64>($($argument,)* 1e-10);
        $fact::<f32>($($argument,)* 1e-3);
    };
}

// Fact 2.
fn uniform_noise_and_row_constants_change_nothing<E: Element>(case: &Case, tolerance: f64) {
    let logits = cast::<E>(&case.logits);
    let plain = run(&loss(sum()), &logits, case.batch());
    let uniform = noise(&Array1::from_elem(case.noise.len(), 1.0 / case.noise.len() as f64));
    same(&run(&loss(sum().with_noise(uniform)), &logits, case.batch()), &plain, tolerance);
    let constants = &case.upstream.view().insert_axis(Axis(1)) * 3.0;
    same(&run(&loss(sum()), &cast::<E>(&(&case.logits + &constants)), case.batch()), &plain, tolerance);
}

// Fact 3.
fn smoothing_is_a_temperature<E: Element>(random: (u64, usize, usize, f64), tolerance: f64) {
    let (seed, rows, classes, smoothing) = random;
    let mut random = Random::new(seed);
    let labels = random.labels(rows, classes);
    let logits = cast::<E>(&random.logits(rows, classes, 3.0));
    let eta = random.simplex(classes);
    let smoothed = Targets::smoothed(&labels, classes, smoothing).unwrap();
    // Scores times (1 - s): temperature tau / (1 - s) and noise eta^(1 - s).
    let scaled = loss(
        sum()
            .with_temperature(1.0 / (1.0 - smoothing))
            .unwrap()
            .with_noise(noise(&eta).powered(1.0 - smoothing).unwrap()),
    );
    let expected = run(&scaled, &logits, Targets::hard(&labels, classes).unwrap());
    same(&run(&loss(sum().with_noise(noise(&eta))), &logits, &smoothed), &expected, tolerance);
}

// Fact 4.
fn noise_spans_balanced_softmax_and_cross_entropy<E: Element>(random: (u64, usize, usize, f64), tolerance: f64) {
    let (seed, rows, classes, alpha) = random;
    let mut random = Random::new(seed);
    let labels = random.labels(rows, classes);
    let logits = random.logits(rows, classes, 3.0);
    let targets = Targets::hard(&labels, classes).unwrap();
    let counts = targets.class_mass();
    let present: Vec<usize> = (0..classes).filter(|&class| counts[class] > 0.0).collect();

    // Cross-entropy over the classes present, of the logits plus (1 - alpha) log counts: alpha 1 is plain
    // cross-entropy, alpha 0 balanced softmax.
    let shifted = Array2::from_shape_fn((rows, present.len()), |(row, k)| {
        logits[[row, present[k]]] + (1.0 - alpha) * counts[present[k]].ln()
    });
    let position: Vec<usize> =
        labels.iter().map(|label| present.iter().position(|class| class == label).unwrap()).collect();
    let reference = run(&Nll::new(sum()), &cast::<E>(&shifted), Targets::hard(&position, present.len()).unwrap());

    // A class absent from the batch needs a probability too; any will do, for none of its logits is read.
    let smoothed = NoiseDistribution::from_counts(&counts.mapv(|count| if count > 0.0 { count } else { 0.5 }), 0.0);
    let info_nce = InfoNce::new(sum().with_noise(smoothed.unwrap().powered(alpha).unwrap()));
    let gradient = run(&info_nce, &cast::<E>(&logits), &targets).logits_gradient;
    let off = deviation(widen(gradient.select(Axis(1), &present).view()), &widen(reference.logits_gradient.view()));
    assert!(off <= tolerance, "gradients differ by {off:e}");
    for absent in (0..classes).filter(|class| counts[*class] == 0.0) {
        assert!(gradient.column(absent).iter().all(|g| g.as_f64() == 0.0));
    }
}

// Fact 5.
fn gradient_rows_sum_to_zero<E: Element>(case: &Case, tolerance: f64) {
    let settings = sum().with_noise(noise(&case.noise)).with_temperature(case.temperature).unwrap();
    for out in [
        run(&loss(settings.clone()), &cast::<E>(&case.logits), case.batch()),
        run(&SoftTargetCrossEntropy::new(settings.clone()), &cast::<E>(&case.logits), case.batch()),
    ] {
        for row in widen(out.logits_gradient.view()).outer_iter() {
            assert!(row.sum().abs() <= tolerance * row.mapv(f64::abs).sum().max(1.0));
        }
    }
}

fn convex_in_the_logits<E: Element>(case: &Case, tolerance: f64) {
    let other = Random::new(case.logits.len() as u64).logits(case.logits.nrows(), case.logits.ncols(), 10.0);
    let settings = sum().with_noise(noise(&case.noise));
    let at = |logits: &Array2<f64>| scalar(&run(&loss(settings.clone()), &cast::<E>(logits), case.batch()));
    for share in [0.25, 0.5, 0.9] {
        let between = &case.logits * share + &other * (1.0 - share);
        let chord = share * at(&case.logits) + (1.0 - share) * at(&other);
        assert!(at(&between) <= chord + tolerance * chord.abs().max(1.0));
    }
}

// Fact 6.
fn identical_candidates_give_log_m<E: Element>(random: (u64, Source, usize, usize), tolerance: f64) {
    let (seed, source, candidates, classes) = random;
    let mut random = Random::new(seed);
    let one = random.targets(source, 1, classes);
    let logits = cast::<E>(&random.logits(1, classes, 5.0));
    let mut batch = Batch::from(&one);
    for _ in 1..candidates {
        batch = batch.with_further(&one).unwrap();
    }
    let out = run(&loss(sum()), &logits, &batch);
    assert!((scalar(&out) - (candidates as f64).ln()).abs() <= tolerance);
    assert!(out.logits_gradient.iter().all(|g| g.as_f64().abs() <= tolerance));
    if candidates == 1 {
        assert!(scalar(&out) == 0.0 && out.logits_gradient.iter().all(|g| g.as_f64() == 0.0), "exactly 0");
    }
}

// Fact 8.
fn order_of_candidates_changes_nothing<E: Element>(case: &Case, tolerance: f64) {
    let settings = sum().with_noise(noise(&case.noise));
    let logits = cast::<E>(&case.logits);
    let plain = run(&loss(settings.clone()), &logits, case.batch());
    let dense = case.dense_targets();
    let count = dense.nrows();
    let mut random = Random::new(count as u64);
    let mut order: Vec<usize> = (0..count).collect();
    (1..count).rev().for_each(|last| order.swap(last, random.below(last + 1)));
    let moved_to = |old: &usize| order.iter().position(|from| from == old).unwrap();
    let batch = Batch::from(Targets::dense_as_is(dense.select(Axis(0), &order)).unwrap())
        .with_positives(case.positives.iter().map(moved_to).collect::<Vec<_>>())
        .with_multiplicities(case.multiplicities.select(Axis(0), &order))
        .unwrap();
    same(&run(&loss(settings), &logits, &batch), &plain, tolerance);
}

// Fact 9.
fn workers_with_all_targets_make_the_whole<E: Element>(case: &Case, tolerance: f64) {
    let settings = sum().with_noise(noise(&case.noise));
    let logits = cast::<E>(&case.logits);
    let targets = &case.segments[0];
    let whole = run(&loss(settings.clone()), &logits, targets);
    let rows = case.logits.nrows();
    // Uneven shares on purpose: 1 row, then 2, then what is left.
    let mut bounds = vec![0, 1.min(rows), 3.min(rows), rows];
    bounds.dedup();
    let (mut total, mut gradients) = (0.0, Vec::new());
    for pair in bounds.windows(2) {
        let local = logits.slice(ndarray::s![pair[0]..pair[1], ..]).to_owned();
        let out = run(&loss(settings.clone()), &local, Batch::from(targets).with_offset(pair[0]));
        total += scalar(&out);
        gradients.push(out.logits_gradient);
    }
    let gradients: Vec<_> = gradients.iter().map(|g| g.view()).collect();
    let gathered = ndarray::concatenate(Axis(0), &gradients).unwrap();
    assert!(deviation([total], &[scalar(&whole)]) <= tolerance);
    assert!(deviation(widen(gathered.view()), &widen(whole.logits_gradient.view())) <= tolerance);
}

// Fact 11.
fn all_classes_as_candidates_give_cross_entropy<E: Element>(case: &Case, tolerance: f64) {
    let (rows, classes) = case.logits.dim();
    let targets = &case.segments[0];
    let every_class: Vec<usize> = (0..classes).collect();
    // The soft targets stay positives but leave the denominators; class k stands there eta_k times.
    let multiplicities: Array1<f64> = std::iter::repeat_n(0.0, rows).chain(case.noise.iter().copied()).collect();
    let batch = Batch::from(targets)
        .with_further(Targets::hard(&every_class, classes).unwrap())
        .unwrap()
        .with_multiplicities(multiplicities)
        .unwrap();
    let logits = cast::<E>(&case.logits);
    let settings = sum().with_noise(noise(&case.noise)).with_temperature(case.temperature).unwrap();
    let ours = run(&loss(settings.clone()), &logits, &batch).logits_gradient;
    let theirs = run(&SoftTargetCrossEntropy::new(settings), &logits, targets).logits_gradient;
    assert!(deviation(widen(ours.view()), &widen(theirs.view())) <= tolerance);
}

fn shapes() -> impl Strategy<Value = (u64, usize, usize, f64)> {
    (any::<u64>(), 1..15usize, 1..12usize, 0.0..0.95f64)
}

proptest! {
    #[test]
    fn fact_2(case in cases()) {
        both!(uniform_noise_and_row_constants_change_nothing(&case));
    }

    #[test]
    fn fact_3(random in shapes()) {
        both!(smoothing_is_a_temperature(random));
    }

    #[test]
    fn fact_4(random in shapes(), end in prop::sample::select(vec![0.0, 1.0])) {
        both!(noise_spans_balanced_softmax_and_cross_entropy((random.0, random.1, random.2, end)));
        both!(noise_spans_balanced_softmax_and_cross_entropy(random));
    }

    #[test]
    fn fact_5(case in cases()) {
        gradient_rows_sum_to_zero::<f64>(&case, 1e-11);
        gradient_rows_sum_to_zero::<f32>(&case, 1e-4);
        both!(convex_in_the_logits(&case));
    }

    #[test]
    fn fact_6(seed in any::<u64>(), source in source(), candidates in 1..9usize, classes in 1..9usize) {
        identical_candidates_give_log_m::<f64>((seed, source, candidates, classes), 1e-12);
        identical_candidates_give_log_m::<f32>((seed, source, candidates, classes), 1e-5);
    }

    #[test]
    fn fact_8(case in cases()) {
        both!(order_of_candidates_changes_nothing(&case));
    }

    #[test]
    fn fact_9(case in cases()) {
        both!(workers_with_all_targets_make_the_whole(&case));
    }

    #[test]
    fn fact_11(case in cases()) {
        both!(all_classes_as_candidates_give_cross_entropy(&case));
    }

    #[test]
    fn draws_follow_the_targets(seed in any::<u64>(), source in source(), classes in 2..7usize) {
        // 4,000 draws of one row: every class within five standard deviations of its share.
        let row = Random::new(seed).targets(source, 1, classes);
        let shares = row.to_dense().unwrap();
        let mut generator = <chacha20::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(seed);
        let mut counts = Array1::<f64>::zeros(classes);
        for _ in 0..4000 {
            counts += &row.draw(&mut generator).class_mass();
        }
        for (count, share) in counts.iter().zip(&shares) {
            let deviation = (4000.0 * share * (1.0 - share)).max(0.0).sqrt();
            prop_assert!((count - 4000.0 * share).abs() <= 5.0 * deviation + 1.0, "{counts} against {shares}");
        }
    }
}

// Fact 7: with x = y one of d equally likely classes and the exact critic, log M - L bounds I(x; y) = log d below.
#[test]
fn fact_7_the_bound_on_mutual_information() {
    let classes = 8;
    let mut previous = 0.0;
    for candidates in [2, 8, 64, 512] {
        let (mut total, rounds) = (0.0, 40);
        for round in 0..rounds {
            let labels = Random::new(1000 + round).labels(candidates, classes);
            // The exact log ratio: log d where the classes agree, minus infinity (here -50) elsewhere.
            let logits = Array2::from_shape_fn((candidates, classes), |(row, class)| {
                if labels[row] == class { (classes as f64).ln() } else { -50.0 }
            });
            let value =
                loss(LossSettings::new()).loss(logits.view(), Targets::hard(&labels, classes).unwrap()).unwrap();
            total += (candidates as f64).ln() - value.scalar().unwrap();
        }
        let bound = total / rounds as f64;
        assert!(bound <= (classes as f64).ln() + 1e-9 && bound <= (candidates as f64).ln() + 1e-9);
        assert!(bound > previous, "more candidates tighten the bound: {bound} after {previous}");
        previous = bound;
    }
    assert!(previous > (classes as f64).ln() - 0.05, "and close it: {previous}");
}

// Fact 10.
#[test]
fn fact_10_one_lambda_for_the_batch_has_no_finite_optimum() {
    let (labels, flipped) = ([0usize, 1, 2, 3], [3usize, 2, 1, 0]);
    let shared = Targets::mixed(&labels, &flipped, &[0.7; 4], 4, 0.0).unwrap();
    // Logits along the targets themselves: the loss falls to 0 as they grow.
    let mut previous = f64::INFINITY;
    for scale in [1.0, 10.0, 100.0, 1000.0] {
        let logits = shared.to_dense().unwrap() * scale;
        let value = loss(LossSettings::new()).loss(logits.view(), &shared).unwrap().scalar().unwrap();
        assert!(value < previous);
        previous = value;
    }
    assert!(previous < 1e-12);
    assert_eq!(Batch::from(&shared).warnings(), [Warning::SharedMixingWeight]);

    // A row that mixes a class with itself, smoothing, and a dense copy do not hide it.
    let smoothed = Targets::mixed(&labels, &[3usize, 1, 1, 0], &[0.7; 4], 4, 0.1).unwrap();
    assert_eq!(Batch::from(&smoothed).warnings(), [Warning::SharedMixingWeight]);
    let dense = Targets::dense_as_is(smoothed.to_dense().unwrap().mapv(|w| w as f32)).unwrap();
    assert_eq!(Batch::from(&dense).warnings(), [Warning::SharedMixingWeight]);

    // Cured by a lambda for each row, or by candidates from elsewhere; no matter for hard labels or one mixed row.
    let own = Targets::mixed(&labels, &flipped, &[0.7, 0.6, 0.9, 0.8], 4, 0.0).unwrap();
    let hard = Targets::hard(&labels, 4).unwrap();
    for fine in [&own, &hard, &Targets::smoothed(&labels, 4, 0.1).unwrap()] {
        assert_eq!(Batch::from(fine).warnings(), []);
    }
    assert_eq!(Batch::from(&shared).with_further(&own).unwrap().warnings(), []);
}

#[test]
fn drawing_is_seeded_and_differs_between_draws() {
    let mut random = Random::new(5);
    let batch = Batch::from(random.targets(Source::Dense, 32, 10));
    let logits = random.logits(32, 10, 2.0);
    let loss = SoftDistributionInfoNce::new(LossSettings::new());
    let value = |draws: &mut ClassDraws| loss.loss(logits.view(), draws.draw(&batch)).unwrap().scalar().unwrap();
    let (mut one, mut two) = (ClassDraws::new(1), ClassDraws::new(1));
    let first = [value(&mut one), value(&mut one), value(&mut one)];
    assert_eq!(first, [value(&mut two), value(&mut two), value(&mut two)]);
    assert!(first[0] != first[1] && first[1] != first[2]);
    assert_eq!(value(&mut two.at(1)), first[1]);
    assert_eq!(two.next_number(), 3);
    assert_ne!(value(&mut ClassDraws::new(2)), first[0]);
    // The stream that published runs drew from.
    let drawn = ClassDraws::new(7).at(3).draw(&batch).segments()[0].labels().unwrap().to_vec();
    let mut generator = chacha20::ChaCha8Rng::seed_from_u64(7);
    generator.set_stream(3);
    assert_eq!(drawn, batch.draw(&mut generator).segments()[0].labels().unwrap().to_vec());
}

#[test]
fn a_draw_is_made_once_and_the_loss_is_a_function_of_it() {
    let mut random = Random::new(6);
    let batch = Batch::from(random.targets(Source::Dense, 16, 10));
    let logits = random.logits(16, 10, 2.0);
    let loss = SoftDistributionInfoNce::new(LossSettings::new());
    let drawn = ClassDraws::new(3).draw(&batch);
    let value = loss.loss(logits.view(), drawn.clone()).unwrap();
    let with_gradient = loss.loss_and_gradient(logits.view(), drawn.clone(), &GradientRequest::new()).unwrap();
    assert_eq!(with_gradient.value, value);
    // Callers on several threads see the same classes.
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..4).map(|_| scope.spawn(|| loss.loss(logits.view(), drawn.clone()).unwrap())).collect();
        assert!(calls.into_iter().all(|call| call.join().unwrap() == value));
    });
    // On hard labels there is nothing to draw: it is InfoNCE.
    let hard = Targets::hard(&random.labels(16, 10), 10).unwrap();
    assert_eq!(
        loss.loss(logits.view(), &hard).unwrap(),
        InfoNce::new(LossSettings::new()).loss(logits.view(), &hard).unwrap()
    );
}
