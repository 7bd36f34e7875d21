//! What a user probably meant by a name that the recipe does not know.

use strsim::damerau_levenshtein;

/// Names of other programs (timm, PyTorch, Lightning) and common short forms, and the key of the recipe.
const ALIASES: [(&str, &str); 44] = [
    ("accum_steps", "training.accumulate"),
    ("accumulation", "training.accumulate"),
    ("arch", "network"),
    ("aug", "augmentation"),
    ("batch", "training.batch_size"),
    ("batch_size", "training.batch_size"),
    ("batchsize", "training.batch_size"),
    ("bs", "training.batch_size"),
    ("clip", "optimizer.clip_norm"),
    ("clip_grad", "optimizer.clip_norm"),
    ("criterion", "loss"),
    ("crop_pct", "augmentation.evaluation.crop_ratio"),
    ("dataset", "data"),
    ("drop_path_rate", "network.drop_path"),
    ("early_stopping", "training.patience"),
    ("ema", "optimizer.average"),
    ("eps", "optimizer.epsilon"),
    ("grad_accum", "training.accumulate"),
    ("grad_accum_steps", "training.accumulate"),
    ("gradient_clip_val", "optimizer.clip_norm"),
    ("hflip", "augmentation.train.flip"),
    ("image_size", "augmentation.size"),
    ("img_size", "augmentation.size"),
    ("input_size", "augmentation.size"),
    ("label_smoothing", "mixing.smoothing"),
    ("lr", "optimizer.learning_rate"),
    ("max_grad_norm", "optimizer.clip_norm"),
    ("max_epochs", "schedule.epochs"),
    ("min_lr", "schedule.minimum_rate"),
    ("model", "network"),
    ("num_epochs", "schedule.epochs"),
    ("num_workers", "training.workers"),
    ("opt", "optimizer.kind"),
    ("optim", "optimizer"),
    ("optimiser", "optimizer"),
    ("pretrained", "weights.path"),
    ("reprob", "augmentation.train.erasing.probability"),
    ("scheduler", "schedule"),
    ("tau", "loss.temperature"),
    ("temp", "loss.temperature"),
    ("transforms", "augmentation"),
    ("val_split", "data.validation_share"),
    ("warmup", "schedule.warmup_epochs"),
    ("wd", "optimizer.weight_decay"),
];

/// Values of other programs and common short forms, and the value of the recipe.
const VALUE_ALIASES: [(&str, &str); 10] = [
    ("adam", "adamw"),
    ("avg", "mean"),
    ("binary-cross-entropy", "bce"),
    ("ce", "soft-target-cross-entropy"),
    ("cls", "token"),
    ("cross-entropy", "soft-target-cross-entropy"),
    ("folder", "image-folder"),
    ("perceptron", "mlp"),
    ("soft-target-ce", "soft-target-cross-entropy"),
    ("transformer", "vit"),
];

/// `; did you mean X?`, to follow an error; empty if nothing is near.
pub(super) fn question(meant: Option<impl std::fmt::Display>) -> String {
    meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default()
}

/// The full key that users of other programs mean by `name`.
pub(super) fn alias(name: &str) -> Option<&'static str> {
    let name = letters(name);
    ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, key)| *key)
}

/// The known value that is meant by `found`: what other programs call it, or else the nearest.
pub(super) fn value<'k>(found: &str, known: &[&'k str]) -> Option<&'k str> {
    let name = letters(found);
    let meant = VALUE_ALIASES.iter().find(|(alias, _)| letters(alias) == name).map(|(_, value)| *value);
    meant.and_then(|meant| known.iter().copied().find(|known| *known == meant)).or_else(|| {
        // `resnet18`: the name of a kind with more behind it.
        let starts = |known: &&&str| known.len() > 2 && name.starts_with(&letters(known));
        nearest(found, known.iter().copied()).or_else(|| known.iter().find(starts).copied())
    })
}

/// The nearest of the known names, if any is near: at most a third of the letters differ, or two; of short names one.
/// Otherwise the only one that begins with `name`.
pub(super) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let known: Vec<&str> = known.into_iter().collect();
    let length = name.chars().count();
    let limit = if length < 4 { 1 } else { (length / 3).max(2) };
    within(limit, name, &known).or_else(|| {
        let name = letters(name);
        let mut longer = known.iter().filter(|known| length > 2 && letters(known).starts_with(&name));
        longer.next().filter(|_| longer.next().is_none()).copied()
    })
}

/// The known name that differs from `name` by the fewest letters, at most `limit`.
pub(super) fn within<'k>(limit: usize, name: &str, known: &[&'k str]) -> Option<&'k str> {
    let name = letters(name);
    let distances = known.iter().map(|known| (damerau_levenshtein(&name, &letters(known)), *known));
    distances.filter(|(distance, _)| *distance <= limit).min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

fn letters(name: &str) -> String {
    name.to_lowercase().replace(['-', ' '], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_near_and_names_that_are_not() {
        let known = ["learning_rate", "base_learning_rate", "weight_decay", "kind"];
        for (name, expected) in [
            ("learning-rate", Some("learning_rate")),
            ("lerning_rate", Some("learning_rate")),
            ("weightdecay", Some("weight_decay")),
            ("kidn", Some("kind")),
            ("weight", Some("weight_decay")),
            ("momentum_of_all", None),
            ("lr", None),
        ] {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
    }

    #[test]
    fn values_of_other_programs() {
        let few = [("elem", Some("element")), ("Batch", Some("batch")), ("row", None), ("e", None)];
        for (found, expected) in few {
            assert_eq!(value(found, &["batch", "pair", "element"]), expected, "{found}");
        }
        let few = [
            ("resnet18", "resnet"),
            ("resnet-18", "resnet"),
            ("ResNet", "resnet"),
            ("perceptron", "mlp"),
            ("vti", "vit"),
        ];
        for (found, expected) in few.map(|(found, expected)| (found, Some(expected))) {
            assert_eq!(value(found, &["linear", "mlp", "resnet", "vit"]), expected, "{found}");
        }
    }
}
