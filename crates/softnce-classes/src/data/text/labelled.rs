//! Labelled lines of text.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use super::words::{folded, words};
use crate::data::lines::{Fault, Lines, quoted, visit_lines};
use crate::data::order::mix;
use crate::data::{DataError, Example, Inputs, Source};

/// How labelled text is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LabelledTextOptions {
    /// What every label begins with.
    pub prefix: String,
    /// Longest word n-gram: 1 for single words, 2 for pairs of neighbours too.
    pub ngrams: usize,
    /// Number of inputs that the n-grams are hashed to.
    pub buckets: u32,
    /// Whether words count as the same in capitals and small letters.
    pub lower_case: bool,
}

impl Default for LabelledTextOptions {
    fn default() -> Self {
        LabelledTextOptions { prefix: "__label__".to_owned(), ngrams: 2, buckets: 1 << 20, lower_case: true }
    }
}

/// Lines of text with labels, as [fastText](https://fasttext.cc/docs/en/supervised-tutorial.html) has them: words that
/// begin with a prefix are labels, wherever they stand, and have equal shares; the others are the text.
///
/// A row's inputs are its word n-grams, each hashed to one of a fixed number of inputs. Each has the value 1 / (number
/// of n-grams of the row), so that the sum over the bag is a mean. Classes are the labels of the training file, the
/// most frequent first. Empty lines are left out. Lines are split when they are asked for: memory holds the names of
/// the classes and twelve bytes a row.
#[derive(Debug)]
pub struct LabelledText {
    lines: Lines,
    options: LabelledTextOptions,
    classes: Arc<Classes>,
    unknown: usize,
}

#[derive(Debug)]
struct Classes {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl LabelledText {
    /// Reads the training file, and with it the classes.
    ///
    /// # Errors
    /// An option out of its range; a file that cannot be read, is not UTF-8, or has no labels; a label twice in a line.
    pub fn training(path: &Path, options: LabelledTextOptions) -> Result<Self, DataError> {
        if options.prefix.is_empty() || options.prefix.contains(char::is_whitespace) {
            return Err(DataError::argument(
                "prefix",
                format!("'{}'", options.prefix),
                "characters without white space",
            ));
        }
        for (argument, found) in [("ngrams", options.ngrams), ("buckets", options.buckets as usize)] {
            if found == 0 {
                return Err(DataError::argument(argument, 0, "a number from 1 on"));
            }
        }
        let mut counts: HashMap<String, u64> = HashMap::new();
        visit_lines(path, |line, _, bytes| {
            for token in text(bytes).map_err(|fault| fault.at(path, line))?.split_whitespace() {
                if let Some(label) = token.strip_prefix(&options.prefix) {
                    match counts.get_mut(label) {
                        Some(count) => *count += 1,
                        None => drop(counts.insert(label.to_owned(), 1)),
                    }
                }
            }
            Ok(())
        })?;
        if counts.is_empty() {
            let expected = format!("labels that begin with {}", options.prefix);
            return Err(DataError::file(path, "no labels", expected));
        }
        if u32::try_from(counts.len()).is_err() {
            return Err(DataError::file(path, format!("{} labels", counts.len()), "a number of 32 bits"));
        }
        let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
        counts.sort_unstable_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        let names: Vec<String> = counts.into_iter().map(|(name, _)| name).collect();
        let numbers = names.iter().cloned().zip(0..).collect();
        LabelledText::open(path, options, Arc::new(Classes { names, numbers }))
    }

    /// Reads a further file with the classes and options of this one, such as the test file.
    ///
    /// # Errors
    /// A file that cannot be read or is not UTF-8; a label twice in a line.
    pub fn further(&self, path: &Path) -> Result<Self, DataError> {
        LabelledText::open(path, self.options.clone(), Arc::clone(&self.classes))
    }

    fn open(path: &Path, options: LabelledTextOptions, classes: Arc<Classes>) -> Result<Self, DataError> {
        let mut set = LabelledText { lines: Lines::open(path)?, options, classes, unknown: 0 };
        let mut example = Example::default();
        visit_lines(path, |line, start, bytes| {
            if !bytes.iter().all(u8::is_ascii_whitespace) {
                set.unknown += set.parse_labels(bytes, &mut example).map_err(|fault| fault.at(path, line))?;
                set.lines.push(start, bytes.len());
            }
            Ok(())
        })?;
        if set.is_empty() { Err(DataError::file(path, "no text", "at least one line of it")) } else { Ok(set) }
    }

    /// How many labels of the file are none of the classes; they are left out.
    pub fn unknown_labels(&self) -> usize {
        self.unknown
    }

    /// Reads the labels of a line, and returns how many of them are not known.
    fn parse_labels(&self, line: &[u8], example: &mut Example) -> Result<usize, Fault> {
        example.clear();
        let mut unknown = 0;
        for token in text(line)?.split_whitespace() {
            let Some(label) = token.strip_prefix(&self.options.prefix) else { continue };
            match self.classes.numbers.get(label) {
                Some(class) if example.relevant.contains(class) => {
                    let found = format!("label {} twice", quoted(label.as_bytes()));
                    return Err(Fault::new(0, found, "each label once"));
                }
                Some(&class) => example.relevant.push(class),
                None => unknown += 1,
            }
        }
        if !example.relevant.is_empty() {
            example.share_equally();
        }
        Ok(unknown)
    }

    fn parse_text(&self, line: &[u8], example: &mut Example) -> Result<(), Fault> {
        let tokens = text(line)?.split_whitespace().filter(|token| !token.starts_with(&self.options.prefix));
        let hash = |word| XxHash3_64::oneshot(folded(word, self.options.lower_case).as_bytes());
        let hashes: Vec<u64> = tokens.flat_map(words).map(hash).collect();
        for first in 0..hashes.len() {
            let mut gram = 0;
            for word in hashes[first..].iter().take(self.options.ngrams) {
                gram = mix(gram) ^ word;
                // The upper half of the product: below the number of buckets, and as even as the hash.
                example.indices.push(((u128::from(mix(gram)) * u128::from(self.options.buckets)) >> 64) as u32);
            }
        }
        example.values.resize(example.indices.len(), 1.0 / example.indices.len() as f32);
        Ok(())
    }
}

/// A line as text.
fn text(line: &[u8]) -> Result<&str, Fault> {
    let fault = |error: std::str::Utf8Error| Fault::new(error.valid_up_to(), "bytes that are not UTF-8", "UTF-8");
    std::str::from_utf8(line).map_err(fault)
}

impl Source for LabelledText {
    fn len(&self) -> usize {
        self.lines.len()
    }

    fn inputs(&self) -> Inputs {
        Inputs::Sparse { inputs: self.options.buckets as usize }
    }

    fn classes(&self) -> usize {
        self.classes.names.len()
    }

    fn read(&self, index: usize, example: &mut Example) -> Result<(), DataError> {
        self.lines.read(index, |line| {
            self.parse_labels(line, example)?;
            self.parse_text(line, example)
        })
    }

    fn class_name(&self, class: usize) -> Option<&str> {
        self.classes.names.get(class).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn file(content: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.txt");
        fs::write(&path, content).unwrap();
        (folder, path)
    }

    fn read(set: &LabelledText, row: usize) -> Example {
        let mut example = Example::default();
        set.read(row, &mut example).unwrap();
        example
    }

    const TRAIN: &str = "__label__b __label__a The cat\r\n\n__label__b a dog\ncat the __label__c\nno label\n";

    #[test]
    fn labels_are_classes_by_frequency_and_text_is_ngrams() {
        let (_folder, path) = file(TRAIN.as_bytes());
        let set = LabelledText::training(&path, LabelledTextOptions::default()).unwrap();
        let names: Vec<_> = (0..set.classes()).filter_map(|class| set.class_name(class)).collect();
        assert_eq!((set.len(), names), (4, vec!["b", "a", "c"]));
        let rows: Vec<Example> = (0..4).map(|row| read(&set, row)).collect();
        assert_eq!((&rows[0].classes[..], &rows[0].weights[..]), (&[0, 1][..], &[0.5, 0.5][..]));
        assert_eq!((&rows[2].relevant[..], rows[3].classes.len()), (&[2][..], 0));
        // the, the cat, cat; cat, cat the, the.
        assert_eq!(rows[0].indices.len(), 3);
        assert_eq!([rows[0].indices[0], rows[0].indices[2]], [rows[2].indices[2], rows[2].indices[0]]);
        assert_ne!(rows[0].indices[1], rows[2].indices[1]);
        assert!(rows[0].values.iter().all(|&value| value == 1.0 / 3.0));
        let exact = LabelledTextOptions { lower_case: false, ngrams: 1, ..LabelledTextOptions::default() };
        let set = LabelledText::training(&path, exact).unwrap();
        let (first, third) = (read(&set, 0).indices, read(&set, 2).indices);
        assert_eq!((first.len(), first[1]), (2, third[0]));
        assert_ne!(first[0], third[1]);
    }

    #[test]
    fn all_buckets_are_used_evenly() {
        let text: String = (0..4000).map(|number| format!("word{number} ")).collect();
        let (_folder, path) = file(format!("__label__a {text}").as_bytes());
        let options = LabelledTextOptions { ngrams: 2, buckets: 10, ..LabelledTextOptions::default() };
        let row = read(&LabelledText::training(&path, options).unwrap(), 0);
        let mut counts = [0.0; 10];
        row.indices.iter().for_each(|&index| counts[index as usize] += 1.0);
        // Chi-square with 9 degrees of freedom: 27.9 is exceeded once in a thousand.
        let expected = row.indices.len() as f64 / 10.0;
        let distance: f64 = counts.iter().map(|count| (count - expected).powi(2) / expected).sum();
        assert!(row.indices.len() == 7999 && distance < 27.9, "{distance}");
    }

    #[test]
    fn test_files_have_the_classes_of_the_training_file() {
        let (_folder, path) = file(TRAIN.as_bytes());
        let train = LabelledText::training(&path, LabelledTextOptions::default()).unwrap();
        let (_folder, path) = file(b"__label__c __label__new cat\n__label__new dog\n");
        let test = train.further(&path).unwrap();
        assert_eq!((test.classes(), test.unknown_labels()), (3, 2));
        assert_eq!((read(&test, 0).classes, read(&test, 1).classes), (vec![2], vec![]));
        let train = (0..train.len()).map(|row| read(&train, row).indices).collect::<Vec<_>>();
        assert_eq!(read(&test, 0).indices, [train[0][2]]);
    }

    #[test]
    fn bad_files_and_options_are_named() {
        let plain = LabelledTextOptions::default();
        for (content, options, expected) in [
            (&b""[..], plain.clone(), "train.txt: no labels; expected labels that begin with __label__"),
            (b"cat\n", plain.clone(), "train.txt: no labels; expected labels that begin with __label__"),
            (
                b"__label__a x\n__label__b __label__b\n",
                plain.clone(),
                "train.txt, line 2, column 1: label 'b' twice; expected each label once",
            ),
            (
                b"__label__a \xff\n",
                plain.clone(),
                "train.txt, line 1, column 12: bytes that are not UTF-8; expected UTF-8",
            ),
            (b"", LabelledTextOptions { ngrams: 0, ..plain.clone() }, "ngrams is 0, expected a number from 1 on"),
            (b"", LabelledTextOptions { buckets: 0, ..plain.clone() }, "buckets is 0, expected a number from 1 on"),
            (
                b"",
                LabelledTextOptions { prefix: String::new(), ..plain },
                "prefix is '', expected characters without white space",
            ),
        ] {
            let (_folder, path) = file(content);
            let message = LabelledText::training(&path, options).unwrap_err().to_string();
            assert!(message.ends_with(expected), "{message}");
        }
    }
}
