//! Every path against the oracle, at every float type, form, shape and block size; finite differences.

mod common;

use common::{Case, cases, cast, deviation, widen};
use half::{bf16, f16};
use ndarray::{Array1, Array2, ShapeBuilder, s};
use proptest::prelude::*;
use softnce::oracle::Exact;
use softnce::{
    AnyLoss, BinaryCrossEntropy, Element, GradientRequest, Loss, LossAndGradient, LossKind, LossSettings,
    NoiseDistribution, Reduction, SoftTargetCrossEntropy, SoftTargetInfoNce, Targets,
};

fn settings(case: &Case, reduction: Reduction) -> LossSettings {
    LossSettings::new()
        .with_temperature(case.temperature)
        .unwrap()
        .with_noise(NoiseDistribution::from_probabilities(&case.noise).unwrap())
        .with_reduction(reduction)
}

fn per_row<E: Element>(loss: &impl Loss, case: &Case) -> LossAndGradient<E> {
    let logits = cast::<E>(&case.logits);
    let request = GradientRequest::new().with_upstream(&case.upstream).with_temperature_gradient();
    let out = loss.loss_and_gradient(logits.view(), case.batch(), &request).unwrap();
    assert_eq!(out.value, loss.loss(logits.view(), case.batch()).unwrap(), "the loss alone is the same loss");
    out
}

/// The case with its logits rounded to the type, so that only the computation's own error is left.
fn rounded<E: Element>(case: &Case) -> Case {
    Case { logits: widen(cast::<E>(&case.logits).view()), ..case.clone() }
}

fn check<E: Element>(out: &LossAndGradient<E>, case: &Case, exact: &Exact, tolerances: (f64, f64)) {
    let upstream = &case.upstream;
    let losses = out.value.rows().unwrap().mapv(|loss| loss.as_f64());
    let off = deviation(losses, &exact.losses);
    // A candidate's score is a weighted mean of the row's: it carries their absolute rounding error.
    let noise = case.noise.iter().fold(0.0, |most: f64, p| most.max(-p.ln()));
    let score = case.logits.iter().fold(0.0, |most: f64, z| most.max(z.abs())) / case.temperature + noise;
    assert!(off <= tolerances.0 * (score / 10.0).max(1.0), "loss off by {off:e}");
    let expected = &exact.logits_gradients * &upstream.view().insert_axis(ndarray::Axis(1));
    let off = deviation(widen(out.logits_gradient.view()), &expected);
    assert!(off <= tolerances.1, "gradient off by {off:e}");
    // A score changes with the temperature by Z / tau^2: that is the scale of the rounding, in the oracle too.
    let scale = case.logits.iter().fold(1.0, |scale: f64, z| scale.max(z.abs() / case.temperature.powi(2)));
    let expected = &exact.temperature_gradients * upstream / scale;
    let off = deviation(out.temperature_gradient.clone().unwrap() / scale, &expected);
    assert!(off <= tolerances.1, "temperature gradient off by {off:e}");
}

/// The loss with targets of any form, in every float type.
fn equals_in_every_type(loss: &impl Loss, case: &Case, exact: impl Fn(&Case) -> Exact) {
    check(&per_row::<f64>(loss, case), case, &exact(case), (1e-12, 1e-11));
    check(&per_row::<f64>(loss, &densified(case)), case, &exact(case), (1e-12, 1e-11));
    let case = rounded::<f32>(case);
    check(&per_row::<f32>(loss, &case), &case, &exact(&case), (2e-6, 4e-4));
    let case = rounded::<f16>(&case);
    check(&per_row::<f16>(loss, &case), &case, &exact(&case), (2e-6, 2e-3));
    let case = rounded::<bf16>(&case);
    check(&per_row::<bf16>(loss, &case), &case, &exact(&case), (2e-6, 1e-2));
}

/// A dense copy of the case: another path, the same loss.
fn densified(case: &Case) -> Case {
    let segments =
        case.segments.iter().map(|segment| Targets::dense_as_is(segment.to_dense().unwrap()).unwrap()).collect();
    Case { segments, ..case.clone() }
}

/// The same with the first segment alone dense.
fn half_densified(case: &Case) -> Case {
    let mut segments = case.segments.clone();
    segments[0] = Targets::dense_as_is(segments[0].to_dense().unwrap()).unwrap();
    Case { segments, ..case.clone() }
}

/// The case with other rows of logits, as many as given, whose positives share the candidates.
fn with_rows(case: &Case, rows: usize, seed: u64) -> Case {
    let mut random = common::Random::new(seed);
    let candidates = case.multiplicities.len();
    Case {
        logits: random.logits(rows, case.logits.ncols(), 5.0),
        positives: (0..rows).map(|_| random.below(candidates)).collect(),
        upstream: Array1::from_shape_fn(rows, |_| random.unit() + 0.5),
        ..case.clone()
    }
}

proptest! {
    #[test]
    fn more_rows_than_candidates_share_their_positives(case in cases(), more in 1..40usize, seed in any::<u64>()) {
        let case = with_rows(&case, case.multiplicities.len() + more, seed);
        let loss = SoftTargetInfoNce::new(settings(&case, Reduction::None));
        check(&per_row::<f64>(&loss, &case), &case, &case.exact(), (1e-12, 1e-11));
        check(&per_row::<f64>(&loss, &densified(&case)), &case, &case.exact(), (1e-12, 1e-11));
        let loss = SoftTargetCrossEntropy::new(settings(&case, Reduction::None));
        check(&per_row::<f64>(&loss, &case), &case, &case.exact_cross_entropy(), (1e-12, 1e-11));
        let single = rounded::<f32>(&case);
        let loss = SoftTargetInfoNce::new(settings(&single, Reduction::None));
        check(&per_row::<f32>(&loss, &single), &single, &single.exact(), (2e-6, 4e-4));
    }

    #[test]
    fn info_nce_equals_the_oracle_in_f64(case in cases()) {
        let loss = SoftTargetInfoNce::new(settings(&case, Reduction::None));
        check(&per_row::<f64>(&loss, &case), &case, &case.exact(), (1e-12, 1e-11));
        let dense = densified(&case);
        check(&per_row::<f64>(&loss, &dense), &case, &case.exact(), (1e-12, 1e-11));
    }

    #[test]
    fn info_nce_equals_the_oracle_in_f32(case in cases()) {
        let case = rounded::<f32>(&case);
        let loss = SoftTargetInfoNce::new(settings(&case, Reduction::None));
        // Scores go up to 300 here, and e^x carries their absolute rounding error into the probabilities.
        let tolerances = (2e-6, 4e-4);
        check(&per_row::<f32>(&loss, &case), &case, &case.exact(), tolerances);
        check(&per_row::<f32>(&loss, &densified(&case)), &case, &case.exact(), tolerances);
    }

    #[test]
    fn half_precision_logits_are_accumulated_in_f32(case in cases()) {
        let loss = SoftTargetInfoNce::new(settings(&case, Reduction::None));
        let rounded_case = rounded::<f16>(&case);
        check(&per_row::<f16>(&loss, &case), &rounded_case, &rounded_case.exact(), (2e-6, 2e-3));
        let rounded_case = rounded::<bf16>(&case);
        check(&per_row::<bf16>(&loss, &case), &rounded_case, &rounded_case.exact(), (2e-6, 1e-2));
    }

    #[test]
    fn targets_may_be_of_any_float_type(case in cases()) {
        let half = |case: &Case| Case {
            segments: case.segments.iter().map(|s| Targets::dense_as_is(cast::<f16>(&s.to_dense().unwrap())).unwrap()).collect(),
            ..case.clone()
        };
        let brain = |case: &Case| Case {
            segments: case.segments.iter().map(|s| Targets::dense_as_is(cast::<bf16>(&s.to_dense().unwrap())).unwrap()).collect(),
            ..case.clone()
        };
        // Their rows sum to 1 only within the type's tolerance: they count as divided by their sum.
        for case in [half(&case), brain(&case)] {
            prop_assert!(case.dense_targets().outer_iter().all(|row| (row.sum() - 1.0).abs() < 1e-12));
            let loss = SoftTargetInfoNce::new(settings(&case, Reduction::None));
            check(&per_row::<f64>(&loss, &case), &case, &case.exact(), (1e-12, 1e-11));
            let loss = SoftTargetCrossEntropy::new(settings(&case, Reduction::None));
            check(&per_row::<f64>(&loss, &case), &case, &case.exact_cross_entropy(), (1e-12, 1e-11));
        }
    }

    #[test]
    fn wide_gradients_are_the_gradients_before_their_rounding(case in cases()) {
        let loss = SoftTargetInfoNce::new(settings(&case, Reduction::None));
        let logits = cast::<f16>(&case.logits);
        let request = GradientRequest::new().with_upstream(&case.upstream);
        let narrow = loss.loss_and_gradient(logits.view(), case.batch(), &request).unwrap();
        let wide = loss.loss_and_wide_gradient(logits.view(), case.batch(), &request).unwrap();
        prop_assert_eq!(wide.logits_gradient.mapv(f16::from_f32), narrow.logits_gradient);
        prop_assert_eq!(wide.value, narrow.value);
    }

    #[test]
    fn a_gradient_goes_into_memory_that_is_kept(case in cases()) {
        let request = GradientRequest::new().with_upstream(&case.upstream).with_temperature_gradient();
        let (rows, classes) = case.logits.dim();
        for kind in [LossKind::SoftTargetInfoNce, LossKind::SoftTargetCrossEntropy] {
            let loss = AnyLoss::new(kind, settings(&case, Reduction::None));
            let logits = cast::<f32>(&case.logits);
            let expected = loss.loss_and_gradient(logits.view(), case.batch(), &request).unwrap();
            // What was there before counts for nothing; nor does it matter how the memory lies.
            let mut plain = Array2::from_elem((rows, classes), f32::NAN);
            let mut spread = Array2::from_elem((2 * classes, 3 * rows), f32::NAN);
            for view in [plain.view_mut(), spread.slice_mut(s![..;2, ..;3]).reversed_axes()] {
                let mut view = view;
                let out = loss.loss_and_gradient_into(logits.view(), case.batch(), &request, view.view_mut()).unwrap();
                prop_assert_eq!(&out.value, &expected.value);
                prop_assert_eq!(&out.temperature_gradient, &expected.temperature_gradient);
                prop_assert_eq!(&view, &expected.logits_gradient);
            }
        }
    }

    #[test]
    fn cross_entropy_equals_the_oracle(case in cases()) {
        let loss = SoftTargetCrossEntropy::new(settings(&case, Reduction::None));
        equals_in_every_type(&loss, &case, Case::exact_cross_entropy);
    }

    #[test]
    fn binary_cross_entropy_equals_the_oracle(case in cases()) {
        let loss = BinaryCrossEntropy::new(settings(&case, Reduction::None));
        equals_in_every_type(&loss, &case, Case::exact_binary_cross_entropy);
    }

    #[test]
    fn block_size_changes_nothing(case in cases(), block in prop::sample::select(vec![1usize, 2, 3, 4, 7, 13])) {
        let loss = SoftTargetInfoNce::new(settings(&case, Reduction::None)).with_block_rows(block).unwrap();
        // Mixed forms share the blocks with the dense rows.
        for case in [densified(&case), half_densified(&case)] {
            check(&per_row::<f64>(&loss, &case), &case, &case.exact(), (1e-12, 1e-11));
            let case = rounded::<f32>(&case);
            check(&per_row::<f32>(&loss, &case), &case, &case.exact(), (2e-6, 4e-4));
        }
    }

    #[test]
    fn strides_change_nothing(case in cases()) {
        let loss = SoftTargetInfoNce::new(settings(&case, Reduction::None));
        let plain = per_row::<f64>(&loss, &case);
        let (rows, classes) = case.logits.dim();
        // Column-major, then every second element of a larger array read backwards.
        let mut transposed = Array2::zeros((rows, classes).f());
        transposed.assign(&case.logits);
        let mut spread = Array2::from_elem((2 * rows, 2 * classes), f64::NAN);
        spread.slice_mut(s![..;-2, ..;2]).assign(&case.logits);
        let request = GradientRequest::new().with_upstream(&case.upstream).with_temperature_gradient();
        for view in [transposed.view(), spread.slice(s![..;-2, ..;2])] {
            prop_assert_eq!(&loss.loss_and_gradient(view, case.batch(), &request).unwrap(), &plain);
        }
        let dense = densified(&case);
        let spread_targets: Vec<Array2<f64>> = dense.segments.iter().map(|segment| {
            let rows = segment.to_dense().unwrap();
            let mut spread = Array2::zeros((rows.ncols(), 2 * rows.nrows()));
            spread.slice_mut(s![.., ..;2]).assign(&rows.t());
            spread
        }).collect();
        let segments: Vec<_> = spread_targets.iter()
            .map(|spread| Targets::dense_as_is(spread.slice(s![.., ..;2]).reversed_axes()).unwrap()).collect();
        let mut batch = softnce::Batch::from(&segments[0]);
        for segment in &segments[1..] {
            batch = batch.with_further(segment).unwrap();
        }
        let batch = batch
            .with_positives(case.positives.clone())
            .with_multiplicities(case.multiplicities.view())
            .unwrap();
        let out = loss.loss_and_gradient(case.logits.view(), &batch, &request).unwrap();
        check(&out, &case, &case.exact(), (1e-12, 1e-11));
    }

    #[test]
    fn reductions_and_row_weights_agree(case in cases()) {
        let weights = case.upstream.mapv(|u| u - 0.25);
        let exact = case.exact();
        let total = weights.sum();
        let rows = case.logits.nrows();
        for (reduction, factors) in [
            (Reduction::None, weights.clone()),
            (Reduction::Sum, weights.clone()),
            (Reduction::Mean, &weights / total),
        ] {
            let loss = SoftTargetInfoNce::new(settings(&case, reduction));
            let batch = case.batch().with_row_weights(weights.view()).unwrap();
            let upstream = if reduction == Reduction::None { case.upstream.clone() } else { Array1::from_elem(1, 1.75) };
            let request = GradientRequest::new().with_upstream(&upstream);
            let out = loss.loss_and_gradient(case.logits.view(), &batch, &request).unwrap();
            let weighted = &exact.losses * &factors;
            let upstream = upstream.broadcast(rows).map_or(upstream.to_owned(), |u| u.to_owned());
            let rows_expected = &exact.logits_gradients * &(&factors * &upstream).insert_axis(ndarray::Axis(1));
            prop_assert!(deviation(out.logits_gradient, &rows_expected) < 1e-11);
            match reduction {
                Reduction::None => prop_assert!(deviation(out.value.rows().unwrap().clone(), &weighted) < 1e-12),
                _ => prop_assert!(deviation(out.value.scalar(), &[weighted.sum()]) < 1e-12),
            }
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences(case in cases(), direction_seed in any::<u64>()) {
        // Moderate scores, where a difference quotient is worth something.
        let case = Case { logits: case.logits.mapv(|z| z.clamp(-3.0, 3.0)), temperature: case.temperature.max(0.5), ..case };
        let mut random = common::Random::new(direction_seed);
        let direction = Array2::from_shape_fn(case.logits.dim(), |_| random.signed());
        let along = |loss: &dyn Fn(&Case) -> f64, step: f64| {
            loss(&Case { logits: &case.logits + &(&direction * step), ..case.clone() })
        };
        let by_temperature = |loss: &dyn Fn(&Case) -> f64, step: f64| {
            // By its logarithm, so that the step keeps to the temperature's scale.
            loss(&Case { temperature: case.temperature * step.exp(), ..case.clone() })
        };
        // Central differences, extrapolated twice (Richardson): the truncation error is of sixth order.
        let derivative = |at: &dyn Fn(f64) -> f64| {
            let quotient = |h: f64| (at(h) - at(-h)) / (2.0 * h);
            let (a, b, c) = (quotient(0.02), quotient(0.01), quotient(0.005));
            let (ab, bc) = ((4.0 * b - a) / 3.0, (4.0 * c - b) / 3.0);
            (16.0 * bc - ab) / 15.0
        };
        let info_nce: &dyn Fn(&Case) -> f64 = &|case| {
            SoftTargetInfoNce::new(settings(case, Reduction::Sum))
                .loss(case.logits.view(), case.batch()).unwrap().scalar().unwrap()
        };
        let cross_entropy: &dyn Fn(&Case) -> f64 = &|case| {
            SoftTargetCrossEntropy::new(settings(case, Reduction::Sum))
                .loss(case.logits.view(), case.batch()).unwrap().scalar().unwrap()
        };
        let binary: &dyn Fn(&Case) -> f64 = &|case| {
            BinaryCrossEntropy::new(settings(case, Reduction::Sum))
                .loss(case.logits.view(), case.batch()).unwrap().scalar().unwrap()
        };
        let request = GradientRequest::new().with_temperature_gradient();
        let outs = [
            BinaryCrossEntropy::new(settings(&case, Reduction::Sum))
                .loss_and_gradient(case.logits.view(), case.batch(), &request).unwrap(),
            SoftTargetInfoNce::new(settings(&case, Reduction::Sum))
                .loss_and_gradient(case.logits.view(), case.batch(), &request).unwrap(),
            SoftTargetCrossEntropy::new(settings(&case, Reduction::Sum))
                .loss_and_gradient(case.logits.view(), case.batch(), &request).unwrap(),
        ];
        for (out, loss) in outs.into_iter().zip([binary, info_nce, cross_entropy]) {
            let slope = (&out.logits_gradient * &direction).sum();
            let scale = (&out.logits_gradient * &direction).mapv(f64::abs).sum().max(1.0);
            let numeric = derivative(&|h| along(loss, h));
            prop_assert!((slope - numeric).abs() <= 1e-7 * scale, "logits: {slope} against {numeric}");
            let slope = out.temperature_gradient_sum().unwrap() * case.temperature;
            let numeric = derivative(&|h| by_temperature(loss, h));
            prop_assert!((slope - numeric).abs() <= 1e-7 * slope.abs().max(1.0), "temperature: {slope} against {numeric}");
        }
    }
}
