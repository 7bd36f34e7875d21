//! The extremes that break other implementations.

mod common;

use common::{Random, cast, close, deviation, rows, run, widen};
use half::{bf16, f16};
use ndarray::{Array1, Array2, Axis, array, s};
use softnce::{
    Accum, AnyLoss, Batch, Element, Error, ErrorKind, GradientRequest, Loss, LossAndGradient, LossKind, LossSettings,
    NoiseDistribution, SoftTargetCrossEntropy, SoftTargetInfoNce, Targets, oracle,
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

/// A definition in double precision that subtracts each row's largest logit first: the losses, their gradients with
/// respect to the logits and the temperature, and whether rounding of the scores cannot change the result.
struct Reference {
    losses: Vec<f64>,
    gradients: Array2<f64>,
    temperature: Vec<f64>,
    is_well_conditioned: Vec<bool>,
}

fn reference(kind: LossKind, logits: &Array2<f64>, batch: &ReferenceBatch, tau: f64, tolerance: f64) -> Reference {
    let (rows, classes) = logits.dim();
    let targets = &batch.targets;
    // A floor that all candidates share cancels.
    let floors: Vec<f64> = targets.outer_iter().map(|row| row.iter().copied().fold(1.0, f64::min)).collect();
    let floor = if floors.iter().all(|&floor| floor == floors[0]) { floors[0] } else { 0.0 };
    let weights = targets - floor;
    let mut out = Reference {
        losses: Vec::new(),
        gradients: Array2::zeros((rows, classes)),
        temperature: Vec::new(),
        is_well_conditioned: Vec::new(),
    };
    for row in 0..rows {
        // Of the classes that a candidate weighs: beside one that is far above them the noise would be rounded away.
        let counts = |class: usize| !kind.is_contrastive() || weights.column(class).iter().any(|&weight| weight > 0.0);
        let counted = (0..classes).filter(|&class| counts(class)).map(|class| logits[[row, class]]);
        let largest = counted.fold(f64::NEG_INFINITY, f64::max);
        let centred = logits.row(row).mapv(|z| z - largest);
        let extent = centred.iter().fold(0.0, |extent: f64, z| extent.max(z.abs())) / tau;
        let own = batch.positives[row];
        // The largest score, and the softmax relative to it: huge scores take no digits from the logarithm.
        let softmax = |scores: &Array1<f64>| {
            let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let terms = scores.mapv(|score| (score - top).exp());
            (top, terms.sum().ln(), &terms / terms.sum())
        };
        let (loss, by_scores, well) = if kind.is_contrastive() {
            let scores = &centred / tau - &batch.noise.mapv(f64::ln);
            let critic = weights.dot(&scores);
            let counted = &critic + &batch.multiplicities.mapv(f64::ln);
            let (top, log_sum, mut coefficients) = softmax(&counted);
            coefficients[own] -= 1.0;
            // Scores of one-hot targets are exact; others are equal only if their targets are.
            let well = (0..targets.nrows()).all(|a| {
                (0..a).all(|b| {
                    weights.row(a) == weights.row(b)
                        || (critic[a] - critic[b]).abs() > tolerance * extent
                        || [a, b].iter().all(|&j| targets.row(j).iter().any(|&weight| weight == 1.0))
                })
            });
            (log_sum + (top - critic[own]), coefficients.dot(targets), well)
        } else {
            let scores = &centred / tau;
            let (top, log_sum, posterior) = softmax(&scores);
            let target = targets.row(own);
            let loss = scores.iter().zip(target).map(|(score, weight)| weight * (log_sum + (top - score))).sum();
            (loss, posterior - target, true)
        };
        out.losses.push(loss);
        out.temperature.push(-by_scores.dot(&centred) / tau / tau);
        out.gradients.row_mut(row).assign(&(by_scores / tau));
        out.is_well_conditioned.push(well);
    }
    out
}

struct ReferenceBatch {
    targets: Array2<f64>,
    positives: Vec<usize>,
    multiplicities: Array1<f64>,
    noise: Array1<f64>,
}

/// Targets whose weights are multiples of 1/8, so that rounding of the weights decides nothing.
fn simple_targets(random: &mut Random, form: usize, rows: usize, classes: usize) -> Targets<'static> {
    let (first, second) = (random.labels(rows, classes), random.labels(rows, classes));
    let eighths = Array1::from_shape_fn(rows, |_| (1 + random.below(7)) as f64 / 8.0);
    let mixed = Targets::mixed(&first, &second, &eighths, classes, 0.0).unwrap();
    match form {
        0 => Targets::hard(&first, classes),
        1 => Targets::compact(&Array1::zeros(rows), &first.insert_axis(Axis(1)), &Array2::ones((rows, 1)), classes),
        2 => Ok(mixed),
        3 => Targets::smoothed(&first, classes, 0.25),
        4 => {
            let weights = eighths.mapv(|share| 1.0 - share).insert_axis(Axis(1));
            Targets::compact(&eighths, &first.insert_axis(Axis(1)), &weights, classes)
        }
        5 => {
            let three = Array2::from_shape_fn((rows, 3), |(row, at)| (first[row] + at) % classes);
            let weights = Array2::from_shape_fn((rows, 3), |(_, at)| [0.5, 0.125, 0.375][at]);
            Targets::compact(&Array1::zeros(rows), &three, &weights, classes)
        }
        6 => Targets::dense_as_is(Targets::hard(&first, classes).unwrap().to_dense().unwrap()),
        _ => Targets::dense_as_is(mixed.to_dense().unwrap()),
    }
    .unwrap()
}

fn huge_logits_agree_with_the_reference<E: Accum>(magnitudes: &[f64], tolerance: f64) {
    let largest = E::max_value().as_f64();
    let (mut compared, mut skipped) = (0, 0);
    for &magnitude in magnitudes {
        for seed in 0..40 {
            for form in 0..8 {
                for kind in [LossKind::SoftTargetInfoNce, LossKind::SoftTargetCrossEntropy] {
                    let mut random = Random::new(seed * 8 + form as u64);
                    // With many classes few of them occur, and the other columns are not read.
                    let classes = if seed % 4 == 3 { 100 } else { 6 };
                    let rows_in_all = 1 + random.below(5);
                    let targets = simple_targets(&mut random, form, rows_in_all, classes);
                    // Some logits are equal.
                    let logits = Array2::from_shape_fn((rows_in_all, classes), |_| match random.below(4) {
                        0 => magnitude * (random.below(3) as f64 - 1.0),
                        _ => magnitude * random.signed(),
                    });
                    let logits = cast::<E>(&logits);
                    // Only scores of one-hot targets (label smoothing equal in all rows cancels) are all relative to a
                    // logit: beside the others the noise is rounded away.
                    let with_noise = seed % 2 == 1 && [0, 1, 3].contains(&form);
                    let noise = if with_noise {
                        let counts = Array1::from_shape_fn(classes, |class| (class as f64 + 1.0).powi(-2));
                        NoiseDistribution::from_counts(&counts, 0.0).unwrap()
                    } else {
                        NoiseDistribution::uniform()
                    };
                    let multiplicities =
                        Array1::from_shape_fn(
                            rows_in_all,
                            |row| {
                                if with_noise { [1.0, 0.5, 3.0][row % 3] } else { 1.0 }
                            },
                        );
                    let plain = ReferenceBatch {
                        targets: targets.to_dense().unwrap(),
                        positives: (0..rows_in_all).collect(),
                        multiplicities: multiplicities.clone(),
                        noise: noise.probabilities(classes).unwrap(),
                    };
                    let tau = [1.0, 0.125][random.below(2)];
                    let what = format!("{kind} at {magnitude:e}, form {form}, seed {seed}, {}", E::NAME);
                    let settings = rows().with_temperature(tau).unwrap().with_noise(noise);
                    let loss = AnyLoss::new(kind, settings);
                    let batch = Batch::from(&targets).with_multiplicities(multiplicities.view()).unwrap();
                    let request = GradientRequest::new().with_temperature_gradient();
                    let out = match loss.loss_and_gradient(logits.view(), &batch, &request) {
                        Ok(out) => out,
                        Err(error)
                            if error.kind() == ErrorKind::Overflow
                                && magnitude / tau * 17.0 * classes as f64 > largest =>
                        {
                            continue;
                        }
                        Err(error) => panic!("{what}: {error}"),
                    };
                    let losses = out.value.rows().unwrap().mapv(|loss| loss.as_f64());
                    let (gradients, temperature) =
                        (widen(out.logits_gradient.view()), out.temperature_gradient.unwrap());
                    let finite = losses.iter().chain(&gradients).chain(&temperature).all(|value| value.is_finite());
                    assert!(finite, "{what}: losses {losses}, gradients {gradients}, temperature {temperature}");
                    let expected = reference(kind, &widen(logits.view()), &plain, tau, 100.0 * tolerance);
                    let scale = magnitude / tau;
                    for row in 0..rows_in_all {
                        if !expected.is_well_conditioned[row] {
                            skipped += 1;
                            continue;
                        }
                        compared += 1;
                        let off = (losses[row] - expected.losses[row]).abs();
                        let most = tolerance * if expected.losses[row] < 100.0 { 1.0 } else { 4.0 * scale };
                        assert!(off <= most, "{what}: loss {} for {}", losses[row], expected.losses[row]);
                        let off = deviation(
                            gradients.row(row).iter().map(|g| g * tau),
                            &expected.gradients.row(row).mapv(|g| g * tau),
                        );
                        assert!(off <= tolerance, "{what}: {} for {}", gradients.row(row), expected.gradients.row(row));
                        let off = (temperature[row] - expected.temperature[row]).abs();
                        assert!(
                            off <= 4.0 * tolerance * scale / tau,
                            "{what}: {} for {}",
                            temperature[row],
                            expected.temperature[row]
                        );
                    }
                }
            }
        }
    }
    assert!(compared > 4 * skipped, "compared {compared} rows and skipped {skipped}");
}

#[test]
fn huge_logits_in_double_precision_agree_with_the_reference() {
    let magnitudes = [1e10, 1e16, 1e20, 1e30, 1e34, 1e35, 1e36, 1e40, 1e100, 1e200, 1e290, 1e300];
    huge_logits_agree_with_the_reference::<f64>(&magnitudes, 1e-12);
}

#[test]
fn huge_logits_in_single_precision_agree_with_the_reference() {
    let magnitudes = [1e6, 1e10, 1e14, 1e16, 1e17, 1e18, 1e20, 1e25, 1e30, 1e33, 1e35, 1e36, 1e37];
    huge_logits_agree_with_the_reference::<f32>(&magnitudes, 1e-5);
}

/// The gradient with respect to the temperature is a dot product with the logits: beside the logarithm of a noise
/// probability logits near 0 have few digits, and none of its digits may be lost there.
fn temperature_gradients_keep_their_digits<E: Element>(scale: f64, tolerance: f64) {
    let (rows_in_all, classes) = (24, 300);
    let eta = Array1::from_shape_fn(classes, |class| (class as f64 + 1.0).powi(-2));
    let eta = &eta / eta.sum();
    let noise = NoiseDistribution::from_probabilities(&eta).unwrap();
    for source in common::SOURCES {
        // With few candidates few columns occur.
        for candidates in [rows_in_all, 400] {
            let mut random = Random::new(candidates as u64);
            let targets = random.targets(source, candidates, classes);
            let logits = cast::<E>(&random.logits(rows_in_all, classes, scale));
            for (kind, exact) in [
                (
                    LossKind::SoftTargetInfoNce,
                    oracle::soft_target_info_nce(
                        widen(logits.view()).view(),
                        targets.to_dense().unwrap().view(),
                        &(0..rows_in_all).collect::<Vec<_>>(),
                        Array1::ones(candidates).view(),
                        eta.view(),
                        1.0,
                    ),
                ),
                (
                    LossKind::SoftTargetCrossEntropy,
                    oracle::soft_target_cross_entropy(
                        widen(logits.view()).view(),
                        targets.to_dense().unwrap().slice(s![..rows_in_all, ..]),
                        1.0,
                    ),
                ),
            ] {
                let exact = exact.unwrap().temperature_gradients;
                let loss = AnyLoss::new(kind, rows().with_noise(noise.clone()));
                let request = GradientRequest::new().with_temperature_gradient();
                let out = loss.loss_and_gradient(logits.view(), &targets, &request).unwrap();
                let found = out.temperature_gradient.unwrap();
                let largest = exact.iter().fold(0.0, |largest: f64, gradient| largest.max(gradient.abs()));
                let off = (&found - &exact).iter().fold(0.0, |most: f64, off| most.max(off.abs())) / largest;
                assert!(off < tolerance, "{kind} of {source:?}, {candidates} candidates: off by {off:e}");
            }
        }
    }
}

#[test]
fn temperature_gradients_keep_their_digits_at_logits_near_0() {
    temperature_gradients_keep_their_digits::<f32>(1e-3, 5e-5);
    temperature_gradients_keep_their_digits::<f32>(1e-6, 5e-5);
    temperature_gradients_keep_their_digits::<f64>(1e-3, 1e-11);
    temperature_gradients_keep_their_digits::<f64>(1e-12, 1e-11);
}

#[test]
fn the_oracle_is_right_at_extreme_temperatures_or_says_why_not() {
    let one_hot = array![[1.0, 0.0], [0.0, 1.0]];
    let both = |logits: &Array2<f64>, temperature: f64| {
        let (ones, noise) = (Array1::ones(2), array![0.5, 0.5]);
        [
            oracle::soft_target_info_nce(
                logits.view(),
                one_hot.view(),
                &[0, 1],
                ones.view(),
                noise.view(),
                temperature,
            ),
            oracle::soft_target_cross_entropy(logits.view(), one_hot.view(), temperature),
        ]
    };
    let plain = array![[1.0, 2.0], [3.0, -1.0]];
    // A reciprocal that is infinite.
    for exact in both(&plain, 1e-320) {
        assert_eq!(exact.unwrap_err(), Error::temperature(1e-320));
    }
    // Scores so far apart that the loss is their difference. The gradient is 0 or 1 / tau; that with respect to the
    // temperature, -1 / tau^2, overflows.
    for exact in both(&plain, 1e-300) {
        let argument = "gradient with respect to the temperature";
        let error = exact.unwrap_err();
        assert_eq!((error.kind(), error.argument()), (ErrorKind::NonFinite, argument));
    }
    for exact in both(&plain, 1e-150).map(Result::unwrap) {
        assert!(deviation(exact.losses.mapv(|loss| loss * 1e-150), &[1.0, 4.0]) < 1e-15);
        assert!(deviation(exact.logits_gradients.mapv(|g| g * 1e-150), &[-1.0, 1.0, 1.0, -1.0]) < 1e-15);
        assert!(deviation(exact.temperature_gradients.mapv(|g| g * 1e-300), &[-1.0, -4.0]) < 1e-15);
    }
    // All scores are equal. The square of the temperature overflows, what is divided by it need not.
    for exact in both(&(&plain * 1e300), 1e308).map(Result::unwrap) {
        assert!(deviation(exact.losses, &[2.0_f64.ln(); 2]) < 1e-7);
        assert!(deviation(exact.logits_gradients.mapv(|g| g * 1e308), &[-0.5, 0.5, 0.5, -0.5]) < 1e-7);
        // Half the difference of the logits over tau^2.
        assert!(deviation(exact.temperature_gradients.mapv(|g| g * 1e308 * 1e8), &[-0.5, -2.0]) < 1e-7);
    }
    // Logits whose difference overflows.
    for exact in both(&array![[0.0, 0.0], [1e308, -1e308]], 1.0) {
        let error = exact.unwrap_err();
        assert_eq!((error.kind(), error.index()), (ErrorKind::Overflow, &[1, 1][..]));
    }
    for exact in both(&(&plain * 1e300), 1.0).map(Result::unwrap) {
        assert!(deviation(exact.losses.mapv(|loss| loss * 1e-300), &[1.0, 4.0]) < 1e-15);
        assert!(deviation(exact.logits_gradients, &[-1.0, 1.0, 1.0, -1.0]) < 1e-15);
    }
}
