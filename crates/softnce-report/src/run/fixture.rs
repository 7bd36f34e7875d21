//! Made-up reports.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use chacha20::ChaCha8Rng;
use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use softnce_metrics::{Evaluator, EvaluatorConfig, TemperatureFit};

use super::caption::caption;
use crate::results::{EpochRecord, ReportPicture, RunReport, ScaledResult, ValidationPoint};

/// Everything a report can have, with so many classes and epochs.
pub(crate) fn full(classes: usize, epochs: usize) -> RunReport {
    let (logits, labels) = logits(40 * classes, classes, 1);
    let (held_out, held_out_labels) = self::logits(20 * classes, classes, 2);
    let fit = TemperatureFit::fit(held_out.view(), &held_out_labels, 1.0).unwrap();
    let soft = Array2::from_shape_fn(logits.dim(), |(row, class)| {
        if class == labels[row] { 0.8 + 0.2 / classes as f32 } else { 0.2 / classes as f32 }
    });
    let result = |temperature| {
        let counts = (0..classes as u64).map(|class| 4 + 500 / (class + 1)).collect();
        let config = EvaluatorConfig { temperature, class_counts: Some(counts), ..EvaluatorConfig::default() };
        let mut evaluator = Evaluator::new(classes, config).unwrap();
        let indices: Vec<usize> = (0..labels.len()).collect();
        evaluator.push(logits.view(), &labels, Some(soft.view()), &indices).unwrap();
        evaluator.finish().unwrap()
    };
    let class_names: Vec<String> = (0..classes).map(class_name).collect();
    let result_ = result(1.0);
    let pictures = |examples: &[softnce_metrics::EvaluatedExample]| {
        examples
            .iter()
            .map(|example| ReportPicture {
                name: format!("pictures/test/{}/{:04}.png", class_name(example.label), example.index),
                png: png(if example.index % 3 == 0 { 224 } else { 28 }, example.index as u64),
                caption: caption(example, &class_names),
            })
            .collect::<Vec<_>>()
    };
    RunReport {
        title: "Small ResNet on made-up pictures".into(),
        version: "0.1.0".into(),
        recipe_toml: "[network]\nkind = \"resnet\"\n\n[loss]\nkind = \"soft-target-infonce\"\n".into(),
        split: "test".into(),
        parameters: 272_474,
        wall_seconds: 5_025.0,
        hardest: pictures(&result_.hardest),
        confidently_wrong: pictures(&result_.confidently_wrong),
        class_names,
        curves: (1..=epochs).map(|epoch| point(epoch, epochs)).collect(),
        scaled: Some(ScaledResult { fit, result: result(fit.temperature) }),
        result: result_,
    }
}

/// Only what every report has.
pub(super) fn bare(classes: usize) -> RunReport {
    let (logits, labels) = logits(20, classes, 3);
    let mut evaluator = Evaluator::new(classes, EvaluatorConfig::default()).unwrap();
    evaluator.push(logits.view(), &labels, None, &[0; 20]).unwrap();
    let full = full(classes, 1);
    RunReport {
        curves: Vec::new(),
        result: evaluator.finish().unwrap(),
        scaled: None,
        hardest: Vec::new(),
        confidently_wrong: Vec::new(),
        ..full
    }
}

fn class_name(class: usize) -> String {
    let names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "a <b> & long name"];
    names.get(class).map_or_else(|| format!("class no. {class}"), |name| (*name).to_owned())
}

/// Overconfident logits with a few favourite confusions.
fn logits(examples: usize, classes: usize, seed: u64) -> (Array2<f32>, Vec<usize>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let labels: Vec<usize> = (0..examples).map(|row| row % classes).collect();
    let logits = Array2::from_shape_fn((examples, classes), |(row, class)| {
        let label = labels[row];
        let favoured =
            if class == label { 5.0 } else { 0.0 } + if class == (label * 3 + 1) % classes { 2.5 } else { 0.0 };
        favoured + 5.0 * rng.random::<f32>() * rng.random::<f32>() + if rng.random::<f32>() < 0.02 { 7.0 } else { 0.0 }
    });
    (logits, labels)
}

fn point(epoch: usize, epochs: usize) -> EpochRecord {
    let left = (-6.0 * epoch as f64 / epochs.max(20) as f64).exp();
    let wave = 0.02 * (epoch as f64 * 1.7).sin();
    let progress = epoch as f64 / epochs as f64;
    EpochRecord {
        epoch,
        train_loss: 1.2 + 3.5 * left + wave,
        train_top1: 0.62 - 0.5 * left + wave,
        validation: (epoch.is_multiple_of(2) || epoch == epochs).then_some(ValidationPoint {
            top1: 0.93 - 0.6 * left + 0.3 * wave,
            top5: 0.995 - 0.3 * left,
            nll: 0.25 + 1.6 * left + 0.5 * wave.abs(),
        }),
        learning_rate: if progress < 0.1 { 0.0011 * progress / 0.1 } else { 0.0011 * (1.0 - progress) },
        samples_per_second: 2_500.0 + 4_000.0 * wave,
        waited: 0.02,
        seconds: 55.0 * epoch as f64,
    }
}

/// A grey PNG file of `side` x `side` pixels: blobs that differ by seed.
pub(super) fn png(side: u32, seed: u64) -> Vec<u8> {
    let at = |x: u32, y: u32, phase: f64| {
        let (x, y) = (f64::from(x) / f64::from(side) * 6.0, f64::from(y) / f64::from(side) * 6.0);
        127.0 + 120.0 * (x + phase).sin() * (y * 1.3 - phase).cos()
    };
    let pixels: Vec<u8> = (0..side).flat_map(|y| (0..side).map(move |x| at(x, y, seed as f64) as u8)).collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    file
}
