//! The sets as published, where they are at hand.
//!
//! `SOFTNCE_TEST_SETS=FOLDER cargo test --release -p softnce-data -- --ignored`, the folder holding `fashion-mnist/`,
//! `cifar-100-binary/` and `cifar-10-batches-bin/test_batch.bin`.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use softnce_data::PictureSource;
use softnce_data::labels::{self, LabelSource};
use softnce_data::sets::{Layout, Split};

fn root(set: &str) -> PathBuf {
    PathBuf::from(std::env::var_os("SOFTNCE_TEST_SETS").expect("SOFTNCE_TEST_SETS: the folder of the sets")).join(set)
}

fn check(
    set: &str,
    layout: Layout,
    split: Split,
    pictures: usize,
    classes: usize,
    size: [usize; 3],
) -> Arc<dyn PictureSource> {
    let root = root(set);
    assert_eq!(Layout::detect(&root).unwrap(), layout);
    let source = layout.open(&root, split).unwrap();
    assert_eq!((source.labels().len(), source.class_names().len()), (pictures, classes));
    for class in 0..classes {
        let count = source.labels().iter().filter(|&&label| label == class).count();
        assert_eq!(count, pictures / classes, "{set}, {split}, class {class}");
    }
    let mut seen = HashSet::new();
    for index in 0..pictures {
        let picture = source.picture(index).unwrap();
        assert_eq!([picture.height, picture.width, picture.channels], size);
        seen.insert(picture.pixels.into_owned());
    }
    // The published sets repeat a few pictures.
    assert!(seen.len() > pictures * 995 / 1000, "{set}, {split}: only {} pictures differ", seen.len());
    source
}

#[test]
#[ignore = "needs the published files"]
fn fashion_mnist() {
    check("fashion-mnist", Layout::IDX, Split::Train, 60_000, 10, [28, 28, 1]);
    check("fashion-mnist", Layout::IDX, Split::Test, 10_000, 10, [28, 28, 1]);
}

#[test]
#[ignore = "needs the published files"]
fn cifar_100() {
    check("cifar-100-binary", Layout::CIFAR100, Split::Train, 50_000, 100, [32, 32, 3]);
    let test = check("cifar-100-binary", Layout::CIFAR100, Split::Test, 10_000, 100, [32, 32, 3]);
    assert_eq!((test.class_names()[0].as_str(), test.class_names()[99].as_str()), ("apple", "worm"));
}

#[test]
#[ignore = "needs the published files"]
fn cifar_10_with_votes() {
    let source = check("cifar-10-batches-bin", Layout::CIFAR10, Split::Test, 10_000, 10, [32, 32, 3]);
    let votes = LabelSource::Votes { path: root("cifar-10-batches-bin").join("cifar10h_counts.u8") };
    let votes = labels::read(&votes, source.as_ref(), &root("cifar-10-batches-bin")).unwrap();
    let largest = |row: usize| {
        let votes = votes.row(row);
        (0..10).max_by(|&left, &right| votes[left].total_cmp(&votes[right])).unwrap()
    };
    let agree = (0..10_000).filter(|&row| largest(row) == source.labels()[row]).count();
    // People disagree with the label of a little under one picture in a hundred.
    assert!((9_900..9_940).contains(&agree), "{agree}");
}
