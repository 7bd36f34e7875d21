//! Labels that are the votes of people.

use softnce::LossKind;

use crate::measure::Measure;
use crate::variants::plan::{Group, Variant};
use crate::variants::study::Study;

pub(super) const STUDY: Study = Study {
    name: "human",
    title: "Human labels",
    about: "CIFAR-10H: calibration, divergence from human votes, selective prediction",
    seeds: 5,
    small: false,
    groups: || vec![cifar10h()],
};

/// CIFAR-10H: trained on the votes of one part, judged by the votes of the other.
fn cifar10h() -> Group {
    let name = |kind: LossKind| kind.title().to_string();
    let mut variants = Vec::new();
    for kind in LossKind::compared() {
        let changes = [format!("loss.kind=\"{kind}\"")];
        let variant = Variant::new(name(kind), changes);
        let base = name(LossKind::SoftTargetCrossEntropy);
        variants.push(if kind == LossKind::SoftTargetCrossEntropy { variant } else { variant.against(&base) });
    }
    variants.push(
        Variant::new(
            "soft target InfoNCE, 896 draws",
            ["loss.kind=\"soft-target-infonce\"", "candidates={kind=\"draws\", count=896}"],
        )
        .against(&name(LossKind::SoftTargetCrossEntropy)),
    );
    Group {
        name: "cifar10h".into(),
        title: "CIFAR-10H".into(),
        theory: "About fifty people named each picture. The losses that take soft targets are trained on these votes, the hard ones \
            on the publisher's class. Cross-entropy estimates the mean vote, which is the distribution that the divergence \
            measures. Where the votes are unanimous, on four pictures in ten, soft target InfoNCE estimates the same; elsewhere it \
            estimates the natural parameter, and is more confident than the mean vote. The study measures how large this effect is, \
            and how much of it temperature scaling removes."
            .into(),
        recipe: "cifar10h".into(),
        changes: [
            "network.depth=8",
            "network.width=8",
            "schedule.epochs=20",
            "schedule.warmup_epochs=2",
            "training.evaluate_every=20",
            "evaluation.best=false",
        ]
        .map(str::to_owned)
        .to_vec(),
        variants,
        measures: vec![
            Measure::TOP1,
            Measure::KL,
            Measure::SCALED_KL,
            Measure::ECE,
            Measure::ECE_REFERENCE,
            Measure::SCALED_ECE,
            Measure::AURC,
            Measure::SUREST_NINETY,
        ],
        chart: None,
    }
}
