//! Rows of features with their labels.

use std::fs;
use std::path::{Path, PathBuf};

use ndarray::Array2;

use crate::ContentError;
use crate::arrays::RowFile;
use crate::labels::{SLACK, largest};
use crate::sets::error::SetError;
use crate::sets::feature_set::FeatureSet;
use crate::sets::layout::{Open, Rules};
use crate::sets::split::Split;

pub(in crate::sets) static RULES: Rules = Rules {
    name: "features",
    title: "Rows of features (embeddings) in .npy or .safetensors files",
    sign: "train.npy or train.safetensors",
    parts: &Split::ALL,
    origin: None,
    detect: |root| rows_of(root, Split::Train).is_some(),
    proof: 1,
    open: Open::Features(open),
};

/// The formats, each by the ending of its files.
const ENDINGS: [&str; 2] = ["npy", "safetensors"];
/// The tensor with the labels, in a safetensors file.
const LABELS: &str = "labels";
const CLASSES: &str = "classes.txt";
/// Classes without names that are taken even where there are fewer rows.
const MOST_UNNAMED: usize = 1 << 16;

fn open(root: &Path, split: Split) -> Result<FeatureSet, SetError> {
    let path = rows_of(root, split).ok_or_else(|| missing(root, split))?;
    let (file, features) = FeatureSet::open(&path)?;
    if file.rows() == 0 {
        return Err(ContentError::whole(&path, "no rows", "at least one"));
    }
    let labels = Labels::read(root, split, &path, file.rows())?;
    let names = match read_names(root)? {
        Some(names) => names,
        // The training labels say how many classes there are, also for the other parts.
        None => numbered(match (split, rows_of(root, Split::Train)) {
            (Split::Validation | Split::Test, Some(train)) => {
                let rows = FeatureSet::open(&train)?.0.rows();
                Labels::read(root, Split::Train, &train, rows)?.least_classes()?
            }
            _ => labels.least_classes()?,
        }),
    };
    let (labels, distributions) = labels.of_classes(&names)?;
    Ok(FeatureSet::labelled((file, features), names, labels, distributions))
}

/// The file with the rows of a part.
fn rows_of(root: &Path, split: Split) -> Option<PathBuf> {
    let files = ENDINGS.map(|ending| root.join(split.name()).with_extension(ending));
    files.into_iter().find(|file| file.is_file())
}

/// Only the training part must be there.
fn missing(root: &Path, split: Split) -> SetError {
    let files = ENDINGS.map(|ending| format!("{split}.{ending}")).join(" or ");
    match split {
        Split::Train => SetError::Missing { path: root.join(format!("{split}.{}", ENDINGS[0])), expected: files },
        _ => SetError::NoPart { path: root.to_owned(), part: split, reason: format!("there is no {files}") },
    }
}

fn read_names(root: &Path) -> Result<Option<Vec<String>>, SetError> {
    let path = root.join(CLASSES);
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).map_err(SetError::io(&path))?;
    let names: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    if names.is_empty() {
        return Err(ContentError::whole(&path, "no lines", "the name of each class, one a line"));
    }
    match names.iter().position(String::is_empty) {
        Some(at) => Err(ContentError::line(&path, at + 1, "an empty line", "the name of a class")),
        None => Ok(Some(names)),
    }
}

fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}

/// The labels of a part, before the number of classes is known.
struct Labels {
    path: PathBuf,
    classes: Vec<usize>,
    /// `[rows, classes]`.
    distributions: Option<Array2<f32>>,
}

impl Labels {
    /// Reads `PART_labels.npy`, or the tensor `labels` beside the features in a safetensors file.
    fn read(root: &Path, split: Split, features: &Path, rows: usize) -> Result<Self, SetError> {
        let beside = root.join(format!("{split}_labels.npy"));
        let within = features.extension() == Some(ENDINGS[1].as_ref());
        let path = match beside.is_file() || !within {
            true => beside,
            false => features.to_owned(),
        };
        if !path.is_file() {
            let expected = "the class of each row, [rows], or a distribution, [rows, classes]".to_owned();
            return Err(SetError::Missing { path, expected });
        }
        let file = RowFile::open(&path, LABELS)?;
        if file.rows() != rows {
            let expected = format!("{rows}, as in {}", features.display());
            return Err(ContentError::whole(&path, format!("labels of {} rows", file.rows()), expected));
        }
        match file.columns() {
            None => {
                let number = |(row, value): (usize, f64)| match value {
                    value if value >= 0.0 && value.fract() == 0.0 && value < u32::MAX.into() => Ok(value as usize),
                    _ => Err(ContentError::whole(&path, format!("{value} in row {row}"), "the number of a class")),
                };
                let classes = file.values()?.into_iter().enumerate().map(number).collect::<Result<_, SetError>>()?;
                Ok(Labels { path, classes, distributions: None })
            }
            Some(1) => {
                let expected = "one dimension, as after labels.reshape(-1)";
                Err(ContentError::whole(&path, format!("labels of shape [{rows}, 1]"), expected))
            }
            Some(columns) => {
                let mut rows = Array2::zeros((file.rows(), columns));
                for (index, mut row) in rows.rows_mut().into_iter().enumerate() {
                    // A new array has its rows one after another.
                    file.read(index, row.as_slice_mut().unwrap_or_default())?;
                    let sum: f64 = row.iter().map(|&value: &f32| f64::from(value)).sum();
                    if (sum - 1.0).abs() > SLACK || row.iter().any(|&value| value < 0.0) {
                        let found = match row.iter().find(|&&value| value < 0.0) {
                            Some(value) => format!("{value} in row {index}"),
                            None => format!("a sum of {sum} in row {index}"),
                        };
                        return Err(ContentError::whole(&path, found, "shares of the classes, none negative, sum 1"));
                    }
                    row.mapv_inplace(|value| (f64::from(value) / sum) as f32);
                }
                let classes = rows.rows().into_iter().map(|row| largest(row, 0)).collect();
                Ok(Labels { path, classes, distributions: Some(rows) })
            }
        }
    }

    /// The number of classes where no names are known. A number far above that of the rows is none of a class, but an
    /// identifier or a time.
    fn least_classes(&self) -> Result<usize, SetError> {
        if let Some(rows) = &self.distributions {
            return Ok(rows.ncols());
        }
        let most = self.classes.len().max(MOST_UNNAMED);
        match self.classes.iter().position(|&class| class >= most) {
            Some(row) => {
                let found = format!("class {} in row {row}", self.classes[row]);
                let expected = format!("a class below {most}, or the names of the classes in {CLASSES}");
                Err(ContentError::whole(&self.path, found, expected))
            }
            None => Ok(self.classes.iter().max().map_or(0, |largest| largest + 1)),
        }
    }

    /// The labels, if they are of these classes.
    fn of_classes(self, names: &[String]) -> Result<(Vec<usize>, Option<Array2<f32>>), SetError> {
        let count = names.len();
        let wrong = |found: String, expected: String| Err(ContentError::whole(&self.path, found, expected));
        if let Some(rows) = self.distributions.as_ref().filter(|rows| rows.ncols() != count) {
            return wrong(format!("shares of {} classes", rows.ncols()), format!("{count} classes"));
        }
        match self.classes.iter().position(|&class| class >= count) {
            Some(row) => {
                let found = format!("class {} in row {row}", self.classes[row]);
                wrong(found, format!("classes 0 to {}", count.saturating_sub(1)))
            }
            None => Ok((self.classes, self.distributions)),
        }
    }
}

#[cfg(test)]
mod tests;
