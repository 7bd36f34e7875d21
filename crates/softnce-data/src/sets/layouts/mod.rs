//! The table of layouts, one file each.
//!
//! A new layout is a file here, its constant and its place in [`Layout::ALL`]. Recipes, the command line, errors and
//! tests walk that list.

mod cifar;
mod idx;
mod image_folder;
mod optdigits;
mod tiny_imagenet;
mod tree;

use super::layout::Layout;

impl Layout {
    /// MNIST and its like: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
    /// `t10k-labels-idx1-ubyte`, each plain or with `.gz`, with a hyphen or a dot before `idx`. Grey. `classes.txt`,
    /// one name a line, is optional: without it the ten classes are called 0 to 9.
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
    /// The handwritten digits of the UCI repository, embedded in the program. Grey, 8 x 8.
    pub const OPTDIGITS: Layout = Layout::new(&optdigits::RULES);

    /// All layouts, in the order in which the help lists them.
    pub const ALL: [Layout; 7] = [
        Layout::IDX,
        Layout::CIFAR10,
        Layout::CIFAR100,
        Layout::TREE,
        Layout::IMAGE_FOLDER,
        Layout::TINY_IMAGENET,
        Layout::OPTDIGITS,
    ];
}
