//! Values and gradients of both paths against the float64 oracle, inside graphs of their own.

#[path = "../../softnce/tests/common/mod.rs"]
mod common;
mod device;

use burn::tensor::{DType, Device, Tensor, TensorData};
use common::{Case, Random, SOURCES, Source, cast, deviation};
use device::{PATHS, plain};
use ndarray::{Array1, Array2, Axis};
use softnce::oracle::Exact;
use softnce::{ClassCandidates, ClassSampler, LossKind, Reduction, Targets};
use softnce_burn::{ClassDraws, ComputePath, LossBatch, LossConfig, LossTargets, NoiseDistribution};

fn device() -> Device {
    plain().autodiff()
}

fn floats<const D: usize>(values: impl IntoIterator<Item = f64>, shape: [usize; D], dtype: DType) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.into_iter().collect::<Vec<f64>>(), shape), (&device(), dtype))
}

fn matrix(values: &Array2<f64>, dtype: DType) -> Tensor<2> {
    floats(values.iter().copied(), [values.nrows(), values.ncols()], dtype)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.try_to_vec_as::<f64>().unwrap()
}

/// The values as the type holds them.
fn rounded(values: &Array2<f64>, dtype: DType) -> Array2<f64> {
    Array2::from_shape_vec(values.dim(), self::values(matrix(values, dtype))).unwrap()
}

fn config(kind: LossKind, case: &Case, path: ComputePath) -> LossConfig {
    LossConfig::new(kind)
        .with_temperature(case.temperature)
        .unwrap()
        .with_noise(NoiseDistribution::from_probabilities(&case.noise).unwrap())
        .with_reduction(Reduction::None)
        .with_path(path)
}

/// The batch with dense targets on the device, everything else on the host.
fn batch(case: &Case, dtype: DType) -> LossBatch {
    let segments = case.segments.iter().map(|segment| -> LossTargets {
        match segment.form() {
            softnce::Form::Dense => matrix(&segment.to_dense().unwrap(), dtype).into(),
            _ => segment.clone().into(),
        }
    });
    let mut segments = segments.collect::<Vec<_>>().into_iter();
    let first = LossBatch::from(segments.next().unwrap());
    segments
        .fold(first, LossBatch::with_further)
        .with_positives(case.positives.clone())
        .with_multiplicities(case.multiplicities.to_vec())
        .unwrap()
}

/// Random cases over every pair of sources.
fn all_cases() -> Vec<(Source, Case)> {
    let mut out = Vec::new();
    for (number, &first) in SOURCES.iter().enumerate() {
        for (offset, &second) in SOURCES.iter().enumerate().step_by(3) {
            let seed = (7 * number + offset) as u64;
            let mut case = Random::new(seed).case([first, second], 5 + number, offset, 3 + 2 * offset);
            case.temperature = case.temperature.max(0.5);
            out.push((first, case));
        }
    }
    out
}

fn check(what: &str, found: Vec<f64>, expected: impl IntoIterator<Item = f64>, tolerance: f64) {
    let expected: Vec<f64> = expected.into_iter().collect();
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let off = deviation(found, &expected);
    assert!(off <= tolerance, "{what}: off by {off:e}, allowed {tolerance:e}");
}

/// What products of matrices add: on an NVIDIA GPU their factors are rounded to TF32. Dense targets alone need any.
fn of_products(case: &Case, dtype: DType) -> f64 {
    let dense = case.segments.iter().any(|segment| segment.form() == softnce::Form::Dense);
    if cfg!(feature = "cuda") && dense && dtype == DType::F32 { 1e-3 } else { 0.0 }
}

/// Total = sum_i exp(0.1 L_i) + a function of the logits beside the loss: the upstream gradient differs by row, and
/// the loss stands in the middle of the graph.
fn total(logits: &Tensor<2>, loss: Tensor<1>) -> Tensor<1> {
    let sums = loss.dtype();
    (loss * 0.1).exp().sum() + logits.clone().cast(sums).powf_scalar(2.0).sum() * 0.01
}

fn upstream(exact: &Exact) -> Array1<f64> {
    exact.losses.mapv(|loss| 0.1 * (0.1 * loss).exp())
}

fn against_the_oracle(kind: LossKind, dtype: DType, tolerance: f64, exact: impl Fn(&Case) -> Exact) {
    for (source, case) in all_cases() {
        let mut case = Case { logits: rounded(&case.logits, dtype), ..case };
        if dtype != DType::F64 {
            let round = |segment: &Targets<'static>| match segment.form() {
                softnce::Form::Dense if dtype == DType::F32 => {
                    Targets::dense(cast::<f32>(&segment.to_dense().unwrap())).unwrap()
                }
                softnce::Form::Dense if dtype == DType::F16 => {
                    Targets::dense(cast::<half::f16>(&segment.to_dense().unwrap())).unwrap()
                }
                softnce::Form::Dense => Targets::dense(cast::<half::bf16>(&segment.to_dense().unwrap())).unwrap(),
                _ => segment.clone(),
            };
            case.segments = case.segments.iter().map(round).collect();
        }
        let exact = exact(&case);
        let tolerance = tolerance.max(of_products(&case, dtype));
        for path in PATHS {
            let what = format!("{kind} {source:?} {dtype:?} {path:?}");
            let loss = config(kind, &case, path).init(&device());
            let logits = matrix(&case.logits, dtype).require_grad();
            let value = loss.forward(logits.clone(), batch(&case, dtype)).unwrap();
            let sums = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
            assert_eq!((value.dims(), value.dtype()), ([case.logits.nrows()], sums), "{what}");
            check(&what, values(value.clone()), exact.losses.iter().copied(), tolerance);

            let gradients = total(&logits, value).backward();
            let expected = &exact.logits_gradients * &upstream(&exact).insert_axis(Axis(1)) + &case.logits * 0.02;
            check(&what, values(logits.grad(&gradients).unwrap()), expected, 10.0 * tolerance);
        }
    }
}

#[test]
fn soft_target_info_nce_in_f64() {
    against_the_oracle(LossKind::SoftTargetInfoNce, DType::F64, 1e-11, Case::exact);
}

#[test]
fn soft_target_info_nce_in_f32() {
    against_the_oracle(LossKind::SoftTargetInfoNce, DType::F32, 1e-5, Case::exact);
}

#[test]
fn soft_target_cross_entropy_in_f64() {
    against_the_oracle(LossKind::SoftTargetCrossEntropy, DType::F64, 1e-11, Case::exact_cross_entropy);
}

#[test]
fn soft_target_cross_entropy_in_f32() {
    against_the_oracle(LossKind::SoftTargetCrossEntropy, DType::F32, 1e-5, Case::exact_cross_entropy);
}

#[test]
fn binary_cross_entropy() {
    against_the_oracle(LossKind::BinaryCrossEntropy, DType::F64, 1e-11, Case::exact_binary_cross_entropy);
    against_the_oracle(LossKind::BinaryCrossEntropy, DType::F32, 1e-5, Case::exact_binary_cross_entropy);
}

#[test]
fn half_precision_is_accumulated_in_f32() {
    // The gradient comes back in the logits' type: its rounding is all that is lost.
    against_the_oracle(LossKind::SoftTargetInfoNce, DType::F16, 2e-3, Case::exact);
    against_the_oracle(LossKind::SoftTargetInfoNce, DType::BF16, 2e-2, Case::exact);
}

#[test]
fn both_paths_agree_on_every_loss() {
    for &kind in LossKind::ALL {
        let sources = match kind.needs_hard_labels() {
            true => [Source::Hard, Source::Hard],
            false => [Source::Mixed, Source::Dense],
        };
        let mut case = Random::new(4).case(sources, 9, 4, 6);
        case.temperature = case.temperature.max(0.5);
        let run = |path, learnable| {
            let loss = config(kind, &case, path).with_learnable_temperature(learnable).init(&device());
            let logits = matrix(&case.logits, DType::F64).require_grad();
            let value = loss.forward(logits.clone(), batch(&case, DType::F64)).unwrap();
            let gradients = total(&logits, value.clone()).backward();
            let temperature = loss.log_temperature.as_ref().map(|parameter| parameter.val().grad(&gradients).unwrap());
            (values(value), values(logits.grad(&gradients).unwrap()), temperature.map(values))
        };
        let [first, second] = PATHS.map(|path| run(path, false));
        check(&format!("{kind}: loss"), second.0, first.0, 1e-11);
        check(&format!("{kind}: gradient"), second.1, first.1, 1e-10);
        // The parameter is in single precision, and the tensor path takes its exponential there.
        let [first, second] = PATHS.map(|path| run(path, true).2.unwrap());
        check(&format!("{kind}: temperature gradient"), second, first, 1e-5);
    }
}

#[test]
fn hard_losses_are_the_hard_cases() {
    for &kind in LossKind::ALL.iter().filter(|kind| !kind.takes_soft_targets()) {
        let case = Random::new(3).case([Source::Hard, Source::Hard], 9, 4, 6);
        let exact = if kind.is_contrastive() { case.exact() } else { case.exact_cross_entropy() };
        for path in PATHS {
            let loss = config(kind, &case, path).init(&device());
            let value = loss.forward(matrix(&case.logits, DType::F64), batch(&case, DType::F64)).unwrap();
            check(&format!("{kind} {path:?}"), values(value), exact.losses.iter().copied(), 1e-11);
        }
    }
}

#[test]
fn more_rows_than_candidates_share_their_positives() {
    for source in [Source::Hard, Source::Mixed, Source::Dense] {
        let mut case = Random::new(5).case([source, Source::Hard], 4, 3, 6);
        let mut random = Random::new(6);
        case.logits = random.logits(20, 6, 3.0);
        case.positives = (0..20).map(|_| random.below(7)).collect();
        let exact = case.exact();
        for path in PATHS {
            let loss = config(LossKind::SoftTargetInfoNce, &case, path).init(&device());
            let logits = matrix(&case.logits, DType::F64).require_grad();
            let value = loss.forward(logits.clone(), batch(&case, DType::F64)).unwrap();
            check(&format!("{source:?} {path:?}"), values(value.clone()), exact.losses.iter().copied(), 1e-11);
            let gradients = value.sum().backward();
            let expected = exact.logits_gradients.iter().copied();
            check(&format!("{source:?} {path:?}"), values(logits.grad(&gradients).unwrap()), expected, 1e-11);
        }
    }
}

#[test]
fn reductions_and_row_weights_agree_with_the_core() {
    let case = Random::new(11).case([Source::Mixed, Source::Hard], 6, 5, 7);
    let exact = case.exact();
    let weights = Array1::from_shape_fn(6, |row| 0.5 + row as f64);
    for (reduction, factors) in [
        (Reduction::None, weights.clone()),
        (Reduction::Sum, weights.clone()),
        (Reduction::Mean, &weights / weights.sum()),
    ] {
        for path in PATHS {
            let what = format!("{reduction:?} {path:?}");
            let config = config(LossKind::SoftTargetInfoNce, &case, path).with_reduction(reduction);
            let loss = config.init(&device());
            let logits = matrix(&case.logits, DType::F64).require_grad();
            let batch = batch(&case, DType::F64).with_row_weights(weights.to_vec()).unwrap();
            let value = loss.forward(logits.clone(), batch).unwrap();
            let weighted = &exact.losses * &factors;
            let expected = if reduction == Reduction::None { weighted } else { Array1::from_elem(1, weighted.sum()) };
            check(&what, values(value.clone()), expected, 1e-11);
            let gradients = (value * 3.0).sum().backward();
            let expected = &exact.logits_gradients * &factors.clone().insert_axis(Axis(1)) * 3.0;
            check(&what, values(logits.grad(&gradients).unwrap()), expected, 1e-11);
        }
    }
}

#[test]
fn the_temperature_is_learned_through_its_logarithm() {
    for kind in [LossKind::SoftTargetInfoNce, LossKind::SoftTargetCrossEntropy] {
        for reduction in [Reduction::None, Reduction::Mean, Reduction::Sum] {
            for source in [Source::Hard, Source::Mixed, Source::Dense] {
                let mut case = Random::new(21).case([source, source], 6, 3, 5);
                // The parameter is a float of its own: take its rounding as given.
                case.temperature = f64::from((0.7_f64.ln()) as f32).exp();
                let exact = match kind {
                    LossKind::SoftTargetInfoNce => case.exact(),
                    _ => case.exact_cross_entropy(),
                };
                let share = if reduction == Reduction::Mean { 1.0 / 6.0 } else { 1.0 };
                let by_row = &exact.temperature_gradients * share * case.temperature;
                for path in PATHS {
                    let what = format!("{kind} {reduction:?} {source:?} {path:?}");
                    let config = config(kind, &case, path).with_temperature(0.7).unwrap().with_reduction(reduction);
                    let loss = config.with_learnable_temperature(true).init(&device());
                    let value = loss.forward(matrix(&case.logits, DType::F64), batch(&case, DType::F64)).unwrap();
                    let (gradients, expected) = match reduction {
                        // A different upstream gradient for each row.
                        Reduction::None => {
                            let factors: Vec<f64> = (0..6).map(|row| 0.5 + 0.25 * row as f64).collect();
                            let expected = by_row.iter().zip(&factors).map(|(g, f)| g * f).sum::<f64>();
                            ((value * floats(factors, [6], DType::F64)).sum().backward(), expected)
                        }
                        _ => ((value * 1.5).sum().backward(), 1.5 * by_row.sum()),
                    };
                    let parameter = loss.log_temperature.as_ref().unwrap().val();
                    check(&what, values(parameter.grad(&gradients).unwrap()), [expected], 2e-6);
                }
            }
        }
    }
}

#[test]
fn works_inside_a_network_and_lets_it_learn() {
    // features -> linear -> tanh -> linear -> loss, beside a second term of the same logits.
    let mut random = Random::new(31);
    let (rows, features, classes) = (16, 5, 4);
    let inputs = random.logits(rows, features, 1.0);
    let labels = random.labels(rows, classes);
    let other = random.labels(rows, classes);
    let lambda = Array1::from_shape_fn(rows, |_| random.unit());
    let targets = Targets::mixed(&labels, &other, &lambda, classes, 0.1).unwrap();
    let (first, second) = (random.logits(features, 8, 0.5), random.logits(8, classes, 0.5));
    let mut found = Vec::new();
    for path in PATHS {
        let loss = LossConfig::new(LossKind::SoftTargetInfoNce).with_path(path).init(&device());
        let mut weights = [matrix(&first, DType::F64), matrix(&second, DType::F64)];
        let mut losses = Vec::new();
        for _ in 0..20 {
            weights = weights.map(|weight| weight.detach().require_grad());
            let hidden = matrix(&inputs, DType::F64).matmul(weights[0].clone()).tanh();
            let logits = hidden.matmul(weights[1].clone());
            let value = loss.forward(logits.clone(), targets.clone()).unwrap();
            losses.push(values(value.clone())[0]);
            let gradients = (value * 2.0 + logits.powf_scalar(2.0).mean() * 0.01).backward();
            weights = weights.map(|weight| {
                let gradient = Tensor::from_inner(weight.grad(&gradients).unwrap());
                weight.detach() - gradient * 0.3
            });
        }
        assert!(losses[19] < losses[0] - 0.1, "the loss falls: {losses:?}");
        found.push(losses);
    }
    check("both paths train alike", found[0].clone(), found[1].clone(), 1e-10);
}

/// Classes as candidates: with all of them cross-entropy, with some of them the definition.
#[test]
fn class_candidates_on_both_paths() {
    for (source, case) in all_cases() {
        let (rows, classes) = case.logits.dim();
        let noise = NoiseDistribution::from_probabilities(&case.noise).unwrap();
        let own = case.segments[0].to_dense().unwrap();
        let mut generator = <softnce::rand::rngs::StdRng as softnce::rand::SeedableRng>::seed_from_u64(rows as u64);
        let some =
            ClassCandidates::draw(&ClassSampler::new(&noise, classes).unwrap(), &case.segments[0], 3, &mut generator);
        let some = some.unwrap();
        for (classes, all) in [(ClassCandidates::all(&noise, classes).unwrap(), true), (some, false)] {
            let one_hot = classes.targets().unwrap();
            let candidates = [own.view(), one_hot.to_dense().unwrap().view()].map(|rows| rows.to_owned());
            let candidates = ndarray::concatenate(Axis(0), &candidates.each_ref().map(|rows| rows.view())).unwrap();
            let multiplicities: Array1<f64> =
                std::iter::repeat_n(0.0, rows).chain(classes.multiplicities().iter().copied()).collect();
            let positives: Vec<usize> = (0..rows).collect();
            let exact = softnce::oracle::soft_target_info_nce(
                &case.logits,
                &candidates,
                &positives,
                &multiplicities,
                &case.noise,
                case.temperature,
            )
            .unwrap();
            for path in PATHS {
                let loss = config(LossKind::SoftTargetInfoNce, &case, path).init(&device());
                let logits = matrix(&case.logits, DType::F64).require_grad();
                let targets: LossTargets = match case.segments[0].form() {
                    softnce::Form::Dense => matrix(&own, DType::F64).into(),
                    _ => case.segments[0].clone().into(),
                };
                let batch = LossBatch::from(targets).with_class_candidates(&classes).unwrap();
                let value = loss.forward(logits.clone(), batch).unwrap();
                let gradients = value.clone().sum().backward();
                let what = format!("{source:?}, {path:?}, all: {all}");
                let off = deviation(values(value), &exact.losses);
                assert!(off < 1e-9, "{what}: losses off by {off:e}");
                let off = deviation(values(logits.grad(&gradients).unwrap()), &exact.logits_gradients);
                assert!(off < 1e-9, "{what}: gradients off by {off:e}");
            }
        }
    }
}

#[test]
fn draws_are_the_same_on_both_paths() {
    let case = Random::new(41).case([Source::Dense, Source::Mixed], 8, 8, 5);
    let run = |path| {
        let loss = config(LossKind::SoftDistributionInfoNce, &case, path).init(&device());
        let mut draws = ClassDraws::new(9);
        let mut value = || {
            let drawn = batch(&case, DType::F64).draw(5, &mut draws).unwrap();
            let value = values(loss.forward(matrix(&case.logits, DType::F64), drawn.clone()).unwrap());
            // The loss draws nothing: the same batch has the same value.
            assert_eq!(value, values(loss.forward(matrix(&case.logits, DType::F64), drawn).unwrap()));
            value
        };
        (0..3).flat_map(|_| value()).collect::<Vec<_>>()
    };
    let [first, second] = PATHS.map(run);
    assert_ne!(first[..8], first[8..16]);
    check("draws", second, first, 1e-11);
}

#[test]
fn views_that_are_not_contiguous_are_read_in_place() {
    let case = Random::new(51).case([Source::Dense, Source::Dense], 6, 0, 7);
    let exact = case.exact();
    let dense = case.segments[0].to_dense().unwrap();
    let transposed = |values: &Array2<f64>| matrix(&values.t().to_owned(), DType::F64).transpose();
    let flipped = |values: &Array2<f64>| {
        let mut backwards = values.clone();
        backwards.invert_axis(Axis(0));
        matrix(&backwards.as_standard_layout().to_owned(), DType::F64).flip([0])
    };
    let narrowed = |values: &Array2<f64>| {
        let mut wide = Array2::from_elem((8, 9), f64::NAN);
        wide.slice_mut(ndarray::s![1..7, 1..8]).assign(values);
        matrix(&wide, DType::F64).slice([1..7, 1..8])
    };
    for (logits, targets) in [
        (transposed(&case.logits), transposed(&dense)),
        (flipped(&case.logits), flipped(&dense)),
        (narrowed(&case.logits), narrowed(&dense)),
    ] {
        for path in PATHS {
            let loss = config(LossKind::SoftTargetInfoNce, &case, path).init(&device());
            let batch = LossBatch::from(targets.clone())
                .with_positives(case.positives.clone())
                .with_multiplicities(case.multiplicities.to_vec())
                .unwrap();
            let logits = logits.clone().detach().require_grad();
            let value = loss.forward(logits.clone(), batch).unwrap();
            check("view", values(value.clone()), exact.losses.iter().copied(), 1e-11);
            let gradient = logits.grad(&value.sum().backward()).unwrap();
            check("view", values(gradient), exact.logits_gradients.iter().copied(), 1e-10);
        }
    }
}

#[test]
fn works_without_autodiff_and_with_balanced_checkpointing() {
    let case = Random::new(61).case([Source::Mixed, Source::Hard], 6, 2, 5);
    let exact = case.exact();
    for path in PATHS {
        let loss = config(LossKind::SoftTargetInfoNce, &case, path).init(&plain());
        let logits = matrix(&case.logits, DType::F64).without_autodiff();
        let value = loss.forward(logits, batch(&case, DType::F64)).unwrap();
        assert!(!value.is_autodiff());
        check("no autodiff", values(value), exact.losses.iter().copied(), 1e-11);

        let device = plain().autodiff().gradient_checkpointing();
        let loss = config(LossKind::SoftTargetInfoNce, &case, path).init(&device);
        let data = matrix(&case.logits, DType::F64).into_data();
        let logits = Tensor::<2>::from_data(data, (&device, DType::F64)).require_grad();
        let value = loss.forward(logits.clone(), batch(&case, DType::F64)).unwrap();
        let gradient = logits.grad(&value.sum().backward()).unwrap();
        check("checkpointing", values(gradient), exact.logits_gradients.iter().copied(), 1e-10);
    }
}

#[test]
fn half_precision_gradients_survive_the_mean_under_loss_scaling() {
    // 4,096 rows, own class 11 ahead: each entry of the mean's gradient is far below the range of f16, and comes back
    // through the upstream gradient. Rounded before it, all of them would be 0.
    let (rows, classes, scale) = (4096, 10, 65_504.0 / 2.0);
    let labels: Vec<usize> = (0..rows).map(|row| row % classes).collect();
    let logits = Array2::from_shape_fn((rows, classes), |(row, class)| if class == row % classes { 11.0 } else { 0.0 });
    let targets = Targets::hard(&labels, classes).unwrap();
    let exact =
        softnce::oracle::soft_target_cross_entropy(logits.view(), targets.to_dense().unwrap().view(), 1.0).unwrap();
    let expected = exact.logits_gradients * (scale / rows as f64);
    for path in PATHS {
        for (dtype, tolerance) in [(DType::F16, 2e-3), (DType::BF16, 1e-2)] {
            let loss = LossConfig::new(LossKind::Nll).with_path(path).init(&device());
            let leaf = matrix(&logits, dtype).require_grad();
            let value = loss.forward(leaf.clone(), targets.clone()).unwrap();
            let found = values(leaf.grad(&(value * scale).backward()).unwrap());
            let worst = found.iter().zip(&expected).map(|(f, e)| ((f - e) / e).abs()).fold(0.0, f64::max);
            assert!(worst <= tolerance, "{path:?} {dtype:?}: {worst:e} of an entry lost");
        }
    }
}

#[test]
fn a_constant_off_every_row_changes_no_gradient() {
    let mut case = Random::new(71).case([Source::Mixed, Source::Hard], 5, 3, 4);
    case.temperature = 1.0;
    let run = |offset: f64, path| {
        let config = config(LossKind::SoftTargetInfoNce, &case, path).with_reduction(Reduction::Sum);
        let loss = config.with_learnable_temperature(true).init(&device());
        let leaf = matrix(&(&case.logits + offset), DType::F32).require_grad();
        let gradients = loss.forward(leaf.clone(), batch(&case, DType::F32)).unwrap().backward();
        let parameter = loss.log_temperature.as_ref().unwrap().val();
        let mut all = values(leaf.grad(&gradients).unwrap());
        all.extend(values(parameter.grad(&gradients).unwrap()));
        all
    };
    for path in PATHS {
        // 2^13 leaves the logits' last digits about 1e-3.
        check(&format!("{path:?}"), run(8192.0, path), run(0.0, path), 1e-2);
    }
}

#[test]
fn a_learned_temperature_goes_with_any_autodiff_context_of_the_logits() {
    let case = Random::new(81).case([Source::Hard, Source::Hard], 4, 0, 3);
    let data = || matrix(&case.logits, DType::F32).into_data();
    for path in PATHS {
        let config = config(LossKind::SoftTargetInfoNce, &case, path).with_reduction(Reduction::Sum);
        let loss = config.with_learnable_temperature(true).init(&device());
        let checkpointing = plain().autodiff().gradient_checkpointing();
        let constants = Tensor::<2>::from_data(data(), &plain());
        for logits in [
            Tensor::<2>::from_data(data(), &checkpointing).require_grad(),
            Tensor::<2>::from_data(data(), &device()),
            constants,
        ] {
            let value = loss.forward(logits.clone(), batch(&case, DType::F32)).unwrap();
            let gradients = value.backward();
            let parameter = loss.log_temperature.as_ref().unwrap().val();
            assert!(values(parameter.grad(&gradients).unwrap())[0].is_finite());
        }
    }
}
