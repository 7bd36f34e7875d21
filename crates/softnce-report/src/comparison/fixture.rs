//! Made-up results to test the reports on.
#![allow(clippy::unwrap_used)]

use softnce::LossKind;
use softnce_metrics::{
    Baseline, CalibrationError, Direction, Metric, MetricValues, NLL, Reading, ReliabilityBin, TOP1, ValidationScore,
};

use crate::results::{Comparison, ComparisonPlan, Cost, CurvePoint, RunRecord, Setting, TuningRecord, summarise_runs};

const RECIPE: &str = "name = \"digits\"\n\n[data]\nvalidation_share = 0.2\n\n[mixing]\nmixup = 0.8\nsmoothing = \
                      0.1\n\n[schedule]\nepochs = 80\n\n[evaluation]\nbest = false\n";
const TEST_PICTURES: usize = 1797;

/// Three losses, three seeds, four epochs.
pub(crate) fn small() -> Comparison {
    made_up(&LossKind::ALL[..3], 3, 4)
}

/// Results of any losses and seeds: the same arguments give the same numbers.
pub(crate) fn made_up(losses: &[LossKind], seeds: u64, epochs: usize) -> Comparison {
    let learning_rates = vec![0.0003, 0.001, 0.003, 0.01];
    let mut noise = Noise(20_240_414);
    let runs: Vec<RunRecord> = losses
        .iter()
        .flat_map(|&loss| (0..seeds).map(move |seed| (loss, seed)))
        .map(|(loss, seed)| run(loss, seed, epochs, &mut noise))
        .collect();
    let tuning = losses.iter().flat_map(|&loss| learning_rates.iter().map(move |&rate| (loss, rate)));
    let tuning = tuning
        .map(|(loss, learning_rate)| TuningRecord {
            loss,
            learning_rate,
            seed: 1_000_003,
            validation: Some(ValidationScore {
                top1: 0.985 - 0.01 * (learning_rate / rate_of(loss)).ln().abs() + 0.002 * noise.next(),
                nll: 0.08 + 0.03 * (learning_rate / rate_of(loss)).ln().abs() + 0.003 * noise.next(),
            }),
        })
        .collect();
    let summaries = summarise_runs(losses, &runs).unwrap();
    let setting = Setting {
        data: "Optical Recognition of Handwritten Digits (E. Alpaydin and C. Kaynak, UCI repository, CC BY 4.0)".into(),
        train: 3058,
        validation: 765,
        test: TEST_PICTURES,
        classes: 10,
        network: "64-128-128-10 perceptron with ReLU".into(),
        parameters: 26_122,
    };
    Comparison {
        title: "Classifier losses compared".into(),
        version: "0.1.0".into(),
        setting,
        plan: ComparisonPlan { losses: losses.to_vec(), epochs, learning_rates, tuning_seeds: 1 },
        recipe: RECIPE.into(),
        command: "cargo run --release -- compare".into(),
        tuning,
        runs,
        diverged: Vec::new(),
        summaries,
    }
}

fn rate_of(loss: LossKind) -> f64 {
    if loss.takes_soft_targets() { 0.003 } else { 0.01 }
}

fn run(loss: LossKind, seed: u64, epochs: usize, noise: &mut Noise) -> RunRecord {
    let soft = f64::from(u8::from(loss.takes_soft_targets()));
    let skill = LossKind::ALL.iter().position(|&kind| kind == loss).unwrap_or(0) as f64;
    let top1 = 0.981 - 0.003 * skill + 0.0015 * noise.next();
    let nll = 0.07 + 0.012 * skill + 0.02 * soft + 0.003 * noise.next();
    let records = (1..=epochs)
        .map(|epoch| {
            let left = (-(epoch as f64) / 3.5).exp();
            CurvePoint {
                epoch,
                train_loss: 2.0 * left + 0.5,
                validation_top1: top1 - (0.6 + 0.05 * skill) * left + 0.0025 * noise.next(),
                validation_nll: (nll + (1.8 + 0.2 * skill) * left) * (1.0 + 0.05 * noise.next()),
            }
        })
        .collect();
    let calibration = |noise: &mut Noise| CalibrationError {
        error: 0.008 + 0.02 * soft + 0.002 * noise.next(),
        calibrated_reference: 0.0045 + 0.0005 * noise.next(),
    };
    let values = Metric::compared().map(|metric| {
        let reading: Reading = if metric == TOP1 {
            top1.into()
        } else if metric == NLL {
            nll.into()
        } else if matches!(metric.baseline, Baseline::Calibrated) {
            calibration(noise).into()
        } else if metric.direction == Direction::Higher {
            (0.9985 + 0.0008 * noise.next()).into()
        } else {
            (0.03 + 0.005 * skill + 0.001 * noise.next()).into()
        };
        (metric, reading)
    });
    let values = values.collect();
    let test = MetricValues { examples: TEST_PICTURES, values, reliability: reliability(soft, noise) };
    let cost = Cost {
        step_ms: 1.3 + 0.02 * noise.next(),
        loss_ms: Some(0.04 + 0.03 * skill + 0.002 * noise.next()),
        peak_bytes: Some(23_000_000 + 400_000 * seed),
    };
    RunRecord { loss, seed, learning_rate: rate_of(loss), epochs: records, test, scaled: None, cost }
}

/// Fifteen bins, the lowest empty as they are for ten classes.
fn reliability(soft: f64, noise: &mut Noise) -> Vec<ReliabilityBin> {
    (0..15)
        .map(|bin| {
            let (lower, upper) = (f64::from(bin) / 15.0, f64::from(bin + 1) / 15.0);
            let count = match bin {
                0..=3 => 0,
                14 => TEST_PICTURES - 200,
                _ => 3 + 3 * (bin as usize - 4),
            };
            let mean_confidence = if count == 0 { 0.0 } else { (lower + upper) / 2.0 };
            let accuracy = (mean_confidence + 0.06 * soft + 0.06 * noise.next()).clamp(0.0, 1.0);
            ReliabilityBin { lower, upper, count, mean_confidence, accuracy: if count == 0 { 0.0 } else { accuracy } }
        })
        .collect()
}

/// A small generator of numbers in `[-1, 1)`: the tests need no quality, only that nothing changes between runs.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1u32 << 30) - 1.0
    }
}
