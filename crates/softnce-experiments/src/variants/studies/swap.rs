//! What happens when soft target InfoNCE takes the place of cross-entropy in a recipe that was tuned for cross-entropy.

use softnce_data::mixing::MixingConfig;

use crate::measure::Measure;
use crate::variants::plan::{ChartPlan, Group, Variant};
use crate::variants::study::Study;

pub(super) const STUDY: Study = Study {
    name: "swap",
    title: "The one-line swap",
    about: "Temperature and learning rate in place of cross-entropy: four sets, AdamW and SGD",
    seeds: 3,
    small: false,
    groups,
};

/// A recipe, in which only the loss, its temperature and the learning rate differ.
struct Setting {
    name: &'static str,
    title: &'static str,
    recipe: &'static str,
    mixing: MixingConfig,
    /// SGD or AdamW.
    sgd: bool,
    /// The learning rate for cross-entropy.
    rate: f64,
    changes: &'static [&'static [&'static str]],
}

const ADAMW: &[&str] =
    &["optimizer.kind=\"adamw\"", "optimizer.momentum=0.9", "optimizer.nesterov=false", "optimizer.weight_decay=0.05"];
const SGD: &[&str] = &["optimizer.kind=\"sgd\"", "optimizer.momentum=0.9", "optimizer.weight_decay=5e-4"];

/// A residual network of 8 layers on 6,000 pictures of Fashion-MNIST.
const SMALL_FASHION: &[&str] = &[
    "data.validation_share=0.9",
    "network.depth=8",
    "network.width=8",
    "schedule.epochs=8",
    "training.evaluate_every=8",
];

/// The features of the study `features`.
const CIFAR100_FEATURES: &[&str] = &[
    "data={layout=\"features\", path=\"cifar-100-lite0\", validation_share=0.1}",
    "network={kind=\"mlp\", hidden=[256]}",
    "schedule={epochs=12, warmup_epochs=1}",
    "training={batch_size=256, evaluate_every=12}",
];

const VOTE_FEATURES: &[&str] = &[
    "data={layout=\"features\", path=\"cifar-10-lite0\", train_part=\"test\", test_share=0.2, validation_share=0.1, \
     train_labels={kind=\"votes\", path=\"cifar-10h/cifar10h-counts.npy\"}, \
     test_labels={kind=\"votes\", path=\"cifar-10h/cifar10h-counts.npy\"}}",
    "network={kind=\"mlp\", hidden=[256]}",
    "schedule={epochs=24, warmup_epochs=1}",
    "training={batch_size=128, evaluate_every=24}",
];

fn groups() -> Vec<Group> {
    // Features have no areas to paste, so CutMix is off.
    let features = MixingConfig { mixup: 0.8, smoothing: 0.1, ..MixingConfig::default() };
    let strong = MixingConfig { mixup: 0.8, cutmix: 1.0, smoothing: 0.1, ..MixingConfig::default() };
    let weak = MixingConfig { mixup: 0.2, ..MixingConfig::default() };
    let settings = [
        Setting {
            name: "digits-adamw",
            title: "Digits, perceptron, AdamW",
            recipe: "digits",
            mixing: strong.clone(),
            sgd: false,
            rate: 1e-2,
            changes: &[],
        },
        Setting {
            name: "digits-sgd",
            title: "Digits, perceptron, SGD",
            recipe: "digits",
            mixing: strong.clone(),
            sgd: true,
            rate: 0.3,
            changes: &[SGD],
        },
        Setting {
            name: "digits-weak",
            title: "Digits, perceptron, AdamW, weak mixing without smoothing",
            recipe: "digits",
            mixing: weak,
            sgd: false,
            rate: 1e-2,
            changes: &[],
        },
        Setting {
            name: "fashion-adamw",
            title: "6,000 pictures of Fashion-MNIST, residual network, AdamW",
            recipe: "fashion-mnist-resnet",
            mixing: strong.clone(),
            sgd: false,
            rate: 1e-2,
            changes: &[SMALL_FASHION, ADAMW],
        },
        Setting {
            name: "fashion-sgd",
            title: "6,000 pictures of Fashion-MNIST, residual network, SGD",
            recipe: "fashion-mnist-resnet",
            mixing: strong.clone(),
            sgd: true,
            rate: 0.1,
            changes: &[SMALL_FASHION],
        },
        Setting {
            name: "fashion-vit",
            title: "6,000 pictures of Fashion-MNIST, vision transformer, AdamW",
            recipe: "fashion-mnist-vit",
            mixing: strong.clone(),
            sgd: false,
            rate: 1e-3,
            changes: &[&[
                "data.validation_share=0.9",
                "network.patch=7",
                "network.width=48",
                "network.depth=4",
                "schedule.epochs=20",
                "training.evaluate_every=20",
            ]],
        },
        Setting {
            name: "features-adamw",
            title: "Features of CIFAR-100, perceptron, AdamW",
            recipe: "digits",
            mixing: features.clone(),
            sgd: false,
            rate: 1e-3,
            changes: &[CIFAR100_FEATURES],
        },
        Setting {
            name: "features-sgd",
            title: "Features of CIFAR-100, perceptron, SGD",
            recipe: "digits",
            mixing: features.clone(),
            sgd: true,
            rate: 0.03,
            changes: &[CIFAR100_FEATURES, SGD],
        },
        Setting {
            name: "votes-adamw",
            title: "Features of CIFAR-10H, mixed human votes, perceptron, AdamW",
            recipe: "digits",
            mixing: features,
            sgd: false,
            rate: 1e-3,
            changes: &[VOTE_FEATURES],
        },
    ];
    settings.map(group).to_vec()
}

/// Cross-entropy, and soft target InfoNCE at temperature 1, at the spread of the targets, and at its square, each at
/// three learning rates; with SGD the two lower temperatures also at the rate times the temperature.
fn group(setting: Setting) -> Group {
    let Setting { name, title, recipe, mixing, sgd, rate, changes } = setting;
    let spread = mixing.target_spread();
    let changes: Vec<String> = changes.iter().copied().flatten().map(|&change| change.to_owned()).collect();
    let named = |factor: &str, loss: &str| format!("{loss}, rate x {factor}");
    let factors = [("1/3", 1.0 / 3.0), ("1", 1.0), ("3", 3.0)];
    let rated = |factor: f64| format!("optimizer.learning_rate={:.1e}", factor * rate);
    let usual = "cross-entropy";
    let mut variants = Vec::new();
    for (label, factor) in factors {
        let changes = ["loss.kind=\"soft-target-cross-entropy\"".to_owned(), rated(factor)];
        variants.push(Variant::new(named(label, usual), changes).at(usual, factor));
    }
    for temperature in [1.0, spread, spread * spread] {
        let series = format!("temperature {temperature:.2}");
        let variant = |label: &str, factor: f64| {
            let temperature = format!("loss.temperature={temperature:.2}");
            Variant::new(
                named(label, &series),
                ["loss.kind=\"soft-target-infonce\"".into(), temperature, rated(factor)],
            )
            .at(&series, factor)
        };
        variants.extend(factors.map(|(label, factor)| variant(label, factor).against(&named(label, usual))));
        if temperature < 1.0 && sgd {
            let label = format!("{temperature:.2}");
            variants.push(variant(&label, temperature).against(&named("1", usual)));
        }
    }
    let MixingConfig { mixup, cutmix, smoothing, .. } = mixing;
    let mut shared = vec![
        format!("mixing={{mixup={mixup:?}, cutmix={cutmix:?}, smoothing={smoothing:?}, mode=\"element\"}}"),
        "evaluation.best=false".into(),
    ];
    shared.extend(changes);
    Group {
        name: name.into(),
        title: title.into(),
        theory: format!(
            "Where all logits are 0, the gradient of soft target InfoNCE is that of cross-entropy divided by the temperature, and \
             its curvature is that of cross-entropy times c / temperature^2, where c = {spread:.2} is the factor by which \
             mixing and smoothing reduce the spread of the targets. So at temperature 1 the optimum lies at logits that are \
             larger by 1 / c for pictures whose class is uncertain, and by more for certain ones: by about 1 / c^2 at a \
             certainty of 95 %. AdamW moves the logits at a speed that does not depend on the scale of the loss, and so needs a \
             higher rate or more epochs. A temperature of c to c^2 brings the optimum to the logits of cross-entropy. It also \
             makes the gradient larger, which SGD, unlike AdamW, follows: its rate is to be multiplied by the temperature."
        ),
        recipe: recipe.into(),
        changes: shared,
        variants,
        measures: vec![Measure::TOP1, Measure::NLL, Measure::SCALED_NLL, Measure::ECE, Measure::FittedTemperature],
        chart: Some(ChartPlan {
            axis: "learning rate over that of cross-entropy".into(),
            log: true,
            measure: Measure::TOP1,
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use chacha20::ChaCha8Rng;
    use ndarray::{Array1, Array2};
    use rand::SeedableRng;
    use softnce::{Batch, GradientRequest, Loss, LossSettings, SoftTargetCrossEntropy, SoftTargetInfoNce, Targets};
    use softnce_data::mixing::Mixing;

    use super::*;
    use crate::newton::{Local, minimise};

    /// The logits of least loss, with mean 0, and the trace of the second derivatives there.
    fn optimum(loss: &impl Loss, batch: &Batch<'_>) -> (Array1<f64>, f64) {
        let classes = batch.classes();
        // The last logit stays 0: adding a constant changes nothing.
        let free = classes - 1;
        let gradient = |point: &[f64]| {
            let logits = Array2::from_shape_fn((1, classes), |(_, class)| point.get(class).copied().unwrap_or(0.0));
            let found = loss.loss_and_gradient(&logits, batch.clone(), &GradientRequest::new()).unwrap();
            found.logits_gradient.row(0).to_vec()
        };
        let curvature = |point: &[f64]| {
            let step = 1e-4;
            let moved = |class: usize, by: f64| {
                let mut moved = point.to_vec();
                moved[class] += by;
                gradient(&moved)
            };
            let mut matrix = Array2::zeros((free, free));
            for class in 0..free {
                let [above, below] = [moved(class, step), moved(class, -step)];
                (0..free).for_each(|other| matrix[[other, class]] = (above[other] - below[other]) / (2.0 * step));
            }
            matrix
        };
        let mut point = vec![0.0; free];
        let found = minimise(&mut point, |point| Local {
            gradient: gradient(point)[..free].to_vec(),
            curvature: curvature(point).into_iter().collect(),
        });
        assert!(found);
        let matrix = curvature(&point);
        // Rows and columns sum to 0, so the last entry of the diagonal is the sum of all others.
        let trace = matrix.diag().sum() + matrix.sum();
        let logits = Array1::from_iter(point.into_iter().chain([0.0]));
        (&logits - logits.mean().unwrap(), trace)
    }

    /// The table of docs/theory.md: the logits at the optimum over those of cross-entropy, for a picture whose class is
    /// certain to 80, 90, 95 and 99 %. Up to 95 % they lie between about 1 / c and 1 / c^2; c: the spread of the targets.
    /// The curvature there is smaller than c times that of cross-entropy at its own optimum.
    #[test]
    fn the_optimum_lies_at_logits_that_are_larger_by_the_spread_of_the_targets_to_its_square() {
        const CLASSES: usize = 10;
        let labels: Vec<usize> = (0..CLASSES).collect();
        for (mixup, smoothing, expected) in
            [(0.8, 0.1, [1.9, 2.3, 3.3, 9.0]), (0.8, 0.0, [1.5, 1.8, 2.3, 4.8]), (0.2, 0.0, [1.3, 1.4, 1.6, 3.2])]
        {
            let config = MixingConfig { mixup, cutmix: 1.0, smoothing, ..MixingConfig::default() };
            let spread = config.target_spread();
            let mut generator = ChaCha8Rng::seed_from_u64(1);
            let mixing = Mixing::new(config).unwrap();
            let candidates = mixing.draw_targets(40_000, &labels, CLASSES, [512, 512], &mut generator).unwrap();
            for (certain, expected) in [0.8, 0.9, 0.95, 0.99].into_iter().zip(expected) {
                let own = Array2::from_shape_fn((1, CLASSES), |(_, class)| {
                    let posterior = if class == 0 { certain } else { (1.0 - certain) / (CLASSES - 1) as f64 };
                    (1.0 - smoothing) * posterior + smoothing / CLASSES as f64
                });
                let own = Targets::dense(own).unwrap();
                let usual = SoftTargetCrossEntropy::new(LossSettings::new());
                let (usual, usual_curvature) = optimum(&usual, &Batch::from(&own));
                let loss = SoftTargetInfoNce::new(LossSettings::new());
                let batch = Batch::from(&own).with_further(&candidates).unwrap();
                let (found, curvature) = optimum(&loss, &batch);
                let ratio = found.dot(&usual) / usual.dot(&usual);
                let case = format!("MixUp {mixup}, smoothing {smoothing}, {certain}: {ratio}, curvature {curvature}");
                // The optimum of an image of 99 % depends on the few candidates that are as certain.
                let tolerance = if certain < 0.99 { 0.06 } else { 0.15 };
                assert!((ratio / expected - 1.0).abs() < tolerance, "{case}");
                let between = ratio > 0.98 / spread && ratio < 1.1 / spread.powi(2);
                assert!(between || certain >= 0.99, "{case}");
                assert!(curvature < 1.02 * spread * usual_curvature, "{case} against {usual_curvature}");
            }
        }
    }
}
