//! Tells the layout of a folder from what lies in it.

use std::fs;
use std::path::Path;

use super::{Layout, SetError, cifar, idx, tiny_imagenet, tree};

pub(super) fn detect(root: &Path) -> Result<Layout, SetError> {
    // Tells a folder that is not there from one that fits nothing.
    fs::read_dir(root).map_err(SetError::io(root))?;
    let tiny = tiny_imagenet::is_there(root);
    let fitting = [
        (Layout::Idx, idx::is_there(root)),
        (Layout::Cifar10, cifar::TEN.is_there(root)),
        (Layout::Cifar100, cifar::HUNDRED.is_there(root)),
        (Layout::TinyImagenet, tiny),
        // Tiny ImageNet has a folder `train`, too.
        (Layout::Tree, tree::is_there(root) && !tiny),
    ];
    let mut fitting = fitting.into_iter().filter_map(|(layout, fits)| fits.then_some(layout));
    match (fitting.next(), fitting.next()) {
        (Some(layout), None) => Ok(layout),
        (Some(first), Some(second)) => Err(SetError::Ambiguous { path: root.to_owned(), first, second }),
        (None, _) => Err(SetError::Undetected { path: root.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_tell_the_layout() {
        let cases: [(&[&str], &[&str], Layout); 9] = [
            (&[], &["train-images-idx3-ubyte.gz"], Layout::Idx),
            (&[], &["t10k-images.idx3-ubyte"], Layout::Idx),
            (&[], &["test_batch.bin"], Layout::Cifar10),
            (&[], &["data_batch_1.bin", "batches.meta.txt"], Layout::Cifar10),
            (&[], &["test.bin", "train.bin"], Layout::Cifar100),
            (&["train", "val"], &[], Layout::Tree),
            (&["val"], &["classes.txt"], Layout::Tree),
            (&["train", "val", "test"], &["wnids.txt", "words.txt"], Layout::TinyImagenet),
            (&["val"], &["wnids.txt", "val/val_annotations.txt"], Layout::TinyImagenet),
        ];
        for (folders, files, layout) in cases {
            let root = tempfile::tempdir().unwrap();
            for folder in folders {
                fs::create_dir(root.path().join(folder)).unwrap();
            }
            for file in files {
                fs::write(root.path().join(file), "").unwrap();
            }
            assert_eq!(Layout::detect(root.path()).unwrap(), layout, "{folders:?} {files:?}");
        }
    }

    #[test]
    fn doubt_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        assert!(matches!(Layout::detect(root.path()), Err(SetError::Undetected { .. })));
        fs::write(root.path().join("train.bin"), "").unwrap();
        fs::write(root.path().join("test_batch.bin"), "").unwrap();
        let message = Layout::detect(root.path()).unwrap_err().to_string();
        assert!(message.ends_with(": fits cifar10 and cifar100; name the layout"), "{message}");
        let absent = root.path().join("absent");
        assert!(Layout::detect(&absent).unwrap_err().to_string().starts_with(&absent.display().to_string()));
    }
}
