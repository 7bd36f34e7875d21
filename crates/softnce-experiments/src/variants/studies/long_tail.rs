//! Training sets with a long tail.

use softnce_metrics::Frequency;

use crate::chart::Drawn;
use crate::measure::Measure;
use crate::variants::plan::{ChartPlan, Group, Variant};
use crate::variants::study::Study;

pub(super) const STUDY: Study = Study {
    name: "long-tail",
    title: "Long tails",
    about: "Long-tailed Fashion-MNIST and CIFAR-100: noise power, balanced softmax, logit adjustment",
    seeds: 5,
    small: false,
    groups: long_tails,
};

/// Fashion-MNIST and features of CIFAR-100, the most frequent class 10 and 100 times as frequent as the rarest.
fn long_tails() -> Vec<Group> {
    // What two cores train to the end: a perceptron, and a linear head on the features of a pretrained network.
    let fashion = [
        "network={kind=\"mlp\", hidden=[256]}",
        "optimizer={kind=\"adamw\", learning_rate=1e-3, weight_decay=0.05}",
        "schedule.epochs=20",
        "training.evaluate_every=20",
        "evaluation.best=false",
    ];
    let cifar = [
        "data={layout=\"features\", path=\"cifar-100-lite0\", validation_share=0.1}",
        "mixing={mixup=0.2, mode=\"element\"}",
        "network={kind=\"linear\"}",
        "optimizer={kind=\"adamw\", learning_rate=1e-3, weight_decay=0.05}",
        "schedule={epochs=20, warmup_epochs=1}",
        "training={batch_size=256, evaluate_every=20}",
    ];
    let mut groups = Vec::new();
    for (set, title, recipe, changes) in [
        ("fashion-mnist", "Fashion-MNIST", "fashion-mnist-resnet", &fashion[..]),
        ("cifar100", "Features of CIFAR-100", "digits", &cifar[..]),
    ] {
        for imbalance in [10, 100] {
            groups.push(group(set, title, recipe, changes, imbalance));
        }
    }
    groups
}

fn group(set: &str, title: &str, recipe: &str, changes: &[&str], imbalance: u32) -> Group {
    const CROSS_ENTROPY: &str = "loss.kind=\"soft-target-cross-entropy\"";
    const BASE: &str = "soft target cross-entropy";
    let mut variants = vec![
        Variant::new(BASE, [CROSS_ENTROPY]).level(),
        Variant::new("balanced softmax", [CROSS_ENTROPY, "loss.logit_adjustment=1.0"]).against(BASE).level(),
    ];
    for alpha in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let changes = [
            "loss.kind=\"soft-target-infonce\"".into(),
            "loss.noise=\"frequencies\"".into(),
            format!("loss.alpha={alpha:?}"),
        ];
        let name = format!("soft target InfoNCE, alpha {alpha}");
        let variant = Variant::new(name, changes).against(BASE);
        variants.push(Variant { drawn: Drawn::At { series: "soft target InfoNCE".into(), x: alpha }, ..variant });
    }
    Group {
        name: format!("{set}-{imbalance}"),
        title: format!("{title}, imbalance {imbalance}"),
        theory: "Balanced accuracy is best with the posterior of balanced classes. Cross-entropy learns the posterior of the \
            training set. Balanced softmax, the logit-adjusted loss at tau = 1, learns that of balanced classes; logit adjustment \
            after training divides by the class frequencies (the column \"adjusted\", for every loss). In soft target InfoNCE \
            the power alpha of the noise distribution leads from one to the other: at 0 the gradient is that of balanced softmax, at \
            1 that of cross-entropy, if the targets are hard and the batch has the class frequencies of the training set. Mixed \
            targets are not hard, and the frequencies of a batch vary."
            .to_owned(),
        recipe: recipe.to_owned(),
        changes: changes.iter().map(|&change| change.to_owned()).chain([format!("data.imbalance={imbalance}.0")]).collect(),
        variants,
        measures: vec![
            Measure::BALANCED,
            Measure::BalancedAdjusted,
            Measure::TOP1,
            Measure::Group(Frequency::Frequent),
            Measure::Group(Frequency::Medium),
            Measure::Group(Frequency::Rare),
            Measure::SCALED_NLL,
        ],
        chart: Some(ChartPlan { axis: "alpha".into(), log: false, measure: Measure::BALANCED }),
    }
}
