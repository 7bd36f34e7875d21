//! Cases with known values or known relations.

mod common;

use common::{Random, cast, close, deviation, rows, run, widen};
use half::{bf16, f16};
use ndarray::{Array1, Array2, Axis, array};
use softnce::{
    Batch, BinaryCrossEntropy, Element, GradientRequest, InfoNce, Loss, LossSettings, Nll, NoiseDistribution,
    SoftTargetCrossEntropy, SoftTargetInfoNce, Targets,
};

#[test]
fn in_batch_scores_with_positives_on_the_diagonal() {
    // import torch; s = torch.tensor([[6., 3.], [9., 5.]], dtype=torch.float64)
    // torch.nn.functional.cross_entropy(s, torch.tensor([0, 1]), reduction="none")
    // -> -log sigmoid(3), -log(1 - sigmoid(4))
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let targets = Targets::hard(&[0, 1], 2).unwrap();
    let out = run(&InfoNce::new(rows()), &array![[6.0, 3.0], [9.0, 5.0]], &targets);
    close(out.value.rows().unwrap(), &[-sigmoid(3.0).ln(), -(1.0 - sigmoid(4.0)).ln()], 1e-14);
}

#[test]
fn two_rows_and_three_candidates() {
    // s = torch.tensor([[2., 3., 5.], [3., 7., 5.]]); cross_entropy(s, torch.tensor([0, 1]), reduction="none")
    // -> -log(1 / (1 + e + e^3)), -log(e^4 / (1 + e^4 + e^2))
    let e = std::f64::consts::E;
    let expected = [(1.0 + e + e.powi(3)).ln(), -(e.powi(4) / (1.0 + e.powi(4) + e.powi(2))).ln()];
    let logits = array![[2.0, 3.0, 5.0], [3.0, 7.0, 5.0]];
    let candidates = || Targets::hard(&[0, 1, 2], 3).unwrap();
    close(run(&InfoNce::new(rows()), &logits, candidates()).value.rows().unwrap(), &expected, 1e-14);
    // The same candidates as a batch of two and one further.
    let batch = Batch::from(Targets::hard(&[0, 1], 3).unwrap()).with_further(Targets::hard(&[2], 3).unwrap()).unwrap();
    close(run(&InfoNce::new(rows()), &logits, batch).value.rows().unwrap(), &expected, 1e-14);
    let dense = Targets::dense_as_is(candidates().to_dense().unwrap()).unwrap();
    close(run(&SoftTargetInfoNce::new(rows()), &logits, &dense).value.rows().unwrap(), &expected, 1e-14);
}

#[test]
fn many_rows_may_have_the_classes_for_candidates() {
    // Ten one-hot candidates, each class once, and explicit positives: cross-entropy over the ten classes.
    // torch.nn.functional.cross_entropy(torch.zeros(128, 10), torch.arange(128) % 10) -> log 10
    let positives: Vec<usize> = (0..128).map(|row| row % 10).collect();
    let classes = Targets::hard(&(0..10).collect::<Vec<usize>>(), 10).unwrap();
    let dense = Targets::dense_as_is(classes.to_dense().unwrap()).unwrap();
    for candidates in [&classes, &dense] {
        let batch = || Batch::from(candidates).with_positives(positives.clone());
        let zeros = run(&SoftTargetInfoNce::new(rows()), &Array2::<f64>::zeros((128, 10)), batch());
        close(zeros.value.rows().unwrap(), &[10.0_f64.ln(); 128], 1e-14);
        let logits = Random::new(5).logits(128, 10, 4.0);
        let expected = run(&SoftTargetCrossEntropy::new(rows()), &logits, batch());
        let found = run(&SoftTargetInfoNce::new(rows()), &logits, batch());
        close(found.value.rows().unwrap(), expected.value.rows().unwrap().as_slice().unwrap(), 1e-13);
        assert!(deviation(found.logits_gradient, &expected.logits_gradient) < 1e-13);
    }
}

#[test]
fn hard_losses_take_one_hot_rows_of_any_form() {
    let labels = [2, 0, 1, 2];
    let hard = Targets::hard(&labels, 3).unwrap();
    let dense = hard.to_dense().unwrap();
    let ones = Array2::from_elem((4, 2), 1.0) * &array![[1.0, 0.0]];
    let classes = array![[2, 0], [0, 1], [1, 1], [2, 2]];
    let forms = [
        Targets::dense(dense.view()).unwrap(),
        Targets::dense_as_is(dense.view()).unwrap(),
        Targets::compact(&[0.0; 4], &classes, &ones, 3).unwrap(),
        Targets::mixed(&labels, &labels, &[0.3; 4], 3, 0.0).unwrap(),
    ];
    let logits = Random::new(3).logits(4, 3, 4.0);
    for targets in &forms {
        assert_eq!(run(&InfoNce::new(rows()), &logits, targets), run(&InfoNce::new(rows()), &logits, &hard));
        assert_eq!(run(&Nll::new(rows()), &logits, targets), run(&Nll::new(rows()), &logits, &hard));
        let further = Batch::from(&hard).with_further(targets).unwrap();
        let expected = Batch::from(&hard).with_further(&hard).unwrap();
        assert_eq!(run(&InfoNce::new(rows()), &logits, further), run(&InfoNce::new(rows()), &logits, expected));
    }
    let one_class = Targets::smoothed(&[0, 0], 1, 0.5).unwrap();
    assert!(InfoNce::new(rows()).loss(array![[0.5], [1.0]].view(), &one_class).is_ok());
}

#[test]
fn soft_cross_entropy_of_known_rows() {
    // cross_entropy(torch.tensor([[4., 2., 1.], [0., 5., 1.]]), torch.tensor([[1., 0., 0.], [0., .8, .2]]),
    //               reduction="none") -> 0.16984604, 0.82474494
    let loss = SoftTargetCrossEntropy::new(rows());
    let targets = Targets::dense_as_is(array![[1.0, 0.0, 0.0], [0.0, 0.8, 0.2]]).unwrap();
    let out = run(&loss, &array![[4.0, 2.0, 1.0], [0.0, 5.0, 1.0]], &targets);
    close(out.value.rows().unwrap(), &[0.169_846_04, 0.824_744_94], 1e-7);
    // [[10., 1., -2.], [1., 4., .2]] against classes 1 and 0 -> 9.00013, 3.0696733
    let out = run(&loss, &array![[10.0, 1.0, -2.0], [1.0, 4.0, 0.2]], Targets::hard(&[1, 0], 3).unwrap());
    close(out.value.rows().unwrap(), &[9.000_129_5, 3.069_673_3], 1e-7);
}

#[test]
fn binary_cross_entropy_keeps_the_digits_of_sure_answers() {
    // import mpmath as mp; e = mp.exp(-30); mp.log(1 + e), -e / (1 + e)
    let out = run(&BinaryCrossEntropy::new(rows()), &array![[30.0_f32, -30.0]], Targets::hard(&[0], 2).unwrap());
    let expected = 9.357_622_968_840_175e-14;
    assert!((f64::from(out.value.rows().unwrap()[0]) / (2.0 * expected) - 1.0).abs() < 1e-5);
    for (gradient, expected) in out.logits_gradient.iter().zip([-expected, expected]) {
        assert!((f64::from(*gradient) / expected - 1.0).abs() < 1e-5);
    }
    // A million classes at a score of -18: f32 sums of f32 terms would lose a tenth of it.
    let classes = 1 << 20;
    let logits = Array2::from_elem((1, classes), -18.0_f32);
    let out = run(&BinaryCrossEntropy::new(rows()), &logits, Targets::hard(&[0], classes).unwrap());
    let expected = 18.0 + classes as f64 * (-18.0_f64).exp().ln_1p();
    assert!((f64::from(out.value.rows().unwrap()[0]) / expected - 1.0).abs() < 1e-6);
}

#[test]
fn targets_from_their_sources() {
    // Smoothing 0.05 over 5 classes: 0.96 on, 0.01 off.
    let smoothed = Targets::smoothed(&[3], 5, 0.05).unwrap().to_dense().unwrap();
    close(&smoothed.row(0).to_owned(), &[0.01, 0.01, 0.01, 0.96, 0.01], 1e-15);
    // MixUp 0.7 of class 0 and 0.3 of class 2, smoothing 0.1 over 4.
    let mixed = Targets::mixed(&[0], &[2], &[0.7], 4, 0.1).unwrap().to_dense().unwrap();
    close(&mixed.row(0).to_owned(), &[0.655, 0.025, 0.295, 0.025], 1e-15);
    // A teacher's top 2 of 5, the rest 0.3 over three classes: also where a listed class lies below them.
    let top = Targets::top_k(&array![[4, 1]], &array![[0.65, 0.05]], 5).unwrap().to_dense().unwrap();
    close(&top.row(0).to_owned(), &[0.1, 0.05, 0.1, 0.1, 0.65], 1e-15);
    let votes = Targets::votes(&array![[3_u8, 0, 1], [0, 50, 0]]).unwrap().to_dense().unwrap();
    close(&votes.row(0).to_owned(), &[0.75, 0.0, 0.25], 1e-15);
    close(&votes.row(1).to_owned(), &[0.0, 1.0, 0.0], 1e-15);
    // Class mass: the same whatever the form.
    let rows = Targets::mixed(&[0, 1], &[2, 2], &[0.7, 0.2], 4, 0.1).unwrap();
    let mass = rows.to_dense().unwrap().sum_axis(Axis(0));
    close(&rows.class_mass(), mass.as_slice().unwrap(), 1e-15);
    close(&Targets::dense_as_is(rows.to_dense().unwrap()).unwrap().class_mass(), mass.as_slice().unwrap(), 1e-15);
}

#[test]
fn noise_distributions() {
    let probabilities = |noise: &NoiseDistribution, classes| noise.probabilities(classes).unwrap();
    close(&probabilities(&NoiseDistribution::uniform(), 4), &[0.25; 4], 1e-15);
    // (n + 1) / sum (n + 1): a class never seen stays above 0.
    let counts = NoiseDistribution::from_counts(&[7_u64, 2, 0], 1.0).unwrap();
    close(&probabilities(&counts, 3), &[8.0 / 12.0, 3.0 / 12.0, 1.0 / 12.0], 1e-15);
    let powered = counts.powered(0.5).unwrap();
    let roots = [8.0_f64.sqrt(), 3.0_f64.sqrt(), 1.0];
    let sum: f64 = roots.iter().sum();
    close(&probabilities(&powered, 3), &roots.map(|root| root / sum), 1e-15);
    close(&probabilities(&counts.powered(0.0).unwrap(), 3), &[1.0 / 3.0; 3], 1e-15);
    let targets = Targets::hard(&[0, 0, 1], 3).unwrap();
    close(&probabilities(&NoiseDistribution::try_from(&targets).unwrap(), 3), &[0.5, 2.0 / 6.0, 1.0 / 6.0], 1e-15);
}

#[test]
fn the_estimator_follows_the_stream() {
    let mut estimator = softnce::NoiseEstimator::new(2, 0.5, 0.5).unwrap();
    close(&estimator.distribution().unwrap().probabilities(2).unwrap(), &[0.5, 0.5], 1e-15);
    estimator.observe(&Targets::hard(&[0, 0], 2).unwrap()).unwrap();
    estimator.observe(&Targets::mixed(&[1], &[0], &[0.75], 2, 0.0).unwrap()).unwrap();
    // mass 2 * 0.5 + 0.25 and 0.75, smoothing 0.5 each
    close(&estimator.distribution().unwrap().probabilities(2).unwrap(), &[1.75 / 3.0, 1.25 / 3.0], 1e-15);
}

/// Thousands of decays, and every form of targets: the weights of the formula, over all classes and over some.
#[test]
fn the_estimator_follows_the_formula_over_a_long_stream() {
    let (classes, decay, smoothing) = (6, 0.9, 0.25);
    let mut random = common::Random::new(5);
    let mut estimator = softnce::NoiseEstimator::new(classes, smoothing, decay).unwrap();
    let mut expected = Array1::<f64>::zeros(classes);
    for step in 0..4000 {
        let targets = random.targets(common::SOURCES[step % common::SOURCES.len()], 3, classes);
        estimator.observe(&targets).unwrap();
        expected = expected * decay + targets.to_dense().unwrap().sum_axis(ndarray::Axis(0));
    }
    expected += smoothing;
    let found = estimator.distribution().unwrap().probabilities(classes).unwrap();
    close(&found, &(&expected / expected.sum()).to_vec(), 1e-12);
    let some = [4, 1, 4];
    let found = estimator.over_classes(&some).unwrap().probabilities(3).unwrap();
    let picked: Array1<f64> = some.iter().map(|&class| expected[class as usize]).collect();
    close(&found, &(&picked / picked.sum()).to_vec(), 1e-12);
    let error = estimator.over_classes(&[0, 6]).unwrap_err();
    assert!(error.to_string().contains("found 6, expected a class from 0 to 5"), "{error}");
}

#[test]
fn the_noise_correction_has_the_right_sign() {
    // -log eta raises the score of a rare class: with zero logits the rare positive is easier.
    let noise = NoiseDistribution::from_probabilities(&[0.9, 0.1]).unwrap();
    let out =
        run(&InfoNce::new(rows().with_noise(noise)), &Array2::<f64>::zeros((2, 2)), Targets::hard(&[0, 1], 2).unwrap());
    // S = -log eta: row 0 scores -log .9 of -log .9 and -log .1.
    close(out.value.rows().unwrap(), &[10.0_f64.ln(), (10.0_f64 / 9.0).ln()], 1e-14);
}

#[test]
fn a_class_absent_from_batch_and_training_set_is_harmless() {
    let noise = NoiseDistribution::from_counts(&[60, 40, 0], 1.0).unwrap();
    let logits = array![[1.0_f64, -1.0, 40.0], [0.5, 0.2, -40.0]];
    for targets in [Targets::hard(&[0, 1], 3).unwrap(), Targets::mixed(&[0, 1], &[1, 0], &[0.6, 0.9], 3, 0.0).unwrap()]
    {
        let out = run(&SoftTargetInfoNce::new(rows().with_noise(noise.clone())), &logits, &targets);
        assert!(out.value.rows().unwrap().iter().all(|loss| loss.is_finite()));
        assert!(out.logits_gradient.column(2).iter().all(|&gradient| gradient == 0.0));
    }
}

#[test]
fn small_shapes_and_temperatures_equal_the_oracle() {
    for rows in [1, 2, 4] {
        for classes in [1, 2, 16, 64] {
            for temperature in [0.1, 1.0, 10.0] {
                for (number, source) in common::SOURCES.into_iter().enumerate() {
                    let mut case =
                        Random::new((rows * classes + number) as u64).case([source, source], rows, 2, classes);
                    case.temperature = temperature;
                    case.logits = widen(cast::<f32>(&case.logits.mapv(|z| z.clamp(-5.0, 5.0))).view());
                    let exact = case.exact();
                    let settings = common::rows()
                        .with_temperature(temperature)
                        .unwrap()
                        .with_noise(NoiseDistribution::from_probabilities(&case.noise).unwrap());
                    let out = run(&SoftTargetInfoNce::new(settings), &cast::<f32>(&case.logits), case.batch());
                    assert!(deviation(out.value.rows().unwrap().mapv(f64::from), &exact.losses) < 1e-5);
                    assert!(deviation(widen(out.logits_gradient.view()), &exact.logits_gradients) < 5e-5);
                }
            }
        }
    }
}

/// Larger shapes with a planted signal, off the usual multiples of vector widths and blocks.
#[test]
fn odd_larger_shapes_stay_within_the_tolerance_of_their_type() {
    fn check<E: Element>(case: &common::Case, loss_tolerance: f64, gradient_tolerance: f64) {
        let logits = cast::<E>(&case.logits);
        let exact = common::Case { logits: widen(logits.view()), ..case.clone() }.exact();
        let noise = NoiseDistribution::from_probabilities(&case.noise).unwrap();
        let out = run(&SoftTargetInfoNce::new(rows().with_noise(noise)), &logits, case.batch());
        let losses = out.value.rows().unwrap().mapv(|loss| loss.as_f64());
        assert!(deviation(losses, &exact.losses) < loss_tolerance);
        assert!(deviation(widen(out.logits_gradient.view()), &exact.logits_gradients) < gradient_tolerance);
    }
    let shapes =
        [(2, 2, 8), (9, 16, 41), (70, 140, 33), (252, 507, 123), (255, 507, 123), (256, 512, 128), (3, 423, 32_000)];
    // The oracle writes out every sum: without the compiler's help the last four take minutes.
    let shapes = if cfg!(debug_assertions) { &shapes[..3] } else { &shapes[..] };
    for &(rows, candidates, classes) in shapes {
        for source in [common::Source::Mixed, common::Source::Dense] {
            let mut case = Random::new(rows as u64).case([source, source], rows, candidates - rows, classes);
            case.temperature = 1.0;
            // The planted signal: each row's logits lean towards its positive.
            let dense = case.dense_targets().select(Axis(0), &case.positives);
            case.logits = case.logits.mapv(|z| z / 30.0) + dense * 4.0;
            check::<f64>(&case, 1e-12, 1e-11);
            check::<f32>(&case, 1e-5, 5e-4);
            check::<f16>(&case, 1e-3, 1e-3);
            check::<bf16>(&case, 1e-2, 1e-2);
        }
    }
}

#[test]
fn duplicate_candidates_count_like_multiplicities() {
    let mut random = Random::new(77);
    let logits = random.logits(3, 6, 4.0);
    for source in common::SOURCES {
        let targets = random.targets(source, 3, 6);
        let again = Batch::from(&targets).with_further(&targets).unwrap().with_further(&targets).unwrap();
        let counted = Batch::from(&targets).with_multiplicities(array![3.0, 3.0, 3.0]).unwrap();
        let loss = SoftTargetInfoNce::new(rows());
        let (again, counted) = (run(&loss, &logits, &again), run(&loss, &logits, &counted));
        let off = deviation(again.value.rows().unwrap().iter().copied(), counted.value.rows().unwrap());
        assert!(off < 1e-13 && deviation(again.logits_gradient, &counted.logits_gradient) < 1e-13, "{source:?}");
    }
}

#[test]
fn soft_distribution_info_nce_keeps_positives_and_multiplicities() {
    let mut random = Random::new(7);
    let targets = random.targets(common::Source::Dense, 6, 4);
    let logits = random.logits(3, 4, 2.0);
    let batch = || {
        Batch::from(&targets)
            .with_positives(vec![5, 0, 3])
            .with_multiplicities(array![1.0, 2.0, 0.5, 1.0, 4.0, 1.0])
            .unwrap()
    };
    let loss = softnce::SoftDistributionInfoNce::new(rows());
    let given = batch();
    let drawn = softnce::ClassDraws::new(11).draw(&given);
    let expected = Batch::from(&drawn.segments()[0])
        .with_positives(vec![5, 0, 3])
        .with_multiplicities(array![1.0, 2.0, 0.5, 1.0, 4.0, 1.0])
        .unwrap();
    assert_eq!(run(&loss, &logits, drawn.clone()), run(&InfoNce::new(rows()), &logits, expected));
    // The loss itself draws nothing.
    let error = loss.loss(logits.view(), batch()).unwrap_err();
    assert!(error.to_string().contains("draw classes from soft targets first"), "{error}");
}

/// Optimiser steps on a linear model, its rows on several workers with everyone's targets, against one process.
#[test]
fn workers_step_as_one_process_does() {
    let (rows_in_all, features, classes) = (13, 4, 5);
    let mut random = Random::new(13);
    let inputs = random.logits(rows_in_all, features, 1.0);
    let targets = random.targets(common::Source::Mixed, rows_in_all, classes);
    let start = random.logits(features, classes, 0.5);
    let loss = SoftTargetInfoNce::new(LossSettings::new());
    let train = |bounds: &[usize]| {
        let mut weights = start.clone();
        for _ in 0..10 {
            let mut total = Array2::<f64>::zeros(weights.dim());
            for pair in bounds.windows(2) {
                let local = inputs.slice(ndarray::s![pair[0]..pair[1], ..]);
                let batch = Batch::from(&targets).with_offset(pair[0]);
                let out = run(&loss, &local.dot(&weights), batch);
                // Each worker's mean over its own rows, weighted by how many they are.
                let share = (pair[1] - pair[0]) as f64 / rows_in_all as f64;
                total += &(local.t().dot(&out.logits_gradient) * share);
            }
            weights -= &(total * 0.5);
        }
        weights
    };
    let whole = train(&[0, 13]);
    for bounds in [&[0, 7, 13][..], &[0, 1, 6, 13], &[0, 4, 7, 10, 13]] {
        assert!(deviation(train(bounds), &whole) < 1e-12, "{bounds:?}");
    }
}

#[test]
fn rows_off_the_simplex_count_as_divided_by_their_sum() {
    // 1e-4 too much and too little, at logits of 1,000: undivided, the rows would score 0.1 apart for nothing.
    let off = array![[0.5 + 5e-5, 0.5 + 4e-5], [0.25, 0.75 - 9e-5]];
    let dense = Targets::dense_as_is(off.view()).unwrap();
    let compact = Targets::compact(&[0.0, 0.0], &array![[0, 1], [0, 1]], &off, 2).unwrap();
    let on = {
        let sums = off.sum_axis(Axis(1)).insert_axis(Axis(1));
        Targets::dense_as_is(&off / &sums).unwrap()
    };
    let logits = array![[1001.0_f64, 1002.0], [1002.0, 1001.0]];
    let request = GradientRequest::new().with_temperature_gradient();
    for loss in [LossSettings::new(), LossSettings::new().with_temperature(0.5).unwrap()].map(SoftTargetInfoNce::new) {
        let expected = loss.loss_and_gradient(logits.view(), &on, &request).unwrap();
        for targets in [&dense, &compact] {
            let out = loss.loss_and_gradient(logits.view(), targets, &request).unwrap();
            assert!((out.value.scalar().unwrap() - expected.value.scalar().unwrap()).abs() < 1e-12);
            assert!(deviation(out.logits_gradient, &expected.logits_gradient) < 1e-12);
            let expected = expected.temperature_gradient.as_ref().unwrap();
            assert!(deviation(out.temperature_gradient.unwrap(), expected) < 1e-9);
        }
    }
}
