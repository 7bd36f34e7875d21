//! The rows that a recipe names.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use softnce_data::sets::Split;

use crate::ClassesError;
use crate::data::generated::{Generated, GeneratedConfig};
use crate::data::mulan::read_mulan;
use crate::data::sparse_text::{SparseText, SparseTextOptions};
use crate::data::text::{Corpus, CorpusOptions, LabelledText, NextWords, NextWordsOptions, Trigram};
use crate::data::{DataError, FeatureRows, Inputs, Source, Subset};
use crate::recipe::DataSection;

/// Rows to train on and rows to evaluate on.
pub(super) struct Sources {
    pub(super) train: Arc<dyn Source>,
    pub(super) test: Arc<dyn Source>,
    /// The rows to evaluate on, where they are generated.
    pub(super) generated: Option<Generated>,
}

/// Opens the rows that a recipe names.
pub(super) fn open(section: &DataSection, folder: &Path) -> Result<Sources, ClassesError> {
    Ok(match section {
        DataSection::Generated { rows, test_rows } => {
            let test =
                GeneratedConfig { rows: *test_rows, soft_classes: 0, part: rows.part.wrapping_add(1), ..rows.clone() };
            let train = Generated::new(rows.clone()).map_err(ClassesError::in_section("data.rows"))?;
            let test = Generated::new(test).map_err(|_| ClassesError::setting("data.test_rows", 0, "at least 1"))?;
            Sources { train: Arc::new(train), test: Arc::new(test.clone()), generated: Some(test) }
        }
        DataSection::Features { path, part } => {
            let open = |part| FeatureRows::open(&folder.join(path), part);
            of(open(Split::Train)?, open(*part)?)
        }
        DataSection::SparseText { train, test, options } => {
            let in_options = ClassesError::in_section("data.options");
            let train = SparseText::open(&folder.join(train), options).map_err(&in_options)?;
            // A test file without a header may lack the last inputs and classes.
            let sizes = match train.inputs() {
                Inputs::Sparse { inputs } => {
                    SparseTextOptions { inputs: Some(inputs), classes: Some(train.classes()), ..options.clone() }
                }
                Inputs::Dense { .. } => options.clone(),
            };
            let test = SparseText::open(&folder.join(test), &sizes).map_err(in_options)?;
            of(Subset::labelled(train)?, test)
        }
        DataSection::Mulan { train, test, labels } => {
            let open = |path: &Path| read_mulan(&folder.join(path), &folder.join(labels));
            of(Subset::labelled(open(train)?)?, open(test)?)
        }
        DataSection::LabelledText { train, test, options } => {
            let train = LabelledText::training(&folder.join(train), options.clone())
                .map_err(ClassesError::in_section("data.options"))?;
            let test = train.further(&folder.join(test))?;
            of(Subset::labelled(train)?, test)
        }
        DataSection::NextWord { text, part, corpus, words } => {
            next_word(&text_files(text, folder)?, *part, corpus, words)?
        }
    })
}

fn of(train: impl Source + 'static, test: impl Source + 'static) -> Sources {
    Sources { train: Arc::new(train), test: Arc::new(test), generated: None }
}

fn next_word(
    files: &[PathBuf],
    part: Split,
    corpus: &CorpusOptions,
    words: &NextWordsOptions,
) -> Result<Sources, ClassesError> {
    let corpus = Arc::new(Corpus::read(files, corpus).map_err(ClassesError::in_section("data.corpus"))?);
    let of_part = |part| NextWords::new(Arc::clone(&corpus), part, words.clone());
    let mut train = of_part(Split::Train).map_err(ClassesError::in_section("data.words"))?;
    // The options are those of the training part: only the part itself can be refused.
    let test = of_part(part).map_err(ClassesError::in_section("data"))?;
    if words.trigram > 0.0 {
        let model = Trigram::estimate(&corpus).map_err(ClassesError::in_section("data.corpus"))?;
        train = train.with_soft_labels(Arc::new(model))?;
    }
    Ok(of(train, test))
}

/// The files of text: those that are named, and those in the folders that are named, by their names.
fn text_files(text: &[PathBuf], folder: &Path) -> Result<Vec<PathBuf>, ClassesError> {
    let mut files = Vec::new();
    for path in text {
        let path = folder.join(path);
        if !path.is_dir() {
            files.push(path);
            continue;
        }
        let mut found = Vec::new();
        for entry in fs::read_dir(&path).map_err(DataError::io(&path))? {
            let file = entry.map_err(DataError::io(&path))?.path();
            if file.extension().is_some_and(|kind| kind == "txt") {
                found.push(file);
            }
        }
        if found.is_empty() {
            return Err(DataError::file(&path, "no files *.txt", "at least one").into());
        }
        found.sort_unstable();
        files.append(&mut found);
    }
    if files.is_empty() {
        return Err(ClassesError::setting("data.text", "[]", "files and folders of text"));
    }
    // Its words would be in training and test part.
    match (1..files.len()).find(|&place| files[..place].contains(&files[place])) {
        Some(place) => Err(ClassesError::setting("data.text", files[place].display(), "each file once")),
        None => Ok(files),
    }
}
