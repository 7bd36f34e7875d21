//! The pictures and labels of a recipe.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ndarray::{Array2, Axis};
use softnce_data::augmentation::Augmentation;
use softnce_data::features::Standardisation;
use softnce_data::fetch::Registry;
use softnce_data::labels::{self, LabelSource};
use softnce_data::loader::{LoaderError, Preparation};
use softnce_data::sets::{Layout, SetError, Split};
use softnce_data::subset::{Subset, SubsetError, long_tail, stratified};
use softnce_data::{Fingerprint, PictureSource};

use super::error::RunError;
use super::fingerprints::Fingerprints;
use super::usable::Findings;
use crate::recipe::{DataSection, Recipe};

/// Pictures with what is known of their labels.
#[derive(Debug, Clone)]
pub struct Labelled {
    /// The pictures with their classes.
    pub pictures: Arc<dyn PictureSource>,
    /// Their label distributions, where the recipe names any or the set has them. Shape `[pictures, classes]`.
    pub distributions: Option<Arc<Array2<f32>>>,
    /// Brings rows of features to the scale of the training rows; none for pictures.
    pub standardisation: Option<Arc<Standardisation>>,
}

impl Labelled {
    /// Pictures with these label distributions, or those of their set.
    pub fn new(pictures: Arc<dyn PictureSource>, distributions: Option<Arc<Array2<f32>>>) -> Labelled {
        let distributions = distributions.or_else(|| pictures.distributions().cloned());
        Labelled { pictures, distributions, standardisation: None }
    }

    /// From a sample to the network's input.
    ///
    /// # Errors
    /// Settings of the augmentation out of their range.
    pub(super) fn preparation(&self, recipe: &Recipe) -> Result<Preparation, RunError> {
        Ok(match self.pictures.features() {
            Some(features) => Preparation::Features { features, standardisation: self.standardisation.clone() },
            None => Augmentation::new(recipe.augmentation.clone())?.into(),
        })
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.pictures.labels().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those of these indices.
    pub(super) fn select(&self, rows: Vec<usize>) -> Result<Labelled, RunError> {
        if rows.len() == self.len() && rows.is_sorted() {
            return Ok(self.clone());
        }
        let distributions = self.distributions.as_ref().map(|all| Arc::new(all.select(Axis(0), &rows)));
        let pictures = Arc::new(Subset::new(Arc::clone(&self.pictures), rows)?);
        Ok(Labelled { pictures, distributions, standardisation: self.standardisation.clone() })
    }
}

/// What a recipe trains, validates and tests on.
#[derive(Debug, Clone)]
pub struct RunData {
    /// Pictures to learn from.
    pub train: Labelled,
    /// Pictures held out of them; none where the recipe validates on the test pictures.
    pub validation: Option<Labelled>,
    /// Pictures to test on.
    pub test: Labelled,
    /// Pictures of each class to learn from. Shape `[classes]`.
    pub class_counts: Vec<u64>,
    /// The data folder, as an absolute path; none if nothing was read from it.
    pub folder: Option<PathBuf>,
    pub(super) findings: Findings,
    pub(super) fingerprints: Arc<OnceLock<Fingerprints>>,
}

impl RunData {
    /// Reads what the recipe names. Relative paths start from `folder`, the data folder; the set is found there as
    /// [`Registry::folder`] finds it, and label files as [`Registry::file`] does.
    ///
    /// # Errors
    /// Files that are missing or damaged, by their path, with what to do next; splits that leave nothing; label
    /// distributions of another number of pictures or classes.
    pub fn open(section: &DataSection, folder: &Path) -> Result<RunData, RunError> {
        let (layout, root) = place(section, folder)?;
        let open = |part| layout.open_with(&root, part, section.decoding());
        let opened = |part| open(part).map_err(|error| incomplete(error, section, folder, &root));
        let read = |key, labels, pictures| read(key, labels, (folder, &root), pictures);
        let (mut findings, policy) = (Findings::default(), section.bad_pictures);
        let part = match validation_part(section, layout, open)? {
            Some(pictures) => {
                let rows = findings.usable(pictures.as_ref(), policy);
                Some(Labelled::new(pictures, None).select(rows)?)
            }
            None => None,
        };
        let (mut train, mut test) = match section.test_share {
            Some(share) => {
                let all = opened(section.train_part)?;
                let for_training = read(TRAIN_LABELS, &section.train_labels, &all);
                let for_test = read(TEST_LABELS, &section.test_labels, &all);
                let rows = findings.usable(all.as_ref(), policy);
                let labels: Vec<usize> = rows.iter().map(|&row| all.labels()[row]).collect();
                let classes = all.class_names();
                let split =
                    stratified(&labels, classes.len(), share, section.test_seed.unwrap_or(section.split_seed) ^ TEST);
                let (kept, held) = split.map_err(|error| in_words(error, section, classes))?;
                let [kept, held] = [kept, held].map(|places| places.into_iter().map(|place| rows[place]).collect());
                let whole = |distributions| Labelled::new(Arc::clone(&all), distributions);
                (whole(for_training?).select(kept)?, whole(for_test?).select(held)?)
            }
            None => {
                let (train, test) = (opened(section.train_part)?, opened(Split::Test)?);
                let for_training = read(TRAIN_LABELS, &section.train_labels, &train)?;
                let for_test = read(TEST_LABELS, &section.test_labels, &test)?;
                let mut usable = |pictures: Arc<dyn PictureSource>, distributions| {
                    let rows = findings.usable(pictures.as_ref(), policy);
                    Labelled::new(pictures, distributions).select(rows)
                };
                (usable(train, for_training)?, usable(test, for_test)?)
            }
        };
        same_classes(&train, &test)?;
        for held_out in part.iter().chain([&test]) {
            same_features(&train, held_out)?;
        }
        let names = train.pictures.class_names().to_vec();
        let classes = names.len();
        let refused = |error| in_words(error, section, &names);
        let mut validation = None;
        let usable = train.len();
        let has_share = part.is_none();
        if let Some(part) = part {
            findings.notes.push(format!(
                "validating on the {} pictures of the set's validation part; data.validation_share is not used",
                part.len()
            ));
            validation = Some(part);
        } else if section.validation_share > 0.0 {
            let (share, seed) = (section.validation_share, section.split_seed);
            let (kept, held) = stratified(train.pictures.labels(), classes, share, seed).map_err(refused)?;
            validation = Some(train.select(held)?);
            train = train.select(kept)?;
        }
        if let Some(imbalance) = section.imbalance {
            let rows = long_tail(train.pictures.labels(), classes, imbalance, section.split_seed).map_err(refused)?;
            train = train.select(rows)?;
        }
        if train.is_empty() {
            return Err(no_pictures("train", None));
        }
        if validation.as_ref().is_some_and(Labelled::is_empty) {
            // The set's own part is empty only if none of its pictures can be decoded.
            let share = ("data.validation_share", section.validation_share, usable);
            return Err(no_pictures("validate", Some(share).filter(|_| has_share)));
        }
        if test.is_empty() {
            let share = section.test_share.map(|share| ("data.test_share", share, usable));
            return Err(no_pictures("test", share));
        }
        if train.pictures.features().is_some() && section.standardise {
            let of = |source| LoaderError::Picture { picture: "the training rows".to_owned(), source };
            let scale = Some(Arc::new(Standardisation::of(train.pictures.as_ref()).map_err(of)?));
            for part in [&mut train, &mut test].into_iter().chain(&mut validation) {
                part.standardisation.clone_from(&scale);
            }
        }
        let mut class_counts = vec![0; classes];
        for &label in train.pictures.labels() {
            class_counts[label] += 1;
        }
        let reads = section.path.is_some() || section.train_labels.is_some() || section.test_labels.is_some();
        let folder = std::path::absolute(folder).ok().filter(|_| reads);
        Ok(RunData { train, validation, test, class_counts, folder, findings, fingerprints: Arc::default() })
    }

    /// All pictures of a split of the recipe's set, in their order in the set, those that cannot be decoded included.
    ///
    /// # Errors
    /// As [`RunData::open`]; a set without this split.
    pub(super) fn split(section: &DataSection, split: Split, folder: &Path) -> Result<Labelled, RunError> {
        let (layout, root) = place(section, folder)?;
        let opened = layout.open_with(&root, split, section.decoding());
        Ok(Labelled::new(opened.map_err(|error| incomplete(error, section, folder, &root))?, None))
    }

    /// Values of a row, if the data are rows of features.
    pub fn features(&self) -> Option<usize> {
        self.train.pictures.features()
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.class_counts.len()
    }

    /// What tells whether the data are still the same. It is worked out once, for all clones too.
    pub fn fingerprints(&self) -> &Fingerprints {
        let of = |part: &Labelled| Fingerprint::new(part.pictures.as_ref(), part.distributions.as_deref());
        self.fingerprints.get_or_init(|| Fingerprints {
            training: of(&self.train),
            validation: self.validation.as_ref().map(of),
            test: of(&self.test),
        })
    }

    /// The pictures on which the epochs are validated: those held out, or else the test pictures.
    pub fn validation_or_test(&self) -> &Labelled {
        self.validation.as_ref().unwrap_or(&self.test)
    }
}

/// Changes the seed, so that the test pictures are not drawn like the validation pictures.
const TEST: u64 = 0x7465_7374;

const TRAIN_LABELS: &str = "data.train_labels.path";
const TEST_LABELS: &str = "data.test_labels.path";

/// The layout and the folder of a set.
fn place(section: &DataSection, folder: &Path) -> Result<(Layout, PathBuf), RunError> {
    match (section.layout, &section.path) {
        (Some(layout), _) if layout.origin().is_some() => Ok((layout, PathBuf::new())),
        (layout, Some(path)) => {
            let root = Registry::known().folder(folder, path);
            let root = root.map_err(|source| RunError::Missing { key: "data.path", source })?;
            let detected = || Layout::detect(&root).map_err(|error| incomplete(error, section, folder, &root));
            Ok((layout.map_or_else(detected, Ok)?, root))
        }
        (_, None) => {
            let embedded = Layout::ALL.into_iter().filter(|layout| layout.origin().is_some()).map(Layout::name);
            let embedded = embedded.collect::<Vec<_>>().join(", ");
            Err(RunError::Data {
                argument: "data.path",
                found: "absent".into(),
                expected: format!("the folder of the set; only an embedded set ({embedded}) needs none"),
            })
        }
    }
}

/// The validation part of a set that has one, unless the recipe trains on another part or wants no validation.
fn validation_part(
    section: &DataSection,
    layout: Layout,
    open: impl Fn(Split) -> Result<Arc<dyn PictureSource>, SetError>,
) -> Result<Option<Arc<dyn PictureSource>>, RunError> {
    let has_one = layout.parts().contains(&Split::Validation);
    if !has_one || section.train_part != Split::Train || section.validation_share == 0.0 {
        return Ok(None);
    }
    match open(Split::Validation) {
        Err(SetError::NoPart { .. }) => Ok(None),
        opened => Ok(Some(opened?)),
    }
}

/// Adds what to do next to the error of a set that can be downloaded and lacks files.
fn incomplete(source: SetError, section: &DataSection, folder: &Path, root: &Path) -> RunError {
    let lacks = matches!(source, SetError::Missing { .. } | SetError::Undetected { .. });
    let path = section.path.as_deref().filter(|_| lacks);
    match path.and_then(|path| Registry::known().completion(folder, path, root)) {
        Some(remedy) => RunError::Incomplete { source, remedy },
        None => source.into(),
    }
}

/// Reads label distributions; `folder` and `root`: the data folder and that of the set.
fn read(
    key: &'static str,
    source: &Option<LabelSource>,
    (folder, root): (&Path, &Path),
    pictures: &Arc<dyn PictureSource>,
) -> Result<Option<Arc<Array2<f32>>>, RunError> {
    let Some(source) = source else { return Ok(None) };
    let file = Registry::known().file(folder, source.path(), Some(root));
    let source = source.clone().at(file.map_err(|source| RunError::Missing { key, source })?);
    let rows = labels::read(&source, pictures.as_ref(), root)?;
    Ok(Some(Arc::new(rows)))
}

/// The refusal of a split in the words of a recipe.
fn in_words(error: SubsetError, section: &DataSection, classes: &[String]) -> RunError {
    let imbalance = section.imbalance.unwrap_or(1.0).to_string();
    let (argument, name) = ("data.imbalance", |class: usize| classes.get(class).map_or("", String::as_str));
    match error {
        SubsetError::Empty => no_pictures("train", None),
        SubsetError::Unreachable { class, rows, most, .. } => {
            let expected =
                format!("at most {most}: class {:?} would keep none of its {rows} training pictures", name(class));
            RunError::Data { argument, found: imbalance, expected }
        }
        SubsetError::AbsentClass { class, .. } => {
            let expected = format!("no value, because class {:?} has no training pictures", name(class));
            RunError::Data { argument, found: imbalance, expected }
        }
        other => other.into(),
    }
}

/// The error of a part without pictures: what it is for, and the key, the value and the pictures of the share that it
/// was drawn from; `None` if it is no share.
fn no_pictures(purpose: &'static str, share: Option<(&'static str, f64, usize)>) -> RunError {
    let reason = match share {
        Some((key, share, pictures)) => format!(
            "{key} = {share} of the pictures of each class, rounded, is none ({pictures} pictures in all); a larger share \
             or more pictures are needed"
        ),
        None => "no picture of this part can be decoded".to_owned(),
    };
    RunError::NoPictures { purpose, reason }
}

fn same_features(train: &Labelled, other: &Labelled) -> Result<(), RunError> {
    let (found, expected) = (other.pictures.features(), train.pictures.features());
    if found == expected {
        return Ok(());
    }
    let words = |features: Option<usize>| features.map_or("pictures".to_owned(), |count| format!("{count} features"));
    let (found, expected) = (words(found), format!("{}, as the training part has", words(expected)));
    Err(RunError::Data { argument: "the width of the test or validation rows", found, expected })
}

fn same_classes(train: &Labelled, test: &Labelled) -> Result<(), RunError> {
    let (found, expected) = (test.pictures.class_names(), train.pictures.class_names());
    if found == expected {
        return Ok(());
    }
    let differing = found.iter().zip(expected).find(|(one, other)| one != other);
    let found = match differing {
        Some((one, other)) => format!("{} classes, {one:?} in the place of {other:?}", found.len()),
        None => format!("{} classes", found.len()),
    };
    let expected = format!("the {} classes of the training pictures", expected.len());
    Err(RunError::Data { argument: "classes of the test pictures", found, expected })
}

#[cfg(test)]
mod tests;
