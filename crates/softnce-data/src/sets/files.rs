//! Pictures in files of their own, decoded when asked for.

use std::borrow::Cow;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use image::ImageFormat;

use super::error::SetError;
use super::jpeg;
use crate::{ContentError, Picture, PictureSource};

/// The endings of picture files, in lower case.
const ENDINGS: [&str; 5] = ["jpg", "jpeg", "png", "bmp", "webp"];

/// Labelled pictures in files of their own, decoded when asked for, always to red, green and blue.
///
/// The content tells the format, not the ending: ImageNet has a PNG file that is named JPEG. Transparency is dropped
/// and the orientation that a camera noted is not applied, as in torchvision.
#[derive(Clone, PartialEq, Eq)]
pub struct FileSet {
    class_names: Vec<String>,
    labels: Vec<usize>,
    folders: Vec<PathBuf>,
    files: Vec<(usize, Box<OsStr>)>,
}

impl FileSet {
    /// A set of no pictures yet.
    pub(super) fn new(class_names: Vec<String>) -> Self {
        Self { class_names, labels: Vec::new(), folders: Vec::new(), files: Vec::new() }
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

    /// The file of a picture.
    pub fn path(&self, index: usize) -> Option<PathBuf> {
        let (folder, file) = self.files.get(index)?;
        Some(self.folders.get(*folder)?.join(&**file))
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
        Ok(decode(&path)?)
    }

    fn describe(&self, index: usize) -> String {
        self.path(index).map_or_else(|| format!("picture {index}"), |path| path.display().to_string())
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

fn decode(path: &Path) -> Result<Picture<'static>, SetError> {
    let bytes = fs::read(path).map_err(SetError::io(path))?;
    if image::guess_format(&bytes).is_ok_and(|format| format == ImageFormat::Jpeg) && !jpeg::is_whole(&bytes) {
        let expected = "the end marker of the JPEG picture";
        return Err(ContentError::byte(path, bytes.len() as u64, "the file ends", expected));
    }
    // Not `ImageReader`, which is generic: this crate would compile all decoders anew for its reader.
    let picture = image::load_from_memory(&bytes)
        .map_err(|source| SetError::Decode { path: path.to_owned(), source })?
        .into_rgb8();
    let (width, height) = picture.dimensions();
    Ok(Picture { height: height as usize, width: width as usize, channels: 3, pixels: Cow::Owned(picture.into_raw()) })
}

/// The folders and the files in a folder, each sorted by name, without hidden ones and without the notes of file
/// managers.
pub(super) struct FolderContent {
    pub(super) folders: Vec<OsString>,
    pub(super) files: Vec<OsString>,
}

/// Lists a folder; links are followed.
pub(super) fn list(path: &Path) -> Result<FolderContent, SetError> {
    let mut listing = FolderContent { folders: Vec::new(), files: Vec::new() };
    for entry in fs::read_dir(path).map_err(SetError::io(path))? {
        let entry = entry.map_err(SetError::io(path))?;
        let name = entry.file_name();
        let bytes = name.as_encoded_bytes();
        if bytes.starts_with(b".") || [&b"thumbs.db"[..], b"desktop.ini"].iter().any(|n| bytes.eq_ignore_ascii_case(n))
        {
            continue;
        }
        let mut kind = entry.file_type().map_err(SetError::io(entry.path()))?;
        if kind.is_symlink() {
            kind = fs::metadata(entry.path()).map_err(SetError::io(entry.path()))?.file_type();
        }
        // Reading a pipe would block for ever.
        if !kind.is_dir() && !kind.is_file() {
            return Err(ContentError::stray(&entry.path(), "files and folders"));
        }
        let names = if kind.is_dir() { &mut listing.folders } else { &mut listing.files };
        names.push(name);
    }
    listing.folders.sort_unstable();
    listing.files.sort_unstable();
    Ok(listing)
}

/// The pictures of a folder that may hold nothing else, sorted by name.
///
/// # Errors
/// A folder or another file in it, named by its path.
pub(super) fn pictures(path: &Path) -> Result<Vec<OsString>, SetError> {
    let FolderContent { folders, files } = list(path)?;
    let stray = folders.first().or_else(|| files.iter().find(|file| !is_picture(file)));
    match stray {
        Some(name) => Err(ContentError::stray(&path.join(name), format!("files {}", endings()))),
        None => Ok(files),
    }
}

/// Every folder from `folder` down with the files in it: a folder before the folders in it, files and folders sorted by
/// name. Links are followed.
///
/// # Errors
/// A folder that cannot be read; a link to a folder that holds the link, which would never end.
pub(super) fn walk(folder: &Path) -> Result<Vec<(PathBuf, Vec<OsString>)>, SetError> {
    let mut found = Vec::new();
    walk_below(folder, &mut Vec::new(), &mut found)?;
    Ok(found)
}

/// `around`: the real paths of the folders that hold this one.
fn walk_below(
    folder: &Path,
    around: &mut Vec<PathBuf>,
    found: &mut Vec<(PathBuf, Vec<OsString>)>,
) -> Result<(), SetError> {
    let real = folder.canonicalize().map_err(SetError::io(folder))?;
    if around.contains(&real) {
        return Err(ContentError::stray(folder, "no link to a folder that holds the link"));
    }
    around.push(real);
    let FolderContent { folders, files } = list(folder)?;
    found.push((folder.to_owned(), files));
    for name in folders {
        walk_below(&folder.join(name), around, found)?;
    }
    around.pop();
    Ok(())
}

pub(super) fn is_picture(file: &OsStr) -> bool {
    let ending = Path::new(file).extension().unwrap_or_default();
    ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// The endings of picture files, for messages.
pub(super) fn endings() -> String {
    format!("ending in .{}", ENDINGS.join(", ."))
}

#[cfg(test)]
pub(super) mod tests {
    use image::{GrayImage, Luma, Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    /// Writes a picture of one colour, with the folders it needs.
    pub(crate) fn write_picture(path: &Path, colour: [u8; 3]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let format = image::ImageFormat::from_path(path).unwrap();
        RgbImage::from_pixel(4, 2, Rgb(colour)).save_with_format(path, format).unwrap();
    }

    fn one(path: &Path) -> FileSet {
        let mut set = FileSet::new(vec!["only".to_owned()]);
        set.add(path.parent().unwrap().to_owned(), [(path.file_name().unwrap().to_owned(), 0)]);
        set
    }

    #[test]
    fn every_format_becomes_red_green_and_blue() {
        let folder = tempfile::tempdir().unwrap();
        for ending in ["png", "bmp", "webp", "jpg", "JPEG"] {
            let path = folder.path().join("picture").with_extension(ending);
            write_picture(&path, [200, 100, 0]);
            let set = one(&path);
            let picture = set.picture(0).unwrap();
            assert_eq!((picture.height, picture.width, picture.channels), (2, 4, 3));
            for pixel in picture.pixels.chunks(3) {
                let near = pixel.iter().zip([200u8, 100, 0]).all(|(&found, wanted)| found.abs_diff(wanted) <= 3);
                assert!(near, "{ending}: {pixel:?}");
            }
        }
        let path = folder.path().join("grey.png");
        GrayImage::from_pixel(1, 1, Luma([7])).save(&path).unwrap();
        assert_eq!(*one(&path).picture(0).unwrap().pixels, [7, 7, 7]);
        RgbaImage::from_pixel(1, 1, Rgba([1, 2, 3, 0])).save(&path).unwrap();
        assert_eq!(*one(&path).picture(0).unwrap().pixels, [1, 2, 3]);
    }

    #[test]
    fn the_content_tells_the_format() {
        let folder = tempfile::tempdir().unwrap();
        let (png, jpeg) = (folder.path().join("a.png"), folder.path().join("a.JPEG"));
        write_picture(&png, [9, 8, 7]);
        fs::rename(&png, &jpeg).unwrap();
        assert_eq!(one(&jpeg).picture(0).unwrap().pixels[..3], [9, 8, 7]);
    }

    #[test]
    fn a_bad_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let starts_with_path = |path: &Path| {
            let message = one(path).picture(0).map(|_| "decoded".to_owned()).unwrap_or_else(|error| error.to_string());
            assert!(message.starts_with(&path.display().to_string()), "{message}");
        };
        for ending in ["png", "bmp", "webp", "jpg"] {
            let path = folder.path().join("picture").with_extension(ending);
            let noise = RgbImage::from_fn(40, 30, |x, y| Rgb([(x * y) as u8, (x * 91 + y * 57) as u8, (y * 83) as u8]));
            noise.save(&path).unwrap();
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

    #[test]
    fn only_hidden_files_and_notes_of_file_managers_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        write_picture(&folder.path().join("b.png"), [0; 3]);
        write_picture(&folder.path().join("a.jpg"), [0; 3]);
        for hidden in [".DS_Store", "._a.jpg", "Thumbs.db", "desktop.ini"] {
            fs::write(folder.path().join(hidden), "").unwrap();
        }
        assert_eq!(pictures(folder.path()).unwrap(), ["a.jpg", "b.png"]);
        let stray = folder.path().join("notes.txt");
        fs::write(&stray, "").unwrap();
        let message = pictures(folder.path()).unwrap_err().to_string();
        let expected = "does not belong here; expected files ending in .jpg, .jpeg, .png, .bmp, .webp";
        assert_eq!(message, format!("{}: {expected}", stray.display()));
        fs::remove_file(stray).unwrap();
        fs::create_dir(folder.path().join("c.png")).unwrap();
        assert!(pictures(folder.path()).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn links_to_folders_are_followed_but_not_in_circles() {
        let folder = tempfile::tempdir().unwrap();
        let (inner, other) = (folder.path().join("a/inner"), folder.path().join("b"));
        write_picture(&inner.join("x.png"), [0; 3]);
        std::os::unix::fs::symlink(&inner, folder.path().join("b")).unwrap();
        let found = walk(folder.path()).unwrap();
        let folders: Vec<&Path> = found.iter().map(|(folder, _)| folder.as_path()).collect();
        assert_eq!(folders, [folder.path(), &folder.path().join("a"), &inner, &other]);
        std::os::unix::fs::symlink(folder.path(), inner.join("up")).unwrap();
        let message = walk(folder.path()).unwrap_err().to_string();
        assert!(message.starts_with(&format!("{}: ", inner.join("up").display())), "{message}");
    }
}
