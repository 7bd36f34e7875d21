//! What is known of a set that can be fetched.

use super::Checksum;
use crate::sets::Layout;

/// A set that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSet {
    /// Its name, and the name of its folder in the data folder.
    pub name: String,
    /// A description in one line.
    pub about: String,
    /// What it holds.
    pub kind: SetKind,
    /// Other folders in which users have its files, relative to the data folder: that of the publisher's archive, those of
    /// other tools.
    pub other_folders: Vec<String>,
    /// The files to download.
    pub content: Content,
}

/// What a set holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetKind {
    /// Pictures with their classes.
    Pictures(Layout),
    /// Labels for the pictures of another set.
    Labels {
        /// The name of that set.
        pictures: String,
    },
    /// A graph with labelled nodes.
    Graph,
    /// Weights to start training from.
    Weights,
}

impl KnownSet {
    /// Bytes to download.
    pub fn bytes(&self) -> u64 {
        self.downloads().iter().map(|file| file.bytes).sum()
    }

    /// What is downloaded: the files, or the archive.
    pub fn downloads(&self) -> &[RemoteFile] {
        match &self.content {
            Content::Files { files, .. } => files,
            Content::Archive { file, .. } => std::slice::from_ref(file),
        }
    }

    /// The folders in which its files may be, relative to the data folder, its own first.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.other_folders).map(String::as_str)
    }

    /// The file of this name, or one that is also known by it. An archive has none: its entries are not listed.
    pub(super) fn file(&self, name: &str) -> Option<&RemoteFile> {
        match &self.content {
            Content::Files { files, .. } => files.iter().find(|file| file.names().any(|known| known == name)),
            Content::Archive { .. } => None,
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
    /// Other names under which users have it.
    pub other_names: Vec<String>,
    /// Its addresses, tried in this order.
    pub urls: Vec<String>,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its checksum.
    pub checksum: Checksum,
}

impl RemoteFile {
    /// The names under which it may be found, its own first.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.other_names).map(String::as_str)
    }
}
