//! How a publisher lays a set out, and which part of it is asked for.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{SetError, detect};

/// How the files of a data set are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Layout {
    /// MNIST and its like: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
    /// `t10k-labels-idx1-ubyte`, each plain or with `.gz`, with a hyphen or a dot before `idx`. Grey. `classes.txt`,
    /// one name a line, is optional: without it the ten classes are called 0 to 9.
    Idx,
    /// The binary version of CIFAR-10: `data_batch_1.bin` to `data_batch_5.bin`, `test_batch.bin`, and optionally
    /// `batches.meta.txt` with the names. Colour, 32 x 32.
    Cifar10,
    /// The binary version of CIFAR-100: `train.bin`, `test.bin`, and optionally `fine_label_names.txt`. The classes
    /// are the hundred fine ones. Colour, 32 x 32.
    Cifar100,
    /// A folder a class, as ImageNet is commonly kept: `train/CLASS/*`, and `val/CLASS/*` or else `test/CLASS/*`.
    /// JPEG, PNG, BMP or WebP, in colour. Classes are in the order of their folders' names.
    Tree,
    /// Tiny ImageNet: `train/WNID/images/*`, `val/images/*` with `val/val_annotations.txt`, `wnids.txt`, and
    /// optionally `words.txt` with the names. Classes are in the order of their WordNet ids. Its validation part is
    /// [`Split::Test`]: the labels of its test part are not published.
    TinyImagenet,
    /// The handwritten digits of the UCI repository, embedded in the program. Grey, 8 x 8.
    Optdigits,
}

/// Which part of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// What to train on.
    Train,
    /// What to test on.
    Test,
}

impl Layout {
    /// All layouts.
    pub const ALL: [Layout; 6] =
        [Layout::Idx, Layout::Cifar10, Layout::Cifar100, Layout::Tree, Layout::TinyImagenet, Layout::Optdigits];

    /// The name of the layout, as recipes and the command line have it.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Idx => "idx",
            Layout::Cifar10 => "cifar10",
            Layout::Cifar100 => "cifar100",
            Layout::Tree => "tree",
            Layout::TinyImagenet => "tiny-imagenet",
            Layout::Optdigits => "optdigits",
        }
    }

    /// Tells the layout from the files that lie in `root`; never [`Layout::Optdigits`], which needs none.
    ///
    /// # Errors
    /// A folder that cannot be read, fits no layout, or fits several.
    pub fn detect(root: &Path) -> Result<Layout, SetError> {
        detect::detect(root)
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Layout {
    type Err = SetError;

    fn from_str(name: &str) -> Result<Self, SetError> {
        Layout::ALL
            .into_iter()
            .find(|layout| layout.name() == name)
            .ok_or_else(|| SetError::UnknownLayout { found: name.to_owned() })
    }
}

impl Split {
    /// The name of the part.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};

    use super::*;

    #[test]
    fn a_recipe_and_the_command_line_use_one_name() {
        for layout in Layout::ALL {
            assert_eq!(layout.to_string().parse::<Layout>().unwrap(), layout);
            let name: StrDeserializer<'_, Error> = layout.name().into_deserializer();
            assert_eq!(Layout::deserialize(name).unwrap(), layout);
        }
        let message = "cifar-10".parse::<Layout>().unwrap_err().to_string();
        assert_eq!(
            message,
            "layout: 'cifar-10'; expected one of idx, cifar10, cifar100, tree, tiny-imagenet, optdigits"
        );
    }
}
