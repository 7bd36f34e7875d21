//! The training loop: it learns, it repeats itself bit for bit, it stops when asked, and it names what it refuses.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use burn::tensor::Device;
use softnce::LossKind;
use softnce_train::data::{PictureSet, optdigits};
use softnce_train::mixing::Mixing;
use softnce_train::training::{TrainError, Trained, TrainingSettings, predict, train};

fn pictures() -> (PictureSet, PictureSet) {
    let all = optdigits::train().unwrap();
    let (train, validation): (Vec<usize>, Vec<usize>) = ((0..300).collect(), (300..400).collect());
    (all.select(&train).unwrap(), all.select(&validation).unwrap())
}

fn settings(loss: LossKind) -> TrainingSettings {
    TrainingSettings {
        loss,
        seed: 3,
        learning_rate: 0.01,
        epochs: 4,
        batch_size: 32,
        hidden: vec![32],
        temperature: 1.0,
        alpha: 1.0,
        further_candidates: 0,
        weight_decay: 0.01,
        mixing: Mixing::new(0.8, 1.0, 0.5, 0.1).unwrap(),
    }
}

fn run(settings: &TrainingSettings) -> Result<Option<Trained>, TrainError> {
    let (pictures, validation) = pictures();
    let device = Device::flex().autodiff();
    train(settings, &pictures, &validation, &device, &AtomicBool::new(false), |_| {})
}

fn logits(trained: &Trained) -> Vec<f32> {
    let (_, validation) = pictures();
    predict(&trained.model, &validation, &Device::flex()).unwrap().iter().copied().collect()
}

#[test]
fn every_loss_learns() {
    for loss in LossKind::ALL {
        let trained = run(&TrainingSettings { epochs: 10, ..settings(loss) }).unwrap().unwrap();
        let (first, last) = (&trained.epochs[0], &trained.epochs[9]);
        assert!(last.train_loss < first.train_loss, "{loss}: {} then {}", first.train_loss, last.train_loss);
        assert!(last.validation_top1 > 0.6, "{loss}: {}", last.validation_top1);
        assert!(last.validation_nll < first.validation_nll, "{loss}");
        assert!(trained.epochs.iter().map(|record| record.epoch).eq(1..=10));
        assert!(trained.step_ms > 0.0 && trained.loss_ms > 0.0);
    }
}

#[test]
fn the_same_settings_give_the_same_network_bit_for_bit() {
    for loss in [LossKind::SoftTargetInfoNce, LossKind::SoftDistributionInfoNce, LossKind::Nll] {
        let settings = TrainingSettings { further_candidates: 16, ..settings(loss) };
        let (one, two) = (run(&settings).unwrap().unwrap(), run(&settings).unwrap().unwrap());
        assert_eq!(one.epochs, two.epochs);
        assert_eq!(logits(&one), logits(&two));
        let other = run(&TrainingSettings { seed: 4, ..settings }).unwrap().unwrap();
        assert_ne!(logits(&one), logits(&other));
    }
}

#[test]
fn hard_info_nce_with_the_frequencies_of_one_batch_trains_like_nll() {
    // One batch an epoch: eta is the batch's own class frequency up to the smoothing, and the two gradients agree
    // (the noise distribution's smoothing of 1 in 300 is what is left). Only so if weights and order are the same.
    let one_batch = |loss| TrainingSettings { batch_size: 300, epochs: 10, ..settings(loss) };
    let info_nce = run(&one_batch(LossKind::InfoNce)).unwrap().unwrap();
    let nll = run(&one_batch(LossKind::Nll)).unwrap().unwrap();
    let differences = logits(&info_nce).iter().zip(logits(&nll)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(differences < 0.05, "{differences}");
}

#[test]
fn odd_batches_and_the_last_partial_one_work() {
    // 300 pictures: batches of 7 leave 6, batches of 299 leave a single one.
    for batch_size in [7, 299, 1000] {
        let settings = TrainingSettings { batch_size, epochs: 1, ..settings(LossKind::SoftTargetInfoNce) };
        assert!(run(&settings).unwrap().unwrap().epochs[0].train_loss.is_finite());
    }
}

#[test]
fn further_candidates_raise_the_loss_and_leave_cross_entropy_alone() {
    let first_loss = |loss, further_candidates| {
        let settings = TrainingSettings { further_candidates, epochs: 1, ..settings(loss) };
        run(&settings).unwrap().unwrap().epochs[0].train_loss
    };
    let more = first_loss(LossKind::SoftTargetInfoNce, 96) - first_loss(LossKind::SoftTargetInfoNce, 0);
    assert!((more - 4.0_f64.ln()).abs() < 0.5, "about log(128 / 32): {more}");
    for loss in [LossKind::SoftTargetCrossEntropy, LossKind::Nll] {
        assert_eq!(first_loss(loss, 96), first_loss(loss, 0));
    }
}

#[test]
fn stops_when_asked() {
    let (pictures, validation) = pictures();
    let device = Device::flex().autodiff();
    let (stop, epochs) = (AtomicBool::new(false), AtomicUsize::new(0));
    let trained = train(&settings(LossKind::Nll), &pictures, &validation, &device, &stop, |_| {
        epochs.fetch_add(1, Ordering::Relaxed);
        stop.store(true, Ordering::Relaxed);
    });
    assert!(trained.unwrap().is_none());
    assert_eq!(epochs.load(Ordering::Relaxed), 1);
}

#[test]
fn bad_settings_are_named() {
    let base = || settings(LossKind::Nll);
    for (settings, name) in [
        (TrainingSettings { epochs: 0, ..base() }, "epochs"),
        (TrainingSettings { batch_size: 0, ..base() }, "batch size"),
        (TrainingSettings { epochs: usize::MAX, ..base() }, "epochs"),
        (TrainingSettings { learning_rate: 0.0, ..base() }, "learning rate"),
        (TrainingSettings { learning_rate: f64::NAN, ..base() }, "learning rate"),
        (TrainingSettings { weight_decay: f64::NAN, ..base() }, "weight decay"),
        (TrainingSettings { hidden: vec![8, 0], ..base() }, "hidden"),
        (TrainingSettings { further_candidates: usize::MAX, ..base() }, "further candidates"),
    ] {
        match run(&settings) {
            Err(TrainError::Setting { argument, .. }) => assert_eq!(argument, name),
            other => panic!("{name}: {other:?}"),
        }
    }
    let cold = run(&TrainingSettings { temperature: 0.0, ..base() });
    assert!(cold.unwrap_err().to_string().contains("temperature is 0"));
}

#[test]
fn pictures_that_do_not_fit_are_named() {
    let (pictures, validation) = pictures();
    let device = Device::flex();
    let go = |pictures: &PictureSet, validation: &PictureSet| {
        train(&settings(LossKind::Nll), pictures, validation, &device, &AtomicBool::new(false), |_| {})
    };
    // A device without autodiff is given it.
    assert!(go(&pictures, &validation).is_ok());
    let flat = PictureSet { height: 4, width: 16, ..validation.clone() };
    let wrong = PictureSet { height: 4, ..pictures.clone() };
    for (result, name) in
        [(go(&pictures, &flat), "validation pictures"), (go(&wrong, &validation), "training pictures")]
    {
        match result {
            Err(TrainError::Setting { argument, .. }) => assert_eq!(argument, name),
            other => panic!("{name}: {other:?}"),
        }
    }
    let trained = run(&settings(LossKind::Nll)).unwrap().unwrap();
    let narrow = PictureSet { pixels: pictures.pixels.slice_move(ndarray::s![.., ..32]), ..pictures };
    assert!(matches!(predict(&trained.model, &narrow, &device), Err(TrainError::Setting { argument: "pictures", .. })));
}

#[test]
fn divergence_is_told_from_bad_input() {
    // A decay of 3 at rate 1 turns every weight into minus twice itself at each step.
    let base = settings(LossKind::SoftTargetInfoNce);
    let settings = TrainingSettings { weight_decay: 3.0, learning_rate: 1.0, epochs: 40, ..base };
    let error = run(&settings).unwrap_err();
    assert!(error.is_divergence(), "{error}");
    assert!(!run(&TrainingSettings { epochs: 0, ..settings }).unwrap_err().is_divergence());
}
