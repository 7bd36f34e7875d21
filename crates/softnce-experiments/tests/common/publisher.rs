//! Every registered set with small files, from a server on this machine in place of its publisher's.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use softnce_data::Picture;
use softnce_data::fetch::{ArchiveFormat, Checksum, Content, KnownSet, Registry, RemoteFile};
use softnce_data::info::png;

use crate::planetoid::ring;
use crate::server::{Page, Server};

/// The server, with the sets that it has.
pub struct Publisher {
    server: Server,
    sets: Vec<KnownSet>,
}

impl Publisher {
    pub fn new() -> Publisher {
        let known = Registry::known().sets();
        let content = |set: &KnownSet, file: &RemoteFile| match &set.content {
            Content::Files { .. } => file_content(&set.name, &file.name),
            Content::Archive { format, top, .. } => archive(*format, top, &entries(&set.name)),
        };
        let path = |set: &KnownSet, file: &RemoteFile| format!("/{}/{}", set.name, file.name);
        let mut pages = BTreeMap::new();
        for set in known {
            pages.extend(set.downloads().iter().map(|file| (path(set, file), content(set, file))));
        }
        let server = Server::new(pages.iter().map(|(path, content)| (path.clone(), Page::new(content))));
        let small = |set: &KnownSet| {
            let mut set = set.clone();
            let name = set.name.clone();
            let files = match &mut set.content {
                Content::Files { files, .. } => files.as_mut_slice(),
                Content::Archive { file, .. } => std::slice::from_mut(file),
            };
            for file in files {
                let path = format!("/{name}/{}", file.name);
                let content = &pages[&path];
                file.urls = vec![server.url(&path)];
                file.bytes = content.len() as u64;
                let digits = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
                file.checksum = Checksum::Sha256(digits);
            }
            set
        };
        let sets = known.iter().map(small).collect();
        Publisher { server, sets }
    }

    /// The set that takes the place of a registered one: the same name, folder and files, of another content.
    pub fn set(&self, name: &str) -> &KnownSet {
        self.sets.iter().find(|set| set.name == name).unwrap()
    }

    /// Files that were asked for.
    pub fn requests(&self) -> usize {
        self.server.requests().len()
    }
}

/// A file of a set that has no archive.
fn file_content(set: &str, file: &str) -> Vec<u8> {
    match set {
        "mnist" | "fashion-mnist" => {
            let count = if file.starts_with("train") { 120 } else { 40 };
            gzip(&if file.contains("images") { idx_images(count) } else { idx_labels(count) })
        }
        // As many rows as `entries` has test pictures of CIFAR-10.
        "cifar-10h" => votes(100),
        "cora" | "citeseer" => {
            let ending = file.strip_prefix(&format!("ind.{set}.")).unwrap();
            ring().files().into_iter().find(|(known, _)| *known == ending).unwrap().1
        }
        "mae-vit-base" => include_bytes!("../../../softnce-train/tests/fixtures/mae.pth").to_vec(),
        other => panic!("{other}: no small files; add some, so that the set is tested"),
    }
}

/// The files of an archive, below its top folder.
fn entries(set: &str) -> Vec<(String, Vec<u8>)> {
    let record = |heads: &[u8], at: usize| -> Vec<u8> {
        let pixel = |place: usize| ((at * 37 + place * usize::from(heads[heads.len() - 1] + 1)) % 256) as u8;
        heads.iter().copied().chain((0..3072).map(pixel)).collect()
    };
    match set {
        "cifar-10" => {
            let batch = |count: usize| (0..count).flat_map(|at| record(&[(at % 10) as u8], at)).collect::<Vec<u8>>();
            let train = (1..=5).map(|number| (format!("data_batch_{number}.bin"), batch(20)));
            train.chain([("test_batch.bin".to_owned(), batch(100))]).collect()
        }
        "cifar-100" => {
            let part = |count: usize| {
                (0..count).flat_map(|at| record(&[(at % 100 / 5) as u8, (at % 100) as u8], at)).collect::<Vec<u8>>()
            };
            vec![("train.bin".to_owned(), part(1000)), ("test.bin".to_owned(), part(200))]
        }
        "tiny-imagenet" => {
            let ids = ["n01443537", "n01629819", "n01641577"];
            let picture = |at: usize| {
                let pixels: Vec<u8> =
                    (0..64 * 64 * 3).map(|place| ((place * (at + 3) + 41 * at) % 256) as u8).collect();
                png(&Picture { height: 64, width: 64, channels: 3, pixels: pixels.into() }).unwrap()
            };
            let mut files = vec![("wnids.txt".to_owned(), (ids.join("\n") + "\n").into_bytes())];
            let mut annotations = String::new();
            for (class, id) in ids.iter().enumerate() {
                for number in 0..12 {
                    files.push((format!("train/{id}/images/{id}_{number}.JPEG"), picture(class + 3 * number)));
                }
                files.push((format!("val/images/val_{class}.JPEG"), picture(class)));
                annotations.push_str(&format!("val_{class}.JPEG\t{id}\t0\t0\t9\t9\n"));
            }
            files.push(("val/val_annotations.txt".to_owned(), annotations.into_bytes()));
            files
        }
        other => panic!("{other}: no small files; add some, so that the set is tested"),
    }
}

fn archive(format: ArchiveFormat, top: &str, files: &[(String, Vec<u8>)]) -> Vec<u8> {
    match format {
        ArchiveFormat::TarGz => {
            let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
            for (name, content) in files {
                let mut header = tar::Header::new_gnu();
                header.set_size(content.len() as u64);
                header.set_mode(0o644);
                builder.append_data(&mut header, format!("{top}/{name}"), content.as_slice()).unwrap();
            }
            builder.into_inner().unwrap().finish().unwrap()
        }
        ArchiveFormat::Zip => {
            let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for (name, content) in files {
                writer.start_file(format!("{top}/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
                writer.write_all(content).unwrap();
            }
            writer.finish().unwrap().into_inner()
        }
    }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

fn idx_images(count: u32) -> Vec<u8> {
    let pixels =
        (0..count).flat_map(|at| (0..28 * 28).map(move |place| ((place * (at % 10 + 1) + 17 * at) % 256) as u8));
    let head = [2051u32, count, 28, 28].into_iter().flat_map(u32::to_be_bytes);
    head.chain(pixels).collect()
}

fn idx_labels(count: u32) -> Vec<u8> {
    let head = [2049u32, count].into_iter().flat_map(u32::to_be_bytes);
    head.chain((0..count).map(|at| (at % 10) as u8)).collect()
}

/// Fifty votes for each picture, most of them for its class, as an array of NumPy.
fn votes(rows: usize) -> Vec<u8> {
    let mut header = format!("{{'descr': '<i8', 'fortran_order': False, 'shape': ({rows}, 10), }}");
    header.push_str(&" ".repeat(63 - (10 + header.len()) % 64));
    header.push('\n');
    let count = |row: usize, class: usize| if class == row % 10 { 41i64 } else { 1 };
    let counts = (0..rows).flat_map(|row| (0..10).flat_map(move |class| count(row, class).to_le_bytes()));
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00".to_vec(), length.to_vec(), header.into_bytes(), counts.collect()].concat()
}
