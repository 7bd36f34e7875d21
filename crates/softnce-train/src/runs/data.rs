//! The pictures and labels of a recipe.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::{Array2, Axis};
use softnce_data::PictureSource;
use softnce_data::labels::{self, LabelSource};
use softnce_data::sets::{Layout, Split};
use softnce_data::subset::{Subset, long_tail, stratified};

use super::error::RunError;
use crate::recipe::DataSection;

/// Pictures with what is known of their labels.
#[derive(Debug, Clone)]
pub struct Labelled {
    /// The pictures with their classes.
    pub pictures: Arc<dyn PictureSource>,
    /// Their label distributions, where the recipe names any. Shape `[pictures, classes]`.
    pub distributions: Option<Arc<Array2<f32>>>,
}

impl Labelled {
    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.pictures.labels().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn select(&self, rows: Vec<usize>) -> Result<Labelled, RunError> {
        let distributions = self.distributions.as_ref().map(|all| Arc::new(all.select(Axis(0), &rows)));
        Ok(Labelled { pictures: Arc::new(Subset::new(Arc::clone(&self.pictures), rows)?), distributions })
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
}

impl RunData {
    /// Reads what the recipe names; `folder` is that of all data, in which relative paths lie.
    ///
    /// # Errors
    /// Files that are missing or damaged, by their path; splits that leave nothing; label distributions of another
    /// number of pictures or classes.
    pub fn open(section: &DataSection, folder: &Path) -> Result<RunData, RunError> {
        let (layout, root) = place(section, folder)?;
        let open = |part| layout.open(&root, part);
        let (mut train, test) = match section.test_share {
            Some(share) => {
                let all = open(section.train_part)?;
                let both = [&section.train_labels, &section.test_labels].map(|labels| read(labels, &root, &all));
                let [for_training, for_test] = both;
                let (kept, held) = stratified(all.labels(), all.class_names().len(), share, section.split_seed ^ TEST)?;
                let whole = |distributions| Labelled { pictures: Arc::clone(&all), distributions };
                (whole(for_training?).select(kept)?, whole(for_test?).select(held)?)
            }
            None => {
                let (train, test) = (open(section.train_part)?, open(Split::Test)?);
                let (for_training, for_test) =
                    (read(&section.train_labels, &root, &train)?, read(&section.test_labels, &root, &test)?);
                let labelled = |pictures, distributions| Labelled { pictures, distributions };
                (labelled(train, for_training), labelled(test, for_test))
            }
        };
        same_classes(&train, &test)?;
        let classes = train.pictures.class_names().len();
        let mut validation = None;
        if section.validation_share > 0.0 {
            let (kept, held) =
                stratified(train.pictures.labels(), classes, section.validation_share, section.split_seed)?;
            validation = Some(train.select(held)?);
            train = train.select(kept)?;
        }
        if let Some(imbalance) = section.imbalance {
            train = train.select(long_tail(train.pictures.labels(), classes, imbalance, section.split_seed)?)?;
        }
        for (argument, part) in [
            ("training pictures", Some(&train)),
            ("validation pictures", validation.as_ref()),
            ("test pictures", Some(&test)),
        ] {
            if part.is_some_and(Labelled::is_empty) {
                let expected =
                    "at least one: the shares of data.validation_share and data.test_share leave none".into();
                return Err(RunError::Data { argument, found: "none".into(), expected });
            }
        }
        let mut class_counts = vec![0; classes];
        for &label in train.pictures.labels() {
            class_counts[label] += 1;
        }
        Ok(RunData { train, validation, test, class_counts })
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.class_counts.len()
    }

    /// The pictures on which the epochs are validated: those held out, or else the test pictures.
    pub fn validation_or_test(&self) -> &Labelled {
        self.validation.as_ref().unwrap_or(&self.test)
    }
}

/// Changes the seed, so that the test pictures are not drawn like the validation pictures.
const TEST: u64 = 0x7465_7374;

/// The layout and the folder of a set.
fn place(section: &DataSection, folder: &Path) -> Result<(Layout, PathBuf), RunError> {
    let root = section.path.as_ref().map(|path| folder.join(path));
    match (section.layout, root) {
        (Some(layout), root) if layout.origin().is_some() => Ok((layout, root.unwrap_or_default())),
        (Some(layout), Some(root)) => Ok((layout, root)),
        (None, Some(root)) => Ok((Layout::detect(&root)?, root)),
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

fn read(
    source: &Option<LabelSource>,
    root: &Path,
    pictures: &Arc<dyn PictureSource>,
) -> Result<Option<Arc<Array2<f32>>>, RunError> {
    let Some(source) = source else { return Ok(None) };
    let source = source.clone().within(root);
    let rows = labels::read(&source, pictures.labels().len(), pictures.class_names().len())?;
    Ok(Some(Arc::new(rows)))
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
mod tests {
    #![allow(clippy::unwrap_used)]

    use softnce_data::Picture;
    use softnce_data::info::write_png;

    use super::*;

    #[test]
    fn a_set_without_a_test_part_is_split_by_its_share() {
        let folder = tempfile::tempdir().unwrap();
        for class in ["ant", "bee"] {
            std::fs::create_dir_all(folder.path().join("set").join(class)).unwrap();
            for number in 0..20 {
                let picture = Picture { height: 1, width: 1, channels: 1, pixels: vec![number].into() };
                write_png(&folder.path().join(format!("set/{class}/{number}.png")), &picture).unwrap();
            }
        }
        let section = DataSection { path: Some("set".into()), validation_share: 0.25, ..DataSection::default() };
        let message = RunData::open(&section, folder.path()).unwrap_err().to_string();
        assert!(message.contains("no test part") && message.contains("data.test_share"), "{message}");

        let section = DataSection { test_share: Some(0.2), ..section };
        let data = RunData::open(&section, folder.path()).unwrap();
        let validation = data.validation.as_ref().unwrap();
        assert_eq!((data.train.len(), validation.len(), data.test.len()), (24, 8, 8));
        assert_eq!(data.class_counts, [12, 12]);
        assert_eq!(data.train.pictures.class_names(), ["ant", "bee"]);
        // No picture is in two parts.
        let name = |part: &Labelled| (0..part.len()).map(|index| part.pictures.describe(index)).collect::<Vec<_>>();
        let mut all = [name(&data.train), name(validation), name(&data.test)].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 40);
    }
}
