//! Training on the probabilities of a teacher.

use crate::measure::Measure;
use crate::variants::plan::{Group, Variant};
use crate::variants::study::Study;

pub(super) const STUDY: Study = Study {
    name: "distillation",
    title: "Distillation",
    about: "A teacher's probabilities on CIFAR-100: candidates from the batch and from the classes",
    seeds: 3,
    small: false,
    groups: || vec![cifar100()],
};

/// The teacher's logits, one row for each training picture of CIFAR-100.
const TEACHER: &str = "data.train_labels={kind=\"logits\", path=\"cifar-100-teacher.csv\"}";

/// A residual network of 8 layers, taught by a linear head on the features of a pretrained network.
fn cifar100() -> Group {
    let cross_entropy = "teacher: soft target cross-entropy";
    let taught = |name: &str, loss: &str, candidates: &str| {
        let changes = [TEACHER.to_owned(), format!("loss.kind=\"{loss}\""), format!("candidates={{{candidates}}}")];
        Variant::new(name, changes)
    };
    let contrastive = |name: &str, candidates: &str| {
        taught(&format!("teacher: soft target InfoNCE, {name}"), "soft-target-infonce", candidates)
            .against(cross_entropy)
    };
    Group {
        name: "cifar100".into(),
        title: "25,000 pictures of CIFAR-100, teacher on pretrained features, residual network of 8 layers".into(),
        theory: "The teacher's probabilities are a distribution that the student is to match, as cross-entropy does. With the \
            targets of the batch as candidates, soft target InfoNCE has another optimum. With all classes as candidates its \
            gradient is that of cross-entropy. Fewer classes, drawn for each batch, are no cheaper here: the classes that the \
            targets of a batch weigh are never left out, and a teacher's targets weigh nearly all."
            .into(),
        recipe: "cifar100-resnet20".into(),
        changes: [
            "network={kind=\"resnet\", depth=8, width=8}",
            "data.validation_share=0.5",
            "mixing.mixup=0.0",
            "schedule.epochs=10",
            "training.evaluate_every=10",
        ]
        .map(str::to_owned)
        .to_vec(),
        variants: vec![
            Variant::new("class labels: NLL", ["loss.kind=\"nll\""]).against(cross_entropy),
            taught(cross_entropy, "soft-target-cross-entropy", "kind=\"batch\""),
            contrastive("the batch", "kind=\"batch\""),
            contrastive("all classes", "kind=\"classes\""),
        ],
        measures: vec![Measure::TOP1, Measure::NLL, Measure::SCALED_NLL, Measure::ECE, Measure::SCALED_ECE],
        chart: None,
    }
}
