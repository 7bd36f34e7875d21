//! The table of layouts, one file each.
//!
//! A new layout is a file here, its constant and its place in [`Layout::ALL`]. Recipes, the command line, errors and
//! tests walk that list.

mod cifar;
mod features;
mod idx;
mod image_folder;
mod optdigits;
mod tiny_imagenet;
mod tree;

use super::layout::Layout;

impl Layout {
    /// MNIST and its like: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
    /// `t10k-labels-idx1-ubyte`, each plain or with `.gz`, with a hyphen or a dot before `idx`. Grey. They lie in the
    /// folder of the set or, as torchvision keeps them, in its folder `raw` (EMNIST's archive: `gzip`).
    ///
    /// The files of EMNIST have a name in front and `test` for `t10k`: `emnist-balanced-test-images-idx3-ubyte`. If a
    /// folder holds several of its sets, the name of one is added to the path: `emnist/emnist-balanced`. Pictures are
    /// read as they are stored, as torchvision does: those of EMNIST are transposed (rows are columns).
    ///
    /// The training labels give the number of classes: the largest label is the last class. The first is 0, or 1 if
    /// the smallest training label is 1 (EMNIST's letters have the labels 1 to 26, for 26 classes; torchvision adds a
    /// class `N/A` for label 0). `classes.txt`, one name a line, or EMNIST's `NAME-mapping.txt` is optional; where
    /// they have a name for it, label 0 is a class without training pictures. Without them the classes of EMNIST's
    /// sets have the names of their characters, and those of other sets their labels.
    pub const IDX: Layout = Layout::new(&idx::RULES);
    /// The binary version of CIFAR-10: `data_batch_1.bin` to `data_batch_5.bin`, `test_batch.bin`, and optionally
    /// `batches.meta.txt` with the names. Colour, 32 x 32.
    pub const CIFAR10: Layout = Layout::new(&cifar::TEN);
    /// The binary version of CIFAR-100: `train.bin`, `test.bin`, and optionally `fine_label_names.txt`. The classes
    /// are the hundred fine ones. Colour, 32 x 32.
    pub const CIFAR100: Layout = Layout::new(&cifar::HUNDRED);
    /// A folder for each class below a folder for each part, as ImageNet is commonly kept: `train/CLASS/`, and
    /// `val/CLASS/` (or `valid`, `validation`, `dev`) or `test/CLASS/`, or both. With one of the two, it is the part for
    /// testing. A class has the pictures in its folder and in folders below. Classes are in the order of their folders'
    /// names.
    pub const TREE: Layout = Layout::new(&tree::RULES);
    /// A folder for each class directly under the root, as torchvision's `ImageFolder` reads them: `CLASS/*.jpg` and so on,
    /// and pictures in folders below. Classes are in the order of their folders' names. There is a training part alone: a
    /// recipe holds out a share of it for testing.
    pub const IMAGE_FOLDER: Layout = Layout::new(&image_folder::RULES);
    /// Tiny ImageNet: `train/WNID/images/*`, `val/images/*` with `val/val_annotations.txt` (or `val/WNID/`), `wnids.txt`,
    /// and optionally `words.txt` with the names. Classes are in the order of their WordNet ids. [`Split::Test`] is its
    /// validation part: the labels of its test part are not published.
    ///
    /// [`Split::Test`]: super::Split::Test
    pub const TINY_IMAGENET: Layout = Layout::new(&tiny_imagenet::RULES);
    /// Rows of features, such as embeddings of a pretrained network: `train.npy` or `train.safetensors` of shape
    /// `[rows, features]`, the same for `test` and `validation` where there are such parts, and the labels in
    /// `train_labels.npy` or in the tensor `labels`: a class for each row, `[rows]`, or a distribution, `[rows, classes]`.
    /// `classes.txt`, one name a line, is optional; without it the classes are named by their numbers.
    pub const FEATURES: Layout = Layout::new(&features::RULES);
    /// The handwritten digits of the UCI repository, embedded in the program. Grey, 8 x 8.
    pub const OPTDIGITS: Layout = Layout::new(&optdigits::RULES);

    /// All layouts, in the order in which the help lists them.
    pub const ALL: [Layout; 8] = [
        Layout::IDX,
        Layout::CIFAR10,
        Layout::CIFAR100,
        Layout::TREE,
        Layout::IMAGE_FOLDER,
        Layout::TINY_IMAGENET,
        Layout::FEATURES,
        Layout::OPTDIGITS,
    ];
}
