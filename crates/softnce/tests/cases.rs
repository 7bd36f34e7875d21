//! Cases with known values, and the extremes that break other implementations.

mod common;

use common::{Random, cast, deviation, widen};
use half::{bf16, f16};
use ndarray::{Array1, Array2, Axis, array};
use softnce::{
    Accum, Batch, Element, GradientRequest, InfoNce, Loss, LossAndGradient, LossSettings, NoiseDistribution, Reduction,
    SoftTargetCrossEntropy, SoftTargetInfoNce, Targets, oracle,
};

fn rows() -> LossSettings {
    LossSettings::new().with_reduction(Reduction::None)
}

fn run<'b, E: Element>(loss: &impl Loss, logits: &Array2<E>, batch: impl Into<Batch<'b>>) -> LossAndGradient<E> {
    loss.loss_and_gradient(logits.view(), batch, &GradientRequest::new()).unwrap()
}

fn close(found: &Array1<f64>, expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    let off = deviation(found.iter().copied(), expected);
    assert!(off <= tolerance, "{found} against {expected:?}: off by {off:e}");
}

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
    let dense = Targets::dense(candidates().to_dense().unwrap()).unwrap();
    close(run(&SoftTargetInfoNce::new(rows()), &logits, &dense).value.rows().unwrap(), &expected, 1e-14);
}

#[test]
fn soft_cross_entropy_of_known_rows() {
    // cross_entropy(torch.tensor([[4., 2., 1.], [0., 5., 1.]]), torch.tensor([[1., 0., 0.], [0., .8, .2]]),
    //               reduction="none") -> 0.16984604, 0.82474494
    let loss = SoftTargetCrossEntropy::new(rows());
    let targets = Targets::dense(array![[1.0, 0.0, 0.0], [0.0, 0.8, 0.2]]).unwrap();
    let out = run(&loss, &array![[4.0, 2.0, 1.0], [0.0, 5.0, 1.0]], &targets);
    close(out.value.rows().unwrap(), &[0.169_846_04, 0.824_744_94], 1e-7);
    // [[10., 1., -2.], [1., 4., .2]] against classes 1 and 0 -> 9.00013, 3.0696733
    let out = run(&loss, &array![[10.0, 1.0, -2.0], [1.0, 4.0, 0.2]], Targets::hard(&[1, 0], 3).unwrap());
    close(out.value.rows().unwrap(), &[9.000_129_5, 3.069_673_3], 1e-7);
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
    close(&Targets::dense(rows.to_dense().unwrap()).unwrap().class_mass(), mass.as_slice().unwrap(), 1e-15);
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
fn huge_logits_and_small_temperatures_stay_finite_and_right() {
    let (classes, labels) = (5, [0_usize, 2, 4]);
    let logits =
        Array2::from_shape_fn(
            (3, classes),
            |(row, class)| {
                if class == labels[row] { 1e8 } else { -1e8 + 1e6 * class as f64 }
            },
        );
    // Mixed so that no two candidates tie: at this scale a tie is decided by rounding.
    let second = [1_usize, 3, 2];
    for temperature in [0.01, 1.0] {
        for targets in [
            Targets::hard(&labels, classes).unwrap(),
            Targets::smoothed(&labels, classes, 0.1).unwrap(),
            Targets::mixed(&labels, &second, &[0.75, 0.5, 0.125], classes, 0.125).unwrap(),
        ] {
            for flip in [1.0, -1.0] {
                let logits = &logits * flip;
                let settings = rows().with_temperature(temperature).unwrap();
                let exact = oracle::soft_target_info_nce(
                    logits.view(),
                    targets.to_dense().unwrap().view(),
                    &[0, 1, 2],
                    Array1::ones(3).view(),
                    Array1::from_elem(classes, 0.2).view(),
                    temperature,
                )
                .unwrap();
                let dense = Targets::dense(targets.to_dense().unwrap()).unwrap();
                for targets in [&targets, &dense] {
                    let loss = SoftTargetInfoNce::new(settings.clone());
                    let out = run(&loss, &logits, targets);
                    assert!(deviation(out.value.rows().unwrap().iter().copied(), &exact.losses) < 1e-9);
                    assert!(deviation(out.logits_gradient.iter().copied(), &exact.logits_gradients) < 1e-9);
                    let out = run(&loss, &cast::<f32>(&logits), targets);
                    let losses = out.value.rows().unwrap().mapv(f64::from);
                    assert!(deviation(losses, &exact.losses) < 1e-5);
                    assert!(deviation(widen(out.logits_gradient.view()), &exact.logits_gradients) < 1e-5);
                    let out = run(&SoftTargetCrossEntropy::new(settings.clone()), &cast::<f32>(&logits), targets);
                    assert!(out.value.rows().unwrap().iter().chain(&out.logits_gradient).all(|x: &f32| x.is_finite()));
                }
            }
        }
    }
}

#[test]
fn one_row_one_candidate_one_class() {
    for source in common::SOURCES {
        for classes in [1, 2, 16] {
            let mut random = Random::new(classes as u64);
            let targets = random.targets(source, 1, classes);
            let logits = random.logits(1, classes, 3.0);
            let out = run(&SoftTargetInfoNce::new(rows()), &logits, &targets);
            assert_eq!(out.value.rows().unwrap()[0], 0.0);
            assert!(out.logits_gradient.iter().all(|&gradient| gradient == 0.0));
        }
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
                    let settings = self::rows()
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
    for (rows, candidates, classes) in
        [(2, 2, 8), (9, 16, 41), (70, 140, 33), (252, 507, 123), (255, 507, 123), (256, 512, 128), (3, 423, 32_000)]
    {
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
fn a_confident_row_keeps_its_own_class_gradient_in_half_precision() {
    // Own class ahead of 4,095 others so that its probability is p: the gradient there is p - 1.
    fn own_gradient<E: Element>(loss: &impl Loss, probability: f64, targets: &Targets<'_>) -> (f64, f64) {
        let classes = targets.classes();
        let lead = (probability / (1.0 - probability) * (classes - 1) as f64).ln();
        let mut logits = Array2::from_elem((1, classes), E::from_accum(<E::Accum as Accum>::of(0.0)));
        logits[[0, 0]] = E::from_accum(<E::Accum as Accum>::of(lead));
        // What the rounded logits really give.
        let others = (classes - 1) as f64 * (-logits[[0, 0]].as_f64()).exp();
        let gradient = run(loss, &logits, targets).logits_gradient[[0, 0]].as_f64();
        (gradient, -others / (1.0 + others))
    }
    let classes = 4096;
    let every: Vec<usize> = (0..classes).collect();
    let candidates = Targets::hard(&every, classes).unwrap();
    let dense = Targets::dense(candidates.to_dense().unwrap()).unwrap();
    let own = Targets::hard(&[0], classes).unwrap();
    for probability in [0.9, 0.99, 0.999] {
        for (found, expected) in [
            own_gradient::<f16>(&SoftTargetInfoNce::new(rows()), probability, &candidates),
            own_gradient::<f16>(&SoftTargetInfoNce::new(rows()), probability, &dense),
            own_gradient::<f16>(&SoftTargetCrossEntropy::new(rows()), probability, &own),
        ] {
            assert!(((found - expected) / expected).abs() < 1e-3, "{found} against {expected}");
        }
        for (found, expected) in [
            own_gradient::<bf16>(&SoftTargetInfoNce::new(rows()), probability, &candidates),
            own_gradient::<bf16>(&SoftTargetInfoNce::new(rows()), probability, &dense),
            own_gradient::<bf16>(&SoftTargetCrossEntropy::new(rows()), probability, &own),
        ] {
            assert!(((found - expected) / expected).abs() < 8e-3, "{found} against {expected}");
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
fn extreme_multiplicities_and_weights_stay_finite() {
    let targets = Targets::hard(&[0, 1], 2).unwrap();
    let logits = array![[1.0_f32, 2.0], [0.5, -0.5]];
    for multiplicities in [array![1e300, 1e-300], array![1e-300, 1e-300], array![0.0, 1.0]] {
        let batch = Batch::from(&targets).with_multiplicities(multiplicities).unwrap();
        let out = run(&SoftTargetInfoNce::new(rows()), &logits, &batch);
        assert!(out.value.rows().unwrap().iter().chain(&out.logits_gradient).all(|x: &f32| x.is_finite()));
    }
    for weights in [array![1e308, 1e308], array![1e-308, 0.0]] {
        let batch = Batch::from(&targets).with_row_weights(weights).unwrap();
        let out = run(&SoftTargetInfoNce::new(LossSettings::new()), &logits, &batch);
        assert!(out.value.scalar().unwrap().is_finite() && out.logits_gradient.iter().all(|x| x.is_finite()));
    }
}

#[test]
fn a_constant_off_a_row_takes_no_digits_from_noise_counts_and_sums() {
    // Rows that are constants: what is left is log M, the noise, the counts. In f32, with logits up to 1e8.
    let noise = NoiseDistribution::from_probabilities(&[0.9, 0.1]).unwrap();
    for constant in [0.0, 1e3, 1e5, 1e8] {
        let logits = Array2::from_elem((3, 2), constant as f32);
        let hard = Targets::hard(&[0, 0, 1], 2).unwrap();
        let soft = Targets::mixed(&[0, 0, 1], &[1, 1, 0], &[0.5, 0.5, 0.5], 2, 0.0).unwrap();
        let dense = Targets::dense(cast::<f32>(&soft.to_dense().unwrap())).unwrap();
        let losses = |loss: &dyn Fn() -> LossAndGradient<f32>| loss().value.rows().unwrap().mapv(f64::from);
        let uniform = losses(&|| run(&SoftTargetInfoNce::new(rows()), &logits, &hard));
        close(&uniform, &[3.0_f64.ln(); 3], 1e-6);
        let noisy = losses(&|| run(&SoftTargetInfoNce::new(rows().with_noise(noise.clone())), &logits, &hard));
        // log(2 / .9 + 1 / .1) + log eta of the own class
        let total = (2.0_f64 / 0.9 + 10.0).ln();
        close(&noisy, &[total + 0.9_f64.ln(), total + 0.9_f64.ln(), total + 0.1_f64.ln()], 1e-6);
        for targets in [&hard, &soft, &dense] {
            let out = losses(&|| run(&SoftTargetCrossEntropy::new(rows()), &logits, targets));
            close(&out, &[2.0_f64.ln(); 3], 1e-6);
        }
        for targets in [&soft, &dense] {
            let out = losses(&|| run(&SoftTargetInfoNce::new(rows()), &logits, targets));
            close(&out, &[3.0_f64.ln(); 3], 1e-6);
        }
    }
}

#[test]
fn small_losses_keep_their_digits() {
    // Own class 20 ahead of two others: loss log(1 + 2 e^-20) and own gradient -2 e^-20 / (1 + 2 e^-20), in f32, where
    // 1 - P would be 0.
    let logits = array![[20.0_f32, 0.0, 0.0]];
    let others = 2.0 * (-20.0_f64).exp();
    let own = || Targets::hard(&[0], 3).unwrap();
    let one_hot = Targets::compact(&[0.0], &array![[0, 1]], &array![[1.0, 0.0]], 3).unwrap();
    let dense = Targets::dense(own().to_dense().unwrap()).unwrap();
    let check = |out: LossAndGradient<f32>| {
        let loss = f64::from(out.value.rows().unwrap()[0]);
        assert!((loss / others.ln_1p() - 1.0).abs() < 1e-5, "loss {loss:e}");
        let gradient = f64::from(out.logits_gradient[[0, 0]]);
        assert!((gradient / (-others / (1.0 + others)) - 1.0).abs() < 1e-5, "gradient {gradient:e}");
    };
    for targets in [&own(), &one_hot, &dense] {
        check(run(&SoftTargetCrossEntropy::new(rows()), &logits, targets));
    }
    let every = Targets::hard(&[0, 1, 2], 3).unwrap();
    let weights = array![[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]];
    let every_compact = Targets::compact(&[0.0; 3], &array![[0, 1], [1, 0], [2, 0]], &weights, 3);
    let every_dense = Targets::dense(every.to_dense().unwrap()).unwrap();
    for targets in [&every, &every_compact.unwrap(), &every_dense] {
        check(run(&SoftTargetInfoNce::new(rows()), &logits, targets));
    }
}

#[test]
fn rows_off_the_simplex_count_as_divided_by_their_sum() {
    // 1e-4 too much and too little, at logits of 1,000: undivided, the rows would score 0.1 apart for nothing.
    let off = array![[0.5 + 5e-5, 0.5 + 4e-5], [0.25, 0.75 - 9e-5]];
    let dense = Targets::dense(off.view()).unwrap();
    let compact = Targets::compact(&[0.0, 0.0], &array![[0, 1], [0, 1]], &off, 2).unwrap();
    let on = {
        let sums = off.sum_axis(Axis(1)).insert_axis(Axis(1));
        Targets::dense(&off / &sums).unwrap()
    };
    let logits = array![[1001.0_f64, 1002.0], [1002.0, 1001.0]];
    let request = GradientRequest::new().with_temperature();
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

#[test]
fn sums_over_many_classes_do_not_overflow() {
    // Sixteen scores near the limit: their mean, which compact rows with uniform shares of their own take, is finite.
    let logits = Array2::from_shape_fn((2, 16), |(row, class)| if (row + class) % 2 == 0 { 1e36_f32 } else { -1e36 });
    let compact = Targets::compact(&[0.1, 0.2], &array![[0], [1]], &array![[0.9], [0.8]], 16).unwrap();
    let dense = Targets::dense(compact.to_dense().unwrap()).unwrap();
    for targets in [&compact, &dense] {
        for out in [
            run(&SoftTargetInfoNce::new(rows()), &logits, targets),
            run(&SoftTargetCrossEntropy::new(rows()), &logits, targets),
        ] {
            assert!(out.value.rows().unwrap().iter().chain(&out.logits_gradient).all(|x| x.is_finite()));
        }
    }
}

#[test]
fn huge_multiplicities_of_one_class_add_up() {
    let targets = Targets::hard(&[0, 0, 1], 2).unwrap();
    let batch = Batch::from(&targets).with_multiplicities(array![1e308, 1e308, 1.0]).unwrap();
    let out = run(&SoftTargetInfoNce::new(rows()), &Array2::<f64>::zeros((3, 2)), &batch);
    let total = 2.0_f64.ln() + 308.0 * 10.0_f64.ln();
    close(out.value.rows().unwrap(), &[total; 3], 1e-14);
}

#[test]
fn rounding_never_makes_a_valid_target_negative() {
    for classes in 2..60 {
        for rows in 1..6 {
            // Nothing is left for the listed class; what the others share puts rounding on it.
            let targets =
                Targets::top_k(&Array2::<usize>::zeros((rows, 1)), &Array2::zeros((rows, 1)), classes).unwrap();
            assert!(NoiseDistribution::try_from(&targets).is_ok());
            assert!(Targets::dense(targets.to_dense().unwrap()).is_ok());
        }
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
    let loss = softnce::SoftDistributionInfoNce::new(rows(), 11);
    let drawn = softnce::SoftDistributionInfoNce::new(rows(), 11);
    let drawn = drawn.draw(&batch()).segments()[0].clone().into_owned();
    let expected = Batch::from(drawn)
        .with_positives(vec![5, 0, 3])
        .with_multiplicities(array![1.0, 2.0, 0.5, 1.0, 4.0, 1.0])
        .unwrap();
    assert_eq!(run(&loss, &logits, batch()), run(&InfoNce::new(rows()), &logits, expected));
    // A call that is refused draws nothing.
    assert!(loss.loss(logits.view(), Batch::from(&targets).with_offset(5)).is_err());
    assert_eq!(loss.calls(), 1);
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

/// More logits than 31 bits count; only where the compiler helps is this a matter of seconds.
#[cfg(all(not(debug_assertions), target_pointer_width = "64"))]
#[test]
fn more_than_two_to_the_31_logits() {
    let (rows_in_all, classes) = (70_000, 32_768);
    let mut row = Array1::<f16>::zeros(classes);
    row[classes - 1] = f16::from_f32(3.0);
    let logits = row.broadcast((rows_in_all, classes)).unwrap();
    assert!(logits.len() > 1 << 31);
    let mut labels = vec![0_u32; rows_in_all];
    labels[rows_in_all - 1] = classes as u32 - 1;
    let value = InfoNce::new(rows()).loss(logits, Targets::hard(&labels, classes).unwrap()).unwrap();
    // log(69,999 e^0 + e^3), less 3 for the last row.
    let total = (69_999.0 + 3.0_f64.exp()).ln();
    let losses = value.rows().unwrap();
    assert!((f64::from(losses[0]) - total).abs() < 1e-5);
    assert!((f64::from(losses[rows_in_all - 1]) - (total - 3.0)).abs() < 1e-5);
}
