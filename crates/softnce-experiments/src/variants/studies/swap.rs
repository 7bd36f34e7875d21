//! What happens when soft target InfoNCE takes the place of cross-entropy in a recipe that was tuned for cross-entropy.

use softnce_data::mixing::MixingConfig;

use crate::measure::Measure;
use crate::variants::plan::{ChartPlan, Group, Variant};
use crate::variants::study::Study;

pub(super) const STUDY: Study = Study {
    name: "swap",
    title: "The one-line swap",
    about: "Temperature and learning rate in place of cross-entropy: three sets, AdamW and SGD",
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

fn groups() -> Vec<Group> {
    let strong = MixingConfig { mixup: 0.8, cutmix: 1.0, smoothing: 0.1, ..MixingConfig::default() };
    let weak = MixingConfig { mixup: 0.2, ..MixingConfig::default() };
    let settings = [
        Setting {
            name: "digits-adamw",
            title: "Digits, perceptron, AdamW",
            recipe: "digits",
            mixing: strong.clone(),
            rate: 1e-2,
            changes: &[],
        },
        Setting {
            name: "digits-sgd",
            title: "Digits, perceptron, SGD",
            recipe: "digits",
            mixing: strong.clone(),
            rate: 0.1,
            changes: &[SGD],
        },
        Setting {
            name: "digits-weak",
            title: "Digits, perceptron, AdamW, weak mixing without smoothing",
            recipe: "digits",
            mixing: weak,
            rate: 1e-2,
            changes: &[],
        },
        Setting {
            name: "fashion-adamw",
            title: "6,000 pictures of Fashion-MNIST, residual network, AdamW",
            recipe: "fashion-mnist-resnet",
            mixing: strong.clone(),
            rate: 1e-2,
            changes: &[SMALL_FASHION, ADAMW],
        },
        Setting {
            name: "fashion-sgd",
            title: "6,000 pictures of Fashion-MNIST, residual network, SGD",
            recipe: "fashion-mnist-resnet",
            mixing: strong.clone(),
            rate: 0.1,
            changes: &[SMALL_FASHION],
        },
        Setting {
            name: "fashion-vit",
            title: "6,000 pictures of Fashion-MNIST, vision transformer, AdamW",
            recipe: "fashion-mnist-vit",
            mixing: strong.clone(),
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
            name: "cifar100",
            title: "10,000 pictures of CIFAR-100, residual network, AdamW",
            recipe: "cifar100-resnet20",
            mixing: strong.clone(),
            rate: 3e-3,
            changes: &[
                ADAMW,
                &[
                    "data.validation_share=0.8",
                    "network.depth=8",
                    "network.width=8",
                    "schedule.epochs=8",
                    "training.evaluate_every=8",
                ],
            ],
        },
        Setting {
            name: "cifar10h",
            title: "CIFAR-10H, mixed human votes, residual network, SGD",
            recipe: "cifar10h",
            mixing: strong,
            rate: 0.1,
            changes: &[&[
                "network.depth=8",
                "network.width=8",
                "schedule.epochs=10",
                "schedule.warmup_epochs=1",
                "training.evaluate_every=10",
            ]],
        },
    ];
    settings.map(group).to_vec()
}

/// Cross-entropy, and soft target InfoNCE at temperature 1, at the spread of the targets, and at its square, each at three
/// learning rates.
fn group(setting: Setting) -> Group {
    let Setting { name, title, recipe, mixing, rate, changes } = setting;
    let spread = mixing.target_spread();
    let named = |factor: &str, loss: &str| format!("{loss}, rate x {factor}");
    let factors = [("1/3", 1.0 / 3.0), ("1", 1.0), ("3", 3.0)];
    // Two digits: 1/3 of 0.01 is 0.0033.
    let rated = |factor: f64| format!("optimizer.learning_rate={:.1e}", factor * rate);
    let mut variants = Vec::new();
    for (label, factor) in factors {
        let changes = ["loss.kind=\"soft-target-cross-entropy\"".to_owned(), rated(factor)];
        variants.push(Variant::new(named(label, "cross-entropy"), changes).at("cross-entropy", factor));
    }
    for temperature in [1.0, spread, spread * spread] {
        let series = format!("temperature {temperature:.2}");
        for (label, factor) in factors {
            let changes = [
                "loss.kind=\"soft-target-infonce\"".into(),
                format!("loss.temperature={temperature:.2}"),
                rated(factor),
            ];
            let variant = Variant::new(named(label, &series), changes).at(&series, factor);
            variants.push(variant.against(&named(label, "cross-entropy")));
        }
    }
    let MixingConfig { mixup, cutmix, smoothing, .. } = mixing;
    let mut shared = vec![
        format!("mixing={{mixup={mixup:?}, cutmix={cutmix:?}, smoothing={smoothing:?}, mode=\"element\"}}"),
        "evaluation.best=false".into(),
    ];
    shared.extend(changes.iter().copied().flatten().map(|&change| change.to_owned()));
    Group {
        name: name.into(),
        title: title.into(),
        theory: format!(
            "Where all logits are 0, the gradient of soft target InfoNCE is that of cross-entropy divided by the temperature, and \
             its curvature is that of cross-entropy times c / temperature^2, where c = {spread:.2} is the spread of the mixed and \
             smoothed targets as a share of that of one-hot targets. So at temperature 1 the optimum lies at logits that are \
             larger by 1 / c for pictures whose class is uncertain, and by more for certain ones: by about 1 / c^2 at a \
             certainty of 95 %. AdamW moves the logits at a speed that does not depend on the scale of the loss, and so needs a \
             higher rate or more epochs. A temperature of c to c^2 brings the optimum to the logits of cross-entropy."
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
