//! The extremes that break other implementations.

mod common;

use common::{Random, cast, close, deviation, rows, run, widen};
use half::{bf16, f16};
use ndarray::{Array1, Array2, array};
use softnce::{
    Accum, Batch, Element, Loss, LossAndGradient, LossSettings, NoiseDistribution, SoftTargetCrossEntropy,
    SoftTargetInfoNce, Targets, oracle,
};

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
                let dense = Targets::dense_as_is(targets.to_dense().unwrap()).unwrap();
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
    let dense = Targets::dense_as_is(candidates.to_dense().unwrap()).unwrap();
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
        let dense = Targets::dense_as_is(cast::<f32>(&soft.to_dense().unwrap())).unwrap();
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
    let dense = Targets::dense_as_is(own().to_dense().unwrap()).unwrap();
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
    let every_dense = Targets::dense_as_is(every.to_dense().unwrap()).unwrap();
    for targets in [&every, &every_compact.unwrap(), &every_dense] {
        check(run(&SoftTargetInfoNce::new(rows()), &logits, targets));
    }
}

#[test]
fn sums_over_many_classes_do_not_overflow() {
    // Sixteen scores near the limit: their mean, which compact rows with uniform shares of their own take, is finite.
    let logits = Array2::from_shape_fn((2, 16), |(row, class)| if (row + class) % 2 == 0 { 1e36_f32 } else { -1e36 });
    let compact = Targets::compact(&[0.1, 0.2], &array![[0], [1]], &array![[0.9], [0.8]], 16).unwrap();
    let dense = Targets::dense_as_is(compact.to_dense().unwrap()).unwrap();
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
            assert!(Targets::dense_as_is(targets.to_dense().unwrap()).is_ok());
        }
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
    let value = softnce::InfoNce::new(rows()).loss(logits, Targets::hard(&labels, classes).unwrap()).unwrap();
    // log(69,999 e^0 + e^3), less 3 for the last row.
    let total = (69_999.0 + 3.0_f64.exp()).ln();
    let losses = value.rows().unwrap();
    assert!((f64::from(losses[0]) - total).abs() < 1e-5);
    assert!((f64::from(losses[rows_in_all - 1]) - (total - 3.0)).abs() < 1e-5);
}
