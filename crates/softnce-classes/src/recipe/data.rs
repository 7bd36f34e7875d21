//! The section of the data.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use softnce_data::sets::Split;

use crate::data::generated::GeneratedConfig;
use crate::data::sparse_text::SparseTextOptions;
use crate::data::text::{CorpusOptions, LabelledTextOptions, NextWordsOptions};

/// Where the rows come from. Paths are relative to the data folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum DataSection {
    /// Generated rows of clustered classes, whose posterior is known.
    Generated {
        /// What is generated for training.
        #[serde(default)]
        rows: GeneratedConfig,
        /// Rows to test on, of the same classes.
        #[serde(default = "test_rows")]
        test_rows: usize,
    },
    /// Rows of features in `.npy` and `.safetensors` files, with a class or a distribution for each.
    Features {
        /// The folder, in the layout `features`.
        path: PathBuf,
        /// The part to evaluate on.
        #[serde(default = "test_part")]
        part: Split,
    },
    /// The text format of the Extreme Classification Repository.
    SparseText {
        /// The training rows.
        train: PathBuf,
        /// The test rows.
        test: PathBuf,
        /// How the files are to be read.
        #[serde(default)]
        options: SparseTextOptions,
    },
    /// Mulan's multi-label sets.
    Mulan {
        /// The training rows, an ARFF file.
        train: PathBuf,
        /// The test rows, an ARFF file.
        test: PathBuf,
        /// The names of the labels.
        labels: PathBuf,
    },
    /// Lines of text with labels, as fastText has them.
    LabelledText {
        /// The training lines.
        train: PathBuf,
        /// The test lines.
        test: PathBuf,
        /// How the files are to be read.
        #[serde(default)]
        options: LabelledTextOptions,
    },
    /// The next word of running text. Labels of the evaluation are hard.
    NextWord {
        /// Files of text, and folders, of which all files `*.txt` are read.
        text: Vec<PathBuf>,
        /// The part to evaluate on.
        #[serde(default = "test_part")]
        part: Split,
        /// Vocabulary and parts.
        #[serde(default)]
        corpus: CorpusOptions,
        /// Inputs and labels.
        #[serde(default)]
        words: NextWordsOptions,
    },
}

fn test_rows() -> usize {
    10_000
}

fn test_part() -> Split {
    Split::Test
}
