//! What the losses allocate, counted by the allocator. One test, for the counter is one for the process.

mod common;

use common::Random;
use ndarray::{Array1, Array2};
use peak_alloc::PeakAlloc;
use softnce::{
    AnyLoss, GradientRequest, HeadLoss, LinearHead, Loss, LossKind, LossSettings, SoftTargetInfoNce, Targets,
};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Most bytes allocated at once during a call beyond what was there before it.
fn extra<T>(call: impl Fn() -> T) -> (usize, T) {
    // The first call starts the threads.
    drop(call());
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.peak_usage();
    let out = call();
    (ALLOCATOR.peak_usage() - before, out)
}

fn single(values: Array2<f64>) -> Array2<f32> {
    values.mapv(|value| value as f32)
}

#[test]
fn no_call_needs_much_more_than_its_gradient() {
    const MIB: usize = 1 << 20;
    let (rows, candidates, classes) = (128, 1024, 1000);
    let mut random = Random::new(1);
    let logits = single(random.logits(rows, classes, 2.0));
    let (first, second) = (random.labels(candidates, classes), random.labels(candidates, classes));
    let lambda = Array1::from_shape_fn(candidates, |_| random.unit());
    let mixed = Targets::mixed(&first, &second, &lambda, classes, 0.1).unwrap();
    let hard = Targets::hard(&first, classes).unwrap();
    let written = single(mixed.to_dense().unwrap());
    let dense = Targets::dense_as_is(written.view()).unwrap();
    let request = GradientRequest::new();
    let mut gradient = Array2::<f32>::zeros((rows, classes));
    let mut into = |kind: LossKind, targets: &Targets<'_>| {
        let loss = AnyLoss::new(kind, LossSettings::new());
        let (logits, targets, gradient) = (logits.view(), targets.view(), &mut gradient);
        let gradient = std::cell::RefCell::new(gradient.view_mut());
        extra(|| {
            let mut gradient = gradient.borrow_mut();
            loss.loss_and_gradient_into(logits, &targets, &request, gradient.view_mut()).unwrap()
        })
        .0
    };
    // The reference's tensor takes 500 MiB here.
    let compact = into(LossKind::SoftTargetInfoNce, &mixed);
    assert!(compact <= MIB, "compact takes {compact} bytes");
    let hard_extra = into(LossKind::InfoNce, &hard);
    assert!(hard_extra <= MIB / 8, "hard takes {hard_extra} bytes");
    let nll = into(LossKind::Nll, &hard);
    assert!(nll <= MIB / 8, "nll takes {nll} bytes");
    let soft = into(LossKind::SoftTargetCrossEntropy, &dense);
    assert!(soft <= MIB / 8, "soft target cross-entropy takes {soft} bytes");
    // A block of scores and one of terms, with what the product packs.
    let block = (rows * classes + rows * candidates) * size_of::<f32>();
    let dense_extra = into(LossKind::SoftTargetInfoNce, &dense);
    assert!(dense_extra <= block + 3 * MIB, "dense takes {dense_extra} bytes, a block {block}");

    // Recognising dense rows takes no copy of them.
    let (recognition, targets) = extra(|| Targets::dense(written.view()).unwrap());
    assert_eq!(targets.form(), softnce::Form::Compact);
    assert!(recognition <= MIB / 4, "recognition takes {recognition} bytes");

    // Nothing but the gradient is as large as the logits.
    let (fresh, _) = extra(|| SoftTargetInfoNce::default().loss_and_gradient(logits.view(), &mixed, &request).unwrap());
    assert!(fresh <= rows * classes * size_of::<f32>() + MIB, "with a gradient of its own {fresh} bytes");

    // A head takes the same for a hundred times the classes.
    let head = |classes: usize| {
        let (first, second) = (random.labels(64, classes), random.labels(64, classes));
        let (features, weights) = (Array2::<f32>::ones((64, 8)), Array2::<f32>::ones((classes, 8)));
        let lambda = Array1::from_elem(64, 0.25);
        let targets = Targets::mixed(&first, &second, &lambda, classes, 0.1).unwrap();
        let head = LinearHead::new(&features, &weights).unwrap();
        extra(|| SoftTargetInfoNce::default().head_loss_and_gradient(&head, &targets, &request).unwrap()).0
    };
    let [few, many] = [10_000, 1_000_000].map(head);
    assert!(many <= few + few / 10, "a head takes {few} bytes over 10,000 classes and {many} over 1,000,000");
}
