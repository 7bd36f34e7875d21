//! Checks a recipe against its data. Refuses a run that would learn nothing; notes what else does not fit.

use softnce::LossKind;
use softnce_data::augmentation::AugmentationConfig;
use softnce_data::candidates::CandidateConfig;
use softnce_nn::models::NetworkConfig;

use super::data::{Labelled, RunData};
use super::error::RunError;
use crate::recipe::Recipe;

/// Relative difference of the reached from the requested imbalance above which it is noted.
const NEAR: f64 = 0.05;
/// A note names at most this many classes.
const NAMED: usize = 5;

/// What a user should know before training, with keys and values: settings that are not used, classes without pictures
/// and the like.
///
/// # Errors
/// As [`super::Run::open`], if recipe and data do not fit together.
pub fn notes(recipe: &Recipe, data: &RunData) -> Result<Vec<String>, RunError> {
    Ok([recipe.notes(), check(&recipe.clone().resolved(), data)?].concat())
}

/// Checks a resolved recipe against its data. Returns what the user should know, with keys and values.
///
/// # Errors
/// Fewer than two classes; no full batch with `drop_last`; a single training picture under a loss with candidates.
pub(super) fn check(recipe: &Recipe, data: &RunData) -> Result<Vec<String>, RunError> {
    let (pictures, batch_size) = (data.train.len(), recipe.training.batch_size);
    if data.classes() < 2 {
        let found = format!("{} ({})", data.classes(), data.train.pictures.class_names().join(", "));
        let expected = "at least 2: there is nothing to tell apart".into();
        return Err(RunError::Data { argument: "the number of classes", found, expected });
    }
    if recipe.training.drop_last && pictures < batch_size {
        let found = format!("{batch_size} with training.drop_last = true");
        let expected = format!("at most the number of training pictures, {pictures}: no batch would be full");
        return Err(RunError::Data { argument: "training.batch_size", found, expected });
    }
    let alone = recipe.loss.kind.is_contrastive() && recipe.candidates == CandidateConfig::Batch;
    if alone && pictures == 1 {
        let (found, expected) = ("1".into(), "at least 2: the candidates of a picture come from its batch".into());
        return Err(RunError::Data { argument: "the number of training pictures", found, expected });
    }
    let mut notes = features(recipe, data)?;
    if pictures < batch_size {
        notes.push(format!(
            "training.batch_size is {batch_size}: with {pictures} training pictures, batches of {pictures}"
        ));
    }
    if alone && !recipe.training.drop_last && pictures > batch_size && pictures % batch_size == 1 {
        notes.push(format!(
            "training.batch_size is {batch_size}: the last batch of an epoch has 1 of the {pictures} training pictures and \
             no other candidate, so it teaches nothing; training.drop_last = true skips it"
        ));
    }
    notes.extend(shifted(recipe, data));
    notes.extend(absent(recipe, data));
    notes.extend(recipe.data.imbalance.and_then(|imbalance| unreached(imbalance, data)));
    Ok(notes)
}

/// Refuses settings that rows of features cannot have; notes those that they do not use.
fn features(recipe: &Recipe, data: &RunData) -> Result<Vec<String>, RunError> {
    if data.features().is_none() {
        return Ok(Vec::new());
    }
    let refuse = |argument, found: String, expected: &str| {
        Err(RunError::Data { argument, found, expected: expected.to_owned() })
    };
    if !matches!(recipe.network, NetworkConfig::Linear(_) | NetworkConfig::Mlp(_)) {
        let found = format!("\"{}\"", recipe.network.kind().name);
        return refuse("network.kind", found, "\"linear\" or \"mlp\": the data are rows of features, not pictures");
    }
    let cutmix = recipe.mixing.as_ref().map_or(0.0, |mixing| mixing.cutmix);
    if cutmix > 0.0 {
        return refuse("mixing.cutmix", cutmix.to_string(), "0: features have no areas to paste; mixing.mixup works");
    }
    let is_used = recipe.augmentation != AugmentationConfig::default();
    Ok(if is_used { vec!["the data are rows of features: [augmentation] is left out".to_owned()] } else { Vec::new() })
}

/// A note if label distributions are candidates of each other, which shifts the optimum of soft target InfoNCE away from
/// them, or if those of the set are not used.
fn shifted(recipe: &Recipe, data: &RunData) -> Option<String> {
    data.train.distributions.as_ref()?;
    let labels = recipe.data.train_labels.as_ref();
    let kind = recipe.loss.kind;
    if !kind.takes_soft_targets() {
        // Those of a file are noted by the recipe.
        let note = || format!("{} takes hard labels: the label distributions of the set are left out", kind.title());
        return labels.is_none().then(note);
    }
    let classes = matches!(recipe.candidates, CandidateConfig::Classes { .. });
    if kind != LossKind::SoftTargetInfoNce || classes {
        return None;
    }
    let place =
        labels.map_or_else(|| "the set".to_owned(), |labels| format!("data.train_labels (path {:?})", labels.path()));
    Some(format!(
        "{place} has label distributions: if these are to be matched, as with a teacher or votes, candidates from the \
         targets shift the optimum away from them; candidates.kind = \"classes\" matches them, and so does loss.kind = \"{}\"",
        LossKind::SoftTargetCrossEntropy,
    ))
}

/// Notes on classes without pictures.
fn absent(recipe: &Recipe, data: &RunData) -> Vec<String> {
    let share = recipe.data.validation_share;
    let parts = [
        (Some(&data.train), "training", String::new()),
        (data.validation.as_ref(), "validation", format!(" (data.validation_share = {share})")),
        (
            Some(&data.test),
            "test",
            recipe.data.test_share.map_or_else(String::new, |share| format!(" (data.test_share = {share})")),
        ),
    ];
    let note = |(part, name, key): (Option<&Labelled>, &str, String)| {
        let pictures = &part?.pictures;
        let mut counts = vec![0_usize; data.classes()];
        pictures.labels().iter().for_each(|&label| counts[label] += 1);
        let without: Vec<usize> = (0..counts.len()).filter(|&class| counts[class] == 0).collect();
        let mut names: Vec<&str> =
            without.iter().take(NAMED).map(|&class| pictures.class_names()[class].as_str()).collect();
        if without.len() > NAMED {
            names.push("..");
        }
        let (absent, classes, names) = (without.len(), counts.len(), names.join(", "));
        (absent > 0).then(|| format!("{absent} of {classes} classes have no {name} pictures{key}: {names}"))
    };
    parts.into_iter().filter_map(note).collect()
}

/// A note if the training pictures do not have the requested imbalance: counts are integers, and the original
/// proportions of a set that is not balanced remain.
fn unreached(imbalance: f64, data: &RunData) -> Option<String> {
    let counts = data.class_counts.iter().filter(|&&count| count > 0);
    let (largest, smallest) = (counts.clone().max()?, counts.min()?);
    let reached = *largest as f64 / *smallest as f64;
    ((reached / imbalance - 1.0).abs() > NEAR).then(|| {
        format!("data.imbalance is {imbalance}: the largest class has {largest} training pictures, the smallest {smallest}, a ratio of {reached:.1}")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use softnce_data::sets::MemorySet;

    use super::super::usable::Findings;
    use super::*;

    fn part(labels: &[usize], classes: usize) -> Labelled {
        let names = (0..classes).map(|class| format!("class{class}")).collect();
        let set = MemorySet::new("made", names, labels.to_vec(), [1, 1, 1], vec![0; labels.len()]).unwrap();
        Labelled::new(Arc::new(set), None)
    }

    fn data(train: &[usize], classes: usize) -> RunData {
        let mut class_counts = vec![0; classes];
        train.iter().for_each(|&label| class_counts[label] += 1);
        let test: Vec<usize> = (0..classes).collect();
        let (train, test, findings) = (part(train, classes), part(&test, classes), Findings::default());
        let fingerprints = Arc::default();
        RunData { train, validation: None, test, class_counts, folder: None, findings, fingerprints }
    }

    fn checked(changes: &[&str], data: &RunData) -> Result<Vec<String>, String> {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        check(&Recipe::read("digits", &changes).unwrap(), data).map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_be_learned_is_refused() {
        let message = checked(&[], &data(&[0, 0, 0], 1)).unwrap_err();
        assert_eq!(message, "the number of classes is 1 (class0), expected at least 2: there is nothing to tell apart");
        let few = data(&[0, 1, 1, 0, 1], 2);
        let message = checked(&["training.batch_size=8", "training.drop_last=true"], &few).unwrap_err();
        let expected = "training.batch_size is 8 with training.drop_last = true, expected at most the number of training \
                        pictures, 5: no batch would be full";
        assert_eq!(message, expected);
        let message = checked(&[], &data(&[1], 2)).unwrap_err();
        assert!(message.starts_with("the number of training pictures is 1, expected at least 2"), "{message}");
        assert!(checked(&["loss.kind=nll"], &data(&[1], 2)).is_ok());
    }

    #[test]
    fn what_the_user_may_not_expect_is_noted() {
        let few = data(&[0, 1, 1, 0, 1], 2);
        assert_eq!(checked(&["training.batch_size=5"], &few).unwrap(), [""; 0]);
        let notes = checked(&["training.batch_size=8"], &few).unwrap();
        assert_eq!(notes, ["training.batch_size is 8: with 5 training pictures, batches of 5"]);
        let notes = checked(&["training.batch_size=2"], &few).unwrap();
        assert!(
            notes[0].starts_with("training.batch_size is 2: the last batch of an epoch has 1 of the 5"),
            "{notes:?}"
        );
        for fine in ["loss.kind=nll", "training.drop_last=true", "candidates={kind=\"queue\", size=4}"] {
            assert_eq!(checked(&["training.batch_size=2", fine], &few).unwrap(), [""; 0], "{fine}");
        }
    }

    #[test]
    fn distributions_that_are_candidates_of_each_other_are_noted() {
        let mut few = data(&[0, 1, 1, 0, 1], 2);
        few.train.distributions = Some(ndarray::Array2::from_elem((5, 2), 0.5).into());
        let of_set = |loss: &str| checked(&["training.batch_size=5", loss], &few).unwrap();
        assert!(of_set("loss.kind=soft-target-infonce")[0].starts_with("the set has label distributions"));
        assert_eq!(of_set("loss.kind=nll"), ["NLL takes hard labels: the label distributions of the set are left out"]);
        let with = |changes: &[&str]| {
            let labels = "data.train_labels={kind=\"votes\", path=\"votes.npy\"}";
            checked(&[&["training.batch_size=5", labels], changes].concat(), &few).unwrap()
        };
        for candidates in ["candidates={kind=\"batch\"}", "candidates={kind=\"queue\", size=9}"] {
            let notes = with(&["loss.kind=soft-target-infonce", candidates]);
            let words =
                ["data.train_labels (path \"votes.npy\") has label distributions", "candidates.kind = \"classes\""];
            assert!(notes.len() == 1 && words.iter().all(|words| notes[0].contains(words)), "{notes:?}");
        }
        assert_eq!(with(&["loss.kind=soft-target-infonce", "candidates={kind=\"classes\"}"]), [""; 0]);
        for loss in ["soft-target-cross-entropy", "soft-distribution-infonce"] {
            assert_eq!(with(&[&format!("loss.kind={loss}")]), [""; 0], "{loss}");
        }
    }

    #[test]
    fn classes_without_pictures_are_named_with_their_part() {
        let mut data = data(&[0, 0, 0, 2], 3);
        data.validation = Some(part(&[0, 1], 3));
        data.test = part(&[0, 1], 3);
        let notes =
            checked(&["training.batch_size=4", "data.validation_share=0.25", "data.test_share=0.5"], &data).unwrap();
        let expected = [
            "1 of 3 classes have no training pictures: class1",
            "1 of 3 classes have no validation pictures (data.validation_share = 0.25): class2",
            "1 of 3 classes have no test pictures (data.test_share = 0.5): class2",
        ];
        assert_eq!(notes, expected);
    }

    #[test]
    fn an_imbalance_that_is_not_reached_is_noted() {
        let counts = |first: usize, last: usize| data(&[vec![0; first], vec![1; last]].concat(), 2);
        assert_eq!(checked(&["training.batch_size=4", "data.imbalance=10"], &counts(100, 10)).unwrap(), [""; 0]);
        let notes = checked(&["training.batch_size=4", "data.imbalance=10"], &counts(10, 100)).unwrap();
        assert_eq!(notes, [""; 0], "the largest to the smallest class, whatever their order");
        let notes = checked(&["training.batch_size=4", "data.imbalance=10"], &counts(60, 40)).unwrap();
        let expected =
            "data.imbalance is 10: the largest class has 60 training pictures, the smallest 40, a ratio of 1.5";
        assert_eq!(notes, [expected]);
    }
}
