//! The sets that can be fetched, with their publishers' checksums.

use super::{Checksum, FetchError};
use crate::sets::Layout;

/// A set that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSet {
    /// Its name, and the name of its folder in the cache.
    pub name: String,
    /// A description in one line.
    pub about: String,
    /// Layout of its folder; `None` if it holds labels for the pictures of another set.
    pub layout: Option<Layout>,
    /// The files to download.
    pub content: Content,
}

impl KnownSet {
    /// Bytes to download.
    pub fn bytes(&self) -> u64 {
        match &self.content {
            Content::Files { files, .. } => files.iter().map(|file| file.bytes).sum(),
            Content::Archive { file, .. } => file.bytes,
        }
    }
}

/// The files of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Files that are kept unchanged.
    Files {
        /// The files.
        files: Vec<RemoteFile>,
        /// Names of the classes, written to `classes.txt`; empty if the publisher's files hold them or they are
        /// numbers.
        class_names: Vec<String>,
    },
    /// An archive that is unpacked.
    Archive {
        /// The archive.
        file: RemoteFile,
        /// Its format.
        format: ArchiveFormat,
        /// The folder in the archive that becomes the folder of the set.
        top: String,
    },
}

/// The format of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveFormat {
    /// A tar file compressed with gzip.
    TarGz,
    /// A zip file.
    Zip,
}

/// A file to download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its name in the set's folder.
    pub name: String,
    /// Its addresses, tried in this order.
    pub urls: Vec<String>,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its checksum.
    pub checksum: Checksum,
}

/// All sets that can be fetched.
pub fn known() -> Vec<KnownSet> {
    vec![mnist(), fashion_mnist(), cifar_10(), cifar_100(), cifar_10h(), tiny_imagenet()]
}

/// The set of this name.
///
/// # Errors
/// [`FetchError::Unknown`], with the names there are.
pub fn find(name: &str) -> Result<KnownSet, FetchError> {
    let known = known();
    let names = known.iter().map(|set| set.name.as_str()).collect::<Vec<_>>().join(", ");
    known
        .into_iter()
        .find(|set| set.name == name)
        .ok_or_else(|| FetchError::Unknown { found: name.to_owned(), known: names })
}

/// The four files of MNIST and its like. Checksums: those of torchvision's loaders.
fn idx(bases: &[&str], files: [(u64, &str); 4], class_names: &[&str]) -> Content {
    let names = [
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ];
    let files = names.into_iter().zip(files).map(|(name, (bytes, md5))| {
        let urls: Vec<String> = bases.iter().map(|base| format!("{base}{name}")).collect();
        RemoteFile { name: name.to_owned(), urls, bytes, checksum: Checksum::Md5(md5.to_owned()) }
    });
    Content::Files { files: files.collect(), class_names: class_names.iter().map(|&name| name.to_owned()).collect() }
}

fn archive(urls: &[&str], format: ArchiveFormat, top: &str, bytes: u64, md5: &str) -> Content {
    let ending = match format {
        ArchiveFormat::TarGz => "tar.gz",
        ArchiveFormat::Zip => "zip",
    };
    let file = RemoteFile {
        name: format!("{top}.{ending}"),
        urls: urls.iter().map(|&url| url.to_owned()).collect(),
        bytes,
        checksum: Checksum::Md5(md5.to_owned()),
    };
    Content::Archive { file, format, top: top.to_owned() }
}

fn mnist() -> KnownSet {
    KnownSet {
        name: "mnist".to_owned(),
        about: "MNIST: 60,000 + 10,000 handwritten digits, 28 x 28, grey".to_owned(),
        layout: Some(Layout::IDX),
        content: idx(
            &["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"],
            [
                (9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
                (28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
                (1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
                (4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
            ],
            &[],
        ),
    }
}

fn fashion_mnist() -> KnownSet {
    KnownSet {
        name: "fashion-mnist".to_owned(),
        about: "Fashion-MNIST: 60,000 + 10,000 articles of clothing, 28 x 28, grey, 10 classes".to_owned(),
        layout: Some(Layout::IDX),
        content: idx(
            &[
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/b2617bb6d3ffa2e429640350f613e3291e10b141/data/fashion/",
            ],
            [
                (26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
                (29_515, "25c81989df183df01b3e8a0aad5dffbe"),
                (4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
                (5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
            ],
            &["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"],
        ),
    }
}

fn cifar_10() -> KnownSet {
    KnownSet {
        name: "cifar-10".to_owned(),
        about: "CIFAR-10: 50,000 + 10,000 pictures, 32 x 32, colour, 10 classes".to_owned(),
        layout: Some(Layout::CIFAR10),
        content: archive(
            &["https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"],
            ArchiveFormat::TarGz,
            "cifar-10-batches-bin",
            170_052_171,
            "c32a1d4ab5d03f1284b67883e8d87530",
        ),
    }
}

fn cifar_100() -> KnownSet {
    KnownSet {
        name: "cifar-100".to_owned(),
        about: "CIFAR-100: 50,000 + 10,000 pictures, 32 x 32, colour, 100 classes".to_owned(),
        layout: Some(Layout::CIFAR100),
        content: archive(
            &["https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"],
            ArchiveFormat::TarGz,
            "cifar-100-binary",
            168_513_733,
            "03b5dce01913d631647c71ecec9e9cb8",
        ),
    }
}

fn cifar_10h() -> KnownSet {
    // The publisher states no checksum. This is the checksum of the file in the commit of the address.
    let digits = "9b36b4550349af56c79083356312eb4af856cc5fd3caf1f669d40b9d0bbb69ff";
    let file = RemoteFile {
        name: "cifar10h-counts.npy".to_owned(),
        urls: vec![
            "https://raw.githubusercontent.com/jcpeterson/cifar-10h/48da312b193b82e6939ec20f23d1f09cbdd849c8/data/cifar10h-counts.npy"
                .to_owned(),
        ],
        bytes: 800_128,
        checksum: Checksum::Sha256(digits.to_owned()),
    };
    KnownSet {
        name: "cifar-10h".to_owned(),
        about: "CIFAR-10H: some 50 human votes for each test picture of CIFAR-10 (CC BY-NC-SA 4.0)".to_owned(),
        layout: None,
        content: Content::Files { files: vec![file], class_names: Vec::new() },
    }
}

fn tiny_imagenet() -> KnownSet {
    KnownSet {
        name: "tiny-imagenet".to_owned(),
        about: "Tiny ImageNet: 100,000 + 10,000 pictures, 64 x 64, colour, 200 classes".to_owned(),
        layout: Some(Layout::TINY_IMAGENET),
        content: archive(
            &["https://cs231n.stanford.edu/tiny-imagenet-200.zip", "http://cs231n.stanford.edu/tiny-imagenet-200.zip"],
            ArchiveFormat::Zip,
            "tiny-imagenet-200",
            248_100_043,
            "90528d7ca1a48142e341f4ef8d21d0de",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_set_is_found_and_whole() {
        let mut names = HashSet::new();
        for set in known() {
            assert_eq!(find(&set.name).unwrap(), set);
            assert!(names.insert(set.name.clone()), "{}", set.name);
            let files = match set.content {
                Content::Files { files, class_names } => {
                    // No names, or all of them, each once: they become the lines of classes.txt.
                    let distinct: HashSet<&String> = class_names.iter().collect();
                    assert_eq!(distinct.len(), class_names.len(), "{}", set.name);
                    assert!(class_names.iter().all(|name| !name.trim().is_empty() && !name.contains('\n')));
                    files
                }
                Content::Archive { file, .. } => vec![file],
            };
            for file in files {
                let (digits, count) = match &file.checksum {
                    Checksum::Md5(digits) => (digits, 32),
                    Checksum::Sha256(digits) => (digits, 64),
                };
                assert_eq!(digits.len(), count);
                assert!(digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')));
                assert!(!file.urls.is_empty() && file.urls.iter().all(|url| url.starts_with("http")));
                assert!(file.bytes > 0 && !file.name.contains(['/', '\\']));
            }
        }
        assert_eq!(
            find("cifar10").unwrap_err().to_string(),
            "no set is named 'cifar10'; expected one of mnist, fashion-mnist, cifar-10, cifar-100, cifar-10h, tiny-imagenet"
        );
    }
}
