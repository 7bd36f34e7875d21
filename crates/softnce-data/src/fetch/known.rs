//! The sets that can be fetched, with their publishers' checksums.

use super::Checksum;
use super::set::{ArchiveFormat, Content, KnownSet, RemoteFile, SetKind};
use crate::sets::Layout;

/// All sets that can be fetched, in the order in which the help lists them.
pub(super) fn known() -> Vec<KnownSet> {
    vec![
        mnist(),
        fashion_mnist(),
        cifar_10(),
        cifar_100(),
        cifar_10h(),
        tiny_imagenet(),
        cora(),
        citeseer(),
        mae_vit_base(),
    ]
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
        RemoteFile { urls, ..single(name, bytes, Checksum::Md5(md5.to_owned())) }
    });
    Content::Files { files: files.collect(), class_names: owned(class_names) }
}

fn archive(urls: &[&str], format: ArchiveFormat, top: &str, bytes: u64, md5: &str) -> Content {
    let ending = match format {
        ArchiveFormat::TarGz => "tar.gz",
        ArchiveFormat::Zip => "zip",
    };
    let file = single(&format!("{top}.{ending}"), bytes, Checksum::Md5(md5.to_owned()));
    Content::Archive { file: RemoteFile { urls: owned(urls), ..file }, format, top: top.to_owned() }
}

/// A file without addresses.
fn single(name: &str, bytes: u64, checksum: Checksum) -> RemoteFile {
    RemoteFile { name: name.to_owned(), other_names: Vec::new(), urls: Vec::new(), bytes, checksum }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn mnist() -> KnownSet {
    KnownSet {
        name: "mnist".to_owned(),
        about: "MNIST: 60,000 + 10,000 handwritten digits, 28 x 28, grey".to_owned(),
        kind: SetKind::Pictures(Layout::IDX),
        other_folders: owned(&["MNIST/raw"]),
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
        kind: SetKind::Pictures(Layout::IDX),
        other_folders: owned(&["FashionMNIST/raw"]),
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
        kind: SetKind::Pictures(Layout::CIFAR10),
        other_folders: owned(&["cifar-10-batches-bin"]),
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
        kind: SetKind::Pictures(Layout::CIFAR100),
        other_folders: owned(&["cifar-100-binary"]),
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
        // The same counts, one byte each.
        other_names: owned(&["cifar10h_counts.u8"]),
        urls: owned(&[
            "https://raw.githubusercontent.com/jcpeterson/cifar-10h/48da312b193b82e6939ec20f23d1f09cbdd849c8/data/cifar10h-counts.npy",
        ]),
        ..single("cifar10h-counts.npy", 800_128, Checksum::Sha256(digits.to_owned()))
    };
    KnownSet {
        name: "cifar-10h".to_owned(),
        about: "CIFAR-10H: some 50 human votes for each test picture of CIFAR-10 (CC BY-NC-SA 4.0)".to_owned(),
        kind: SetKind::Labels { pictures: "cifar-10".to_owned() },
        other_folders: owned(&["cifar-10h/data"]),
        content: Content::Files { files: vec![file], class_names: Vec::new() },
    }
}

fn tiny_imagenet() -> KnownSet {
    KnownSet {
        name: "tiny-imagenet".to_owned(),
        about: "Tiny ImageNet: 100,000 + 10,000 pictures, 64 x 64, colour, 200 classes".to_owned(),
        kind: SetKind::Pictures(Layout::TINY_IMAGENET),
        other_folders: owned(&["tiny-imagenet-200"]),
        content: archive(
            &["https://cs231n.stanford.edu/tiny-imagenet-200.zip", "http://cs231n.stanford.edu/tiny-imagenet-200.zip"],
            ArchiveFormat::Zip,
            "tiny-imagenet-200",
            248_100_043,
            "90528d7ca1a48142e341f4ef8d21d0de",
        ),
    }
}

/// A graph of Yang, Cohen and Salakhutdinov (arXiv 1603.08861), as in their repository. The publisher states no checksums:
/// these are those of the files in the commit of the addresses. `name` is that of the files, `about` also says how PyTorch
/// Geometric spells it.
fn planetoid(name: &str, (title, about): (&str, &str), files: [(&str, u64, &str); 8]) -> KnownSet {
    const BASE: &str =
        "https://raw.githubusercontent.com/kimiyoung/planetoid/af6abf468a772cc055bec88c52e4d6f51b7c37e3/data/";
    let files = files.into_iter().map(|(ending, bytes, digits)| {
        let file = single(&format!("ind.{name}.{ending}"), bytes, Checksum::Sha256(digits.to_owned()));
        RemoteFile { urls: vec![format!("{BASE}{}", file.name)], ..file }
    });
    let raw = format!("{title}/raw");
    KnownSet {
        name: name.to_owned(),
        about: format!("{title}: {about}"),
        kind: SetKind::Graph,
        other_folders: vec![format!("planetoid/{name}"), "planetoid/data".to_owned(), format!("Planetoid/{raw}"), raw],
        content: Content::Files { files: files.collect(), class_names: Vec::new() },
    }
}

fn cora() -> KnownSet {
    planetoid(
        "cora",
        ("Cora", "a citation graph of 2,708 papers in 7 classes, with the Planetoid split"),
        [
            ("x", 22_119, "23cfa55d91c6f624233f5eb7b6e3f141f1bd2b2ae39608a63cf5d084bb27baab"),
            ("y", 4_054, "94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1"),
            ("tx", 148_025, "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a"),
            ("ty", 28_135, "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad"),
            ("allx", 257_305, "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543"),
            ("ally", 47_959, "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71"),
            ("graph", 59_847, "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d"),
            ("test.index", 5_000, "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875"),
        ],
    )
}

fn citeseer() -> KnownSet {
    planetoid(
        "citeseer",
        ("CiteSeer", "a citation graph of 3,327 papers in 6 classes, with the Planetoid split"),
        [
            ("x", 31_087, "d20de19150741e555de0ed037195630fc194114ebc7fd72ced62810148aa22f6"),
            ("y", 3_014, "8ba87e515d8e3ee3cf52f6d2c5b86aa73f11ecad825a808455209ec26cd54924"),
            ("tx", 260_321, "539a8906a2da97628d212f2fdd668c109a8b3f0d36574b59e5d3fd5b5303da21"),
            ("ty", 24_135, "55e5bd1ba1e733a04598753ad1a8d57957f4b8f89e74519f41f4f4938767e4ce"),
            ("allx", 595_021, "2ac30345d95c9ec933a817ee0bdd6a5f077f8c184a20e696910192d534414668"),
            ("ally", 55_623, "f704b2d986dde6c2669934de1f3ae5696a6cf9455c0f6b2646a2d135ea0a1c95"),
            ("graph", 61_987, "d79a4ef9d3e7169aee8946145f6b7306e35bc79bffad26346cfb94e10e9912a7"),
            ("test.index", 5_000, "2af990671580b6b2df5d158d1038f8292e30c9cd821b5453f399659b25b723d4"),
        ],
    )
}

fn mae_vit_base() -> KnownSet {
    // The publisher states the first digits of the MD5 checksum alone, 8cad7c.
    let digits = "aec5f0b68e5f3193a00b07bc65a37440db549c15b36b8bea242606cc40c4bc5d";
    let file = single("mae_pretrain_vit_base.pth", 343_249_461, Checksum::Sha256(digits.to_owned()));
    KnownSet {
        name: "mae-vit-base".to_owned(),
        about: "MAE: weights of a ViT-B/16, pretrained on ImageNet without labels (CC BY-NC 4.0)".to_owned(),
        kind: SetKind::Weights,
        other_folders: Vec::new(),
        content: Content::Files {
            files: vec![RemoteFile {
                urls: owned(&["https://dl.fbaipublicfiles.com/mae/pretrain/mae_pretrain_vit_base.pth"]),
                ..file
            }],
            class_names: Vec::new(),
        },
    }
}
