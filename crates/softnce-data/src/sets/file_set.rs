//! Pictures in files of their own, decoded when asked for.

use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::path::PathBuf;

use super::decode::{Decoding, decode};
use super::error::SetError;
use crate::{Picture, PictureSource};

/// Labelled pictures in files of their own, decoded when asked for, always to red, green and blue, as by Pillow's
/// `Image.open(file).convert("RGB")`.
///
/// The content tells the format, not the ending: ImageNet has a PNG file that is named JPEG. Transparency is dropped,
/// of an animation the first frame is read, and the orientation that a camera noted is not applied unless
/// [`Decoding`] asks for it.
#[derive(Clone, PartialEq, Eq)]
pub struct FileSet {
    class_names: Vec<String>,
    labels: Vec<usize>,
    folders: Vec<PathBuf>,
    files: Vec<(usize, Box<OsStr>)>,
    warnings: Vec<String>,
    decoding: Decoding,
}

impl FileSet {
    /// A set of no pictures yet.
    pub(super) fn new(class_names: Vec<String>) -> Self {
        let (labels, folders, files, warnings) = Default::default();
        Self { class_names, labels, folders, files, warnings, decoding: Decoding::default() }
    }

    /// The same pictures, decoded in another way.
    pub fn with_decoding(self, decoding: Decoding) -> Self {
        Self { decoding, ..self }
    }

    /// Adds a warning.
    pub(super) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// Adds files of one folder, each with its class.
    pub(super) fn add(&mut self, folder: PathBuf, files: impl IntoIterator<Item = (OsString, usize)>) {
        let number = self.folders.len();
        self.folders.push(folder);
        for (file, label) in files {
            self.files.push((number, file.into_boxed_os_str()));
            self.labels.push(label);
        }
    }
}

impl PictureSource for FileSet {
    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn picture(&self, index: usize) -> Result<Picture<'_>, Box<dyn Error + Send + Sync>> {
        let Some(path) = self.path(index) else {
            let set = self.folders.first().map(|folder| folder.display().to_string()).unwrap_or_default();
            return Err(SetError::Index { index, pictures: self.labels.len(), set }.into());
        };
        let bytes = fs::read(&path).map_err(SetError::io(&path))?;
        Ok(decode(&bytes, self.decoding).map_err(|source| SetError::Decode { path, source })?)
    }

    fn path(&self, index: usize) -> Option<PathBuf> {
        let (folder, file) = self.files.get(index)?;
        Some(self.folders.get(*folder)?.join(&**file))
    }

    fn describe(&self, index: usize) -> String {
        self.path(index).map_or_else(|| format!("picture {index}"), |path| path.display().to_string())
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl fmt::Debug for FileSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FileSet")
            .field("first_folder", &self.folders.first())
            .field("pictures", &self.labels.len())
            .field("classes", &self.class_names.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use image::{Rgb, RgbImage};

    use super::*;
    use crate::sets::decode::tests::jpeg;

    fn one(path: &Path) -> FileSet {
        let mut set = FileSet::new(vec!["only".to_owned()]);
        set.add(path.parent().unwrap().to_owned(), [(path.file_name().unwrap().to_owned(), 0)]);
        set
    }

    #[test]
    fn a_bad_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let starts_with_path = |path: &Path| {
            let message = one(path).picture(0).map(|_| "decoded".to_owned()).unwrap_or_else(|error| error.to_string());
            assert!(message.starts_with(&path.display().to_string()), "{message}");
        };
        for ending in ["png", "bmp", "webp", "jpg", "gif", "tiff", "ppm"] {
            let path = folder.path().join("picture").with_extension(ending);
            let noise = RgbImage::from_fn(40, 30, |x, y| Rgb([(x * y) as u8, (x * 91 + y * 57) as u8, (y * 83) as u8]));
            match ending {
                "jpg" => fs::write(&path, jpeg(&noise)).unwrap(),
                _ => noise.save(&path).unwrap(),
            }
            one(&path).picture(0).unwrap();
            let whole = fs::read(&path).unwrap();
            for content in [&whole[..whole.len() / 2], &whole[..whole.len() - 20], b"text", b""] {
                fs::write(&path, content).unwrap();
                starts_with_path(&path);
            }
            fs::remove_file(&path).unwrap();
            starts_with_path(&path);
            assert!(one(&path).picture(1).unwrap_err().to_string().ends_with(" has 1 pictures"));
            assert_eq!(one(&path).describe(0), path.display().to_string());
        }
    }
}
