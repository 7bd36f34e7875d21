//! The classes of idx files: their number, their names, and the label of the first one.

use std::path::{Path, PathBuf};

use super::files::IdxFiles;
use crate::ContentError;
use crate::sets::error::SetError;
use crate::sets::names;

/// The classes of a set. A label is the number of its class, counted from `first`.
#[derive(Debug)]
pub(super) struct IdxClasses {
    pub(super) names: Vec<String>,
    /// Label of the first class: 0 or 1.
    first: usize,
    /// The file that says how many classes there are.
    source: PathBuf,
}

impl IdxClasses {
    /// The classes of a set with these training labels, which `file` holds.
    ///
    /// The names are the lines of `classes.txt`, or else of `NAME-mapping.txt`, or else those of EMNIST's sets, or else
    /// the labels. Labels count from 1 if no training label is 0, unless the names show that 0 is a class too.
    pub(super) fn new(set: &IdxFiles, file: &Path, labels: &[u8]) -> Result<Self, SetError> {
        let smallest = labels.iter().min().map_or(0, |&label| usize::from(label));
        let largest = labels.iter().max().map_or(0, |&label| usize::from(label));
        let counted_from = |names: usize| usize::from(smallest > 0 && names == largest);
        let listed = set.folder.join("classes.txt");
        if let Some(names) = names::read(&listed)? {
            if names.is_empty() {
                return Err(ContentError::line(&listed, 1, "''", "the names of the classes, one a line"));
            }
            return Ok(Self { first: counted_from(names.len()), names, source: listed });
        }
        if let Some(mapping) = set.mapping()
            && let Some(lines) = names::read(&mapping)?
        {
            let (first, names) = mapped(&mapping, &lines)?;
            return Ok(Self { names, first, source: mapping });
        }
        let source = file.to_owned();
        if let Some(names) = emnist(&set.name) {
            // The letters count from 1, unless someone counted them anew.
            return Ok(Self { first: usize::from(names[0] == "A" && smallest > 0), names, source });
        }
        let first = usize::from(smallest == 1);
        Ok(Self { names: (first..=largest).map(|label| label.to_string()).collect(), first, source })
    }

    /// The class of each label in `file`.
    pub(super) fn classes(&self, file: &Path, labels: &[u8]) -> Result<Vec<usize>, SetError> {
        let (first, count) = (self.first, self.names.len());
        let class = |(row, &label): (usize, &u8)| {
            let class = usize::from(label).checked_sub(first).filter(|&class| class < count);
            class.ok_or_else(|| {
                let expected = format!("labels {first} to {}, as in {}", first + count - 1, self.source.display());
                ContentError::byte(file, 8 + row as u64, format!("label {label}"), expected)
            })
        };
        labels.iter().enumerate().map(class).collect()
    }
}

/// The label of the first class, and the names: each line of EMNIST's file has a label and the code points of the
/// characters that it stands for.
fn mapped(path: &Path, lines: &[String]) -> Result<(usize, Vec<String>), SetError> {
    let expected = "a label, one higher than in the line before, and the code points of its characters";
    let mut first = None;
    let mut names = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let mut numbers = line.split_ascii_whitespace().map(|word| word.parse::<u32>().ok());
        let label = numbers.next().flatten().map(|label| label as usize);
        let name: Option<String> = numbers.map(|code| code.and_then(char::from_u32)).collect();
        match (label, name) {
            (Some(label), Some(name)) if !name.is_empty() && label == *first.get_or_insert(label) + index => {
                names.push(name);
            }
            _ => return Err(ContentError::line(path, index + 1, format!("'{line}'"), expected)),
        }
    }
    match first {
        Some(first @ (0 | 1)) => Ok((first, names)),
        Some(first) => Err(ContentError::line(path, 1, format!("label {first}"), "0 or 1, the first label")),
        None => Err(ContentError::line(path, 1, "''", expected)),
    }
}

/// The names of the classes of EMNIST's sets, whose files of names torchvision deletes. Source: G. Cohen and others,
/// "EMNIST: an extension of MNIST to handwritten letters", arXiv 1702.05373.
fn emnist(set: &str) -> Option<Vec<String>> {
    const DIGITS: &str = "0123456789";
    const CAPITALS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const SMALL: &str = "abcdefghijklmnopqrstuvwxyz";
    /// The small letters whose shape differs from that of the capital.
    const OTHER: &str = "abdefghnqrt";
    let characters = match set.strip_prefix("emnist-")? {
        "byclass" => [DIGITS, CAPITALS, SMALL].concat(),
        "bymerge" | "balanced" => [DIGITS, CAPITALS, OTHER].concat(),
        "letters" => CAPITALS.to_owned(),
        "digits" | "mnist" => DIGITS.to_owned(),
        _ => return None,
    };
    Some(characters.chars().map(String::from).collect())
}
