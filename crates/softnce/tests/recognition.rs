//! Dense rows that hold no more than a floor and a few classes.

mod common;

use common::{Random, deviation, rows, run};
use half::{bf16, f16};
use ndarray::{Array1, Array2, Axis, array};
use proptest::prelude::*;
use softnce::{Element, Error, Form, SoftTargetCrossEntropy, SoftTargetInfoNce, Targets};

/// MixUp's targets as timm writes them: two smoothed one-hot rows, weighed in the type.
fn written_out<E: Element>(seed: u64, rows: usize, classes: usize, smoothing: f32) -> Array2<E> {
    // import torch
    // def one_hot(y, d, on, off): return torch.full((len(y), d), off).scatter_(1, y[:, None], on)
    // y1 = one_hot(first, d, 1 - smoothing + smoothing / d, smoothing / d); y2 = one_hot(second, ...)
    // w = y1 * lam + y2 * (1 - lam)
    let mut random = Random::new(seed);
    let (off, on) = (smoothing / classes as f32, 1.0 - smoothing + smoothing / classes as f32);
    let mut out = Array2::from_elem((rows, classes), E::default());
    for mut row in out.outer_iter_mut() {
        let (first, second, lambda) = (random.below(classes), random.below(classes), random.unit() as f32);
        for (class, out) in row.iter_mut().enumerate() {
            let one_hot = |label: usize| if class == label { on } else { off };
            let value = one_hot(first) * lambda + one_hot(second) * (1.0 - lambda);
            *out = E::from_accum(<E::Accum as softnce::Accum>::of(f64::from(value)));
        }
    }
    out
}

fn check<E: Element>(written: &Array2<E>, logits: &Array2<f64>, form: Form) {
    let (recognised, as_is) = (Targets::dense(written.view()).unwrap(), Targets::dense_as_is(written.view()).unwrap());
    assert_eq!((recognised.form(), as_is.form()), (form, Form::Dense));
    // The same distributions, to the last digits of double precision.
    assert!(deviation(recognised.to_dense().unwrap(), &as_is.to_dense().unwrap()) < 1e-15);
    let loss = SoftTargetInfoNce::new(rows());
    let (found, expected) = (run(&loss, logits, &recognised), run(&loss, logits, &as_is));
    assert!(deviation(found.value.rows().unwrap().iter().copied(), expected.value.rows().unwrap()) < 1e-12);
    assert!(deviation(found.logits_gradient, &expected.logits_gradient) < 1e-12);
    let loss = SoftTargetCrossEntropy::new(rows());
    let (found, expected) = (run(&loss, logits, &recognised), run(&loss, logits, &as_is));
    assert!(deviation(found.value.rows().unwrap().iter().copied(), expected.value.rows().unwrap()) < 1e-12);
    assert!(deviation(found.logits_gradient, &expected.logits_gradient) < 1e-12);
}

proptest! {
    #[test]
    fn mixed_rows_are_recognised_in_every_type(
        seed in any::<u64>(), count in 1..40usize, classes in 4..300usize, smoothing in 0.0..0.9f32,
    ) {
        let logits = Random::new(seed).logits(count, classes, 5.0);
        let form = |written: Array2<f64>| {
            let hard = written.outer_iter().all(|row| row.iter().filter(|weight| **weight != 0.0).count() == 1);
            if hard { Form::Hard } else { Form::Compact }
        };
        let written = written_out::<f32>(seed, count, classes, smoothing);
        check(&written, &logits, form(common::widen(written.view())));
        let written = written_out::<f64>(seed, count, classes, smoothing);
        check(&written, &logits, form(common::widen(written.view())));
        let written = written_out::<f16>(seed, count, classes, smoothing);
        // In f16 a row's small entries may be lost to rounding, but never the form.
        if Targets::dense(written.view()).is_ok() {
            check(&written, &logits, form(common::widen(written.view())));
        }
        let written = written_out::<bf16>(seed, count, classes, smoothing);
        if Targets::dense(written.view()).is_ok() {
            check(&written, &logits, form(common::widen(written.view())));
        }
    }

    #[test]
    fn one_row_of_another_make_keeps_all_dense(seed in any::<u64>(), count in 1..40usize, classes in 6..200usize) {
        let mut written = written_out::<f32>(seed, count, classes, 0.1);
        let mut random = Random::new(seed);
        let row = random.below(count);
        written.row_mut(row).assign(&random.simplex(classes).mapv(|weight| weight as f32));
        prop_assert_eq!(Targets::dense(written.view()).unwrap().form(), Form::Dense);
    }
}

#[test]
fn one_hot_rows_become_hard_labels() {
    let labels = [3_usize, 0, 4, 4];
    let one_hot = Targets::hard(&labels, 5).unwrap().to_dense().unwrap();
    let targets = Targets::dense(one_hot.mapv(|weight| weight as f32)).unwrap();
    assert_eq!(targets.labels().unwrap().to_vec(), [3, 0, 4, 4]);
}

#[test]
fn up_to_three_classes_are_listed() {
    let row = |listed: &[f64]| {
        let mut row = Array1::from_elem(9, (1.0 - listed.iter().sum::<f64>()) / (9 - listed.len()) as f64);
        row.iter_mut().skip(2).zip(listed).for_each(|(out, &value)| *out = value);
        row.insert_axis(Axis(0))
    };
    for (listed, form) in [
        (&[][..], Form::Compact),
        (&[0.5], Form::Compact),
        (&[0.5, 0.25, 0.125], Form::Compact),
        (&[0.5, 0.25, 0.125, 0.0625], Form::Dense),
    ] {
        assert_eq!(Targets::dense(row(listed)).unwrap().form(), form, "{listed:?}");
    }
}

#[test]
fn rows_that_lie_apart_are_recognised_too() {
    let written = written_out::<f32>(5, 12, 40, 0.1);
    let turned = written.t().as_standard_layout().into_owned();
    let (plain, turned) = (Targets::dense(written.view()).unwrap(), Targets::dense(turned.t()).unwrap());
    assert_eq!(turned.form(), Form::Compact);
    assert_eq!(turned.to_dense().unwrap(), plain.to_dense().unwrap());
}

#[test]
fn the_first_bad_row_is_named_however_many_threads_look() {
    let mut written = written_out::<f32>(6, 4000, 100, 0.1);
    written[[3999, 0]] = f32::NAN;
    written[[2500, 7]] = -0.25;
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let error = pool.install(|| Targets::dense(written.view()).unwrap_err());
        assert_eq!(error.to_string(), "targets[2500, 7]: found -0.25, expected a number not below 0");
    }
    let error = Targets::dense(array![[0.5, f64::INFINITY]]).unwrap_err();
    assert_eq!(error, Error::non_finite("targets", [0, 1], f64::INFINITY));
}
