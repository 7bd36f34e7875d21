//! Large sums, and classes that take all digits: what single precision must still get right.

mod common;

use common::{Random, deviation, rows, widen};
use ndarray::{Array1, Array2, array};
use softnce::{
    AnyLoss, Batch, GradientRequest, HeadLoss, Instructions, LinearHead, Loss, LossAndGradient, LossKind, LossSettings,
    NoiseDistribution, SoftTargetCrossEntropy, SoftTargetInfoNce, Targets,
};

fn both(loss: &impl Loss, logits: &Array2<f64>, batch: &Batch<'_>) -> (LossAndGradient<f32>, LossAndGradient<f64>) {
    let request = GradientRequest::new();
    let single = logits.mapv(|logit| logit as f32);
    let exact = loss.loss_and_gradient(widen(single.view()).view(), batch, &request).unwrap();
    (loss.loss_and_gradient(single.view(), batch, &request).unwrap(), exact)
}

fn close(found: &LossAndGradient<f32>, exact: &LossAndGradient<f64>, tolerance: f64, what: &str) {
    let losses = found.value.rows().unwrap().mapv(f64::from);
    let off = deviation(losses, exact.value.rows().unwrap());
    assert!(off < tolerance, "{what}: loss off by {off:e}");
    let scale = exact.logits_gradient.iter().fold(0.0, |most: f64, gradient| most.max(gradient.abs())).max(1e-3);
    let difference = widen(found.logits_gradient.view()) - &exact.logits_gradient;
    let off = difference.iter().fold(0.0, |most: f64, gradient| most.max(gradient.abs())) / scale;
    assert!(off < tolerance * 10.0, "{what}: gradient off by {off:e} of its largest entry");
}

#[test]
fn many_candidates_over_few_classes_do_not_drift() {
    // At the start of training all terms are nearly equal, and so is the rounding of every sum.
    for (candidates, classes, scale) in [(16_384, 10, 0.01), (65_536, 3, 0.0), (65_536, 64, 0.01), (300_000, 20, 1.0)] {
        let mut random = Random::new(candidates as u64);
        let (first, second) = (random.labels(candidates, classes), random.labels(candidates, classes));
        let lambda = Array1::from_shape_fn(candidates, |_| random.unit());
        let logits = random.logits(5, classes, scale);
        for targets in [
            Targets::mixed(&first, &second, &lambda, classes, 0.1).unwrap(),
            Targets::compact(
                &lambda.mapv(|lambda| 0.5 * lambda),
                &first.clone().insert_axis(ndarray::Axis(1)),
                &lambda.mapv(|lambda| 1.0 - 0.5 * lambda).insert_axis(ndarray::Axis(1)),
                classes,
            )
            .unwrap(),
        ] {
            let (found, exact) = both(&SoftTargetInfoNce::new(rows()), &logits, &Batch::from(&targets));
            close(&found, &exact, 2e-6, &format!("{candidates} candidates over {classes} classes"));
            assert!(found.logits_gradient.outer_iter().all(|row| row.sum().abs() < 1e-5));
        }
    }
}

/// Row sums of the gradient, added up in double precision.
fn row_sums(out: &LossAndGradient<f32>) -> Array1<f64> {
    widen(out.logits_gradient.view()).sum_axis(ndarray::Axis(1))
}

#[test]
fn nearly_equal_terms_over_many_classes_do_not_drift() {
    // A head that starts at 0, after its first step: the rounding errors of equal terms all have one sign.
    let classes = 1 << 20;
    let every: Vec<usize> = (0..classes).collect();
    let few = Array1::from_vec(vec![5_usize]);
    let shares = Targets::compact(&[0.25], &array![[5]], &array![[0.75]], classes).unwrap();
    let written = Targets::smoothed(&few, classes, 0.5).unwrap().to_dense().unwrap().mapv(|weight| weight as f32);
    let cases = [
        (LossKind::Nll, Targets::hard(&few, classes).unwrap()),
        (LossKind::SoftTargetCrossEntropy, shares.view()),
        (LossKind::SoftTargetCrossEntropy, Targets::dense_as_is(written.view()).unwrap()),
        (LossKind::InfoNce, Targets::hard(&every, classes).unwrap()),
        (LossKind::SoftTargetInfoNce, Targets::smoothed(&every, classes, 0.1).unwrap()),
    ];
    for instructions in Instructions::available() {
        for lead in [1.0, 0.3, 0.7] {
            let mut logits = Array2::zeros((1, classes));
            logits[[0, 5]] = lead;
            for (kind, targets) in &cases {
                let batch = Batch::from(targets).with_positives(vec![if targets.len() > 1 { 5 } else { 0 }]);
                let loss = AnyLoss::new(*kind, rows().with_instructions(instructions).unwrap());
                let (found, exact) = both(&loss, &logits, &batch);
                let what = format!("{kind} of {} targets on {instructions}, lead {lead}", targets.form());
                let (loss, expected) = (f64::from(found.value.rows().unwrap()[0]), exact.value.rows().unwrap()[0]);
                assert!((loss / expected - 1.0).abs() < 1e-6, "{what}: loss {loss}, expected {expected}");
                let sum = row_sums(&found)[0];
                // The last case sums over candidates, in longer stretches.
                let most = if *kind == LossKind::SoftTargetInfoNce { 1e-5 } else { 1e-6 };
                assert!(sum.abs() < most, "{what}: the gradient sums to {sum:e}");
            }
        }
    }
}

#[test]
fn nearly_equal_terms_over_many_candidates_do_not_drift() {
    let candidates = 1 << 18;
    for classes in [3, 10] {
        let labels = Random::new(5).labels(candidates, classes);
        let smoothed = Targets::smoothed(&labels, classes, 0.75).unwrap();
        let written = smoothed.to_dense().unwrap().mapv(|weight| weight as f32);
        let lambda = Array1::from_shape_fn(candidates, |candidate| 0.5 + candidate as f64 / candidates as f64 / 2.0);
        let cases = [
            Targets::dense_as_is(written.view()).unwrap(),
            // No two are equal, so that none are merged.
            Targets::mixed(&labels, &Random::new(6).labels(candidates, classes), &lambda, classes, 0.75).unwrap(),
        ];
        for instructions in Instructions::available() {
            for lead in [1.0, 0.3, 0.0] {
                let mut logits = Array2::zeros((2, classes));
                logits.column_mut(1).fill(lead);
                for targets in &cases {
                    let loss = SoftTargetInfoNce::new(rows().with_instructions(instructions).unwrap());
                    let (found, exact) = both(&loss, &logits, &Batch::from(targets));
                    let what = format!("{} targets over {classes} classes on {instructions}", targets.form());
                    close(&found, &exact, 2e-6, &what);
                    let sums = row_sums(&found);
                    assert!(sums.iter().all(|sum| sum.abs() < 1e-5), "{what}: the gradients sum to {sums:e}");
                }
            }
        }
    }
}

#[test]
fn a_head_s_gradients_over_many_rows_do_not_drift() {
    let (rows_in_all, classes, width) = (1 << 17, 10, 4);
    let labels = Random::new(7).labels(rows_in_all, classes);
    let targets = Targets::smoothed(&labels, classes, 0.1).unwrap();
    let loss = SoftTargetInfoNce::new(LossSettings::new());
    let bias = Array1::from_shape_fn(classes, |class| if class == 3 { 1.0 } else { 0.0 });
    let (features, weights) = (Array2::from_elem((rows_in_all, width), 0.3), Array2::zeros((classes, width)));
    let single = (features.mapv(|x| x as f32), weights.mapv(|x: f64| x as f32), bias.mapv(|x| x as f32));
    let features = single.0.mapv(f64::from);
    let head = LinearHead::new(&single.0, &single.1).unwrap().with_bias(&single.2).unwrap();
    let found = loss.head_loss_and_gradient(&head, &targets, &GradientRequest::new()).unwrap();
    let head = LinearHead::new(&features, &weights).unwrap().with_bias(&bias).unwrap();
    let exact = loss.head_loss_and_gradient(&head, &targets, &GradientRequest::new()).unwrap();
    for (found, exact) in [
        (found.weights_gradient.mapv(f64::from).into_dyn(), exact.weights_gradient.into_dyn()),
        (found.bias_gradient.unwrap().mapv(f64::from).into_dyn(), exact.bias_gradient.unwrap().into_dyn()),
    ] {
        let largest = exact.iter().fold(0.0, |largest: f64, gradient| largest.max(gradient.abs()));
        let off = (found - &exact).iter().fold(0.0, |most: f64, off| most.max(off.abs())) / largest;
        assert!(off < 5e-6, "off by {off:e} of the largest entry");
    }
}

#[test]
fn a_class_that_does_not_occur_takes_no_digits() {
    let noise = NoiseDistribution::from_probabilities(&[0.2, 0.3, 0.4, 0.1]).unwrap();
    let hard = Targets::hard(&[0, 1, 2], 4).unwrap();
    let soft = Targets::mixed(&[0, 1, 2], &[1, 2, 0], &[0.9, 0.7, 0.6], 4, 0.0).unwrap();
    for big in [1e3, 1e4, 1e6, 1e8, 1e10, 1e20] {
        let logits = array![[0.1, 1.3, -0.4, big], [2.0, 0.0, 1.0, big], [-1.0, 0.5, 0.25, big]];
        for targets in [&hard, &soft] {
            let loss = SoftTargetInfoNce::new(rows().with_noise(noise.clone()));
            let batch = Batch::from(targets).with_multiplicities(array![3.0, 1.0, 2.0]).unwrap();
            // In double precision the large class takes digits too: the truth is the loss without it.
            let smaller = logits.mapv(|logit| if logit == big { 0.0 } else { logit });
            let (found, _) = both(&loss, &logits, &batch);
            let (_, exact) = both(&loss, &smaller, &batch);
            close(&found, &exact, 2e-6, &format!("{} targets beside {big:e}", targets.form()));
        }
    }
}

#[test]
fn shares_that_almost_agree_count_where_a_class_is_masked() {
    let shares = array![0.0, 1e-7];
    let weights = shares.mapv(|share| 1.0 - share).insert_axis(ndarray::Axis(1));
    let targets = Targets::compact(&shares, &array![[0], [1]], &weights, 10).unwrap();
    for mask in [0.0, -1e4, -1e6, -1e8] {
        let mut logits = Random::new(3).logits(2, 10, 1.0);
        logits.column_mut(5).fill(mask);
        let (found, exact) = both(&SoftTargetInfoNce::new(rows()), &logits, &Batch::from(&targets));
        close(&found, &exact, 2e-6, &format!("masked with {mask:e}"));
    }
}

#[test]
fn dense_cross_entropy_over_many_classes_does_not_drift() {
    let classes = 1 << 20;
    let targets = Targets::smoothed(&[7, 70], classes, 0.5).unwrap();
    let written = targets.to_dense().unwrap().mapv(|weight| weight as f32);
    let dense = Targets::dense_as_is(written.view()).unwrap();
    let logits = Random::new(4).logits(2, classes, 1.0);
    let (found, exact) = both(&SoftTargetCrossEntropy::new(rows()), &logits, &Batch::from(&dense));
    close(&found, &exact, 5e-6, "dense");
}

#[test]
fn weights_far_below_their_share_stay_finite() {
    let targets =
        Targets::compact(&[3.0, 3.0], &array![[1, 2], [0, 2]], &array![[-1.0, -1.0], [-1.0, -1.0]], 3).unwrap();
    for scale in [1.0_f32, 1e3, 1e30, 1e36] {
        let logits = array![[scale, -scale, 0.0], [0.0, scale, -scale]];
        let out = SoftTargetInfoNce::new(LossSettings::new()).loss_and_gradient(
            logits.view(),
            &targets,
            &GradientRequest::new(),
        );
        let out = out.unwrap();
        assert!(out.value.scalar().unwrap().is_finite() && out.logits_gradient.iter().all(|g| g.is_finite()));
    }
}
