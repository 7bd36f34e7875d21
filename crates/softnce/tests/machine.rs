//! Every instruction set and any number of threads: the same results.

mod common;

use common::{Case, Random, SOURCES, Source, cast, deviation, widen};
use half::f16;
use ndarray::Array2;
use softnce::{
    AnyLoss, Element, GradientRequest, HeadLoss, Instructions, LinearHead, Loss, LossAndGradient, LossKind,
    LossSettings, NoiseDistribution, Reduction, Targets,
};

fn settings(case: &Case, instructions: Instructions) -> LossSettings {
    let noise = NoiseDistribution::from_probabilities(&case.noise).unwrap();
    let settings = LossSettings::new().with_reduction(Reduction::None).with_noise(noise);
    settings.with_temperature(case.temperature).unwrap().with_instructions(instructions).unwrap()
}

fn soft<E: Element>(case: &Case, kind: LossKind, instructions: Instructions) -> LossAndGradient<E> {
    let request = GradientRequest::new().with_upstream(&case.upstream).with_temperature_gradient();
    let loss = AnyLoss::new(kind, settings(case, instructions));
    loss.loss_and_gradient(cast::<E>(&case.logits).view(), case.batch(), &request).unwrap()
}

#[test]
fn every_instruction_set_at_every_tail() {
    // Rows and classes around the vectors' lengths, from 4 lanes to 16, and around four vectors at once.
    let lengths = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 130, 1500];
    for instructions in Instructions::available() {
        for (seed, &classes) in lengths.iter().enumerate() {
            for source in SOURCES {
                let mut random = Random::new(seed as u64);
                let rows = lengths[random.below(13)];
                let further = random.below(40);
                let case = Case { temperature: 1.0, ..random.case([source, source], rows, further, classes) };
                for (kind, exact) in [
                    (LossKind::SoftTargetInfoNce, case.exact()),
                    (LossKind::SoftTargetCrossEntropy, case.exact_cross_entropy()),
                ] {
                    let upstream = case.upstream.view().insert_axis(ndarray::Axis(1));
                    let gradient = &exact.logits_gradients * &upstream;
                    let out = soft::<f64>(&case, kind, instructions);
                    let losses = out.value.rows().unwrap().to_vec();
                    let at = format!("{kind} on {instructions}, {source:?}, {rows} x {classes}");
                    assert!(deviation(losses, &exact.losses) < 1e-12, "{at}");
                    assert!(deviation(out.logits_gradient, &gradient) < 1e-11, "{at}");
                    let rounded = Case { logits: widen(cast::<f32>(&case.logits).view()), ..case.clone() };
                    let out = soft::<f32>(&rounded, kind, instructions);
                    let exact = match kind {
                        LossKind::SoftTargetInfoNce => rounded.exact(),
                        _ => rounded.exact_cross_entropy(),
                    };
                    let losses = out.value.rows().unwrap().mapv(f64::from);
                    assert!(deviation(losses, &exact.losses) < 1e-5, "{at}");
                    let gradient = &exact.logits_gradients * &upstream;
                    assert!(deviation(widen(out.logits_gradient.view()), &gradient) < 1e-4, "{at}");
                }
            }
        }
    }
}

#[test]
fn a_set_the_machine_lacks_is_refused() {
    let available = Instructions::available();
    assert!(available.contains(&Instructions::Portable) && available.contains(&Instructions::widest()));
    for set in [Instructions::Portable, Instructions::Avx2, Instructions::Avx512, Instructions::Neon] {
        match LossSettings::new().with_instructions(set) {
            Ok(settings) => assert_eq!((settings.instructions(), available.contains(&set)), (set, true)),
            Err(error) => {
                assert!(!available.contains(&set));
                let words = format!("instructions: found {set}, expected instructions available on this CPU: portable");
                assert!(error.to_string().starts_with(&words), "{error}");
            }
        }
    }
}

/// Bits of everything a call gives back.
fn bits<E: Element>(out: &LossAndGradient<E>) -> Vec<u64> {
    let losses = out.value.rows().unwrap().iter().map(|loss| loss.as_f64().to_bits());
    let gradients = out.logits_gradient.iter().map(|gradient| gradient.as_f64().to_bits());
    losses.chain(gradients).chain(out.temperature_gradient.iter().flatten().map(|part| part.to_bits())).collect()
}

/// The results on one thread and on others, of work large enough to be shared.
fn on_threads<T: PartialEq + Send>(what: &str, work: impl Fn() -> T + Sync) {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(&work)
    };
    let one = on(1);
    for threads in [2, 3, 5, 8] {
        assert!(on(threads) == one, "{what} differs on {threads} threads");
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let (rows, further, classes) = (150, 400, 333);
    for source in SOURCES {
        let case = Random::new(9).case([source, source], rows, further, classes);
        for kind in [LossKind::SoftTargetInfoNce, LossKind::SoftTargetCrossEntropy] {
            for instructions in Instructions::available() {
                let what = format!("{kind}, {source:?}, {instructions}");
                on_threads(&what, || bits(&soft::<f32>(&case, kind, instructions)));
                on_threads(&what, || bits(&soft::<f64>(&case, kind, instructions)));
                on_threads(&what, || bits(&soft::<f16>(&case, kind, instructions)));
            }
        }
    }
}

#[test]
fn nor_does_it_with_many_candidates_and_few_classes_among_many() {
    let widest = Instructions::widest();
    // Many candidates: they are merged in parts. Few classes of many: their columns are picked one by one.
    for (rows, further, classes) in [(33, 30_000, 500), (200, 50, 20_000)] {
        let case = Random::new(10).case([Source::Mixed, Source::Hard], rows, further, classes);
        on_threads("candidates", || bits(&soft::<f32>(&case, LossKind::SoftTargetInfoNce, widest)));
    }
}

#[test]
fn nor_in_a_head() {
    let mut random = Random::new(11);
    let (rows, classes, width) = (300, 5000, 64);
    let single = |values: Array2<f64>| values.mapv(|value| value as f32);
    let (features, weights) = (single(random.logits(rows, width, 1.0)), single(random.logits(classes, width, 1.0)));
    let (first, second) = (random.labels(rows, classes), random.labels(rows, classes));
    let lambda = ndarray::Array1::from_shape_fn(rows, |_| random.unit());
    let targets = Targets::mixed(&first, &second, &lambda, classes, 0.1).unwrap();
    let loss = AnyLoss::new(LossKind::SoftTargetInfoNce, LossSettings::new());
    on_threads("head", || {
        let head = LinearHead::new(&features, &weights).unwrap();
        let out = loss.head_loss_and_gradient(&head, &targets, &GradientRequest::new()).unwrap();
        (out.value, out.features_gradient, out.weights_gradient)
    });
}
