//! Lists the files of folders.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use super::decode::{endings, is_picture, is_unread_picture};
use super::error::SetError;
use crate::ContentError;

/// Files that file managers write. They are skipped without a warning, like hidden files.
const NOTES: [&str; 2] = ["thumbs.db", "desktop.ini"];
/// Folders that programs leave behind, in lower case. Their pictures do not belong to the set.
const LEFT_BEHIND: [&str; 6] =
    ["__macosx", "__pycache__", "@eadir", "$recycle.bin", "system volume information", "lost+found"];
/// Endings of label files, which may lie beside the folders of a set.
const LABELS: [&str; 5] = ["csv", "npy", "npz", "safetensors", "u8"];
/// Largest number of names in a warning.
const NAMED: usize = 10;

/// What a folder holds, each list sorted by name.
#[derive(Debug, Default)]
pub(super) struct FolderContent {
    pub(super) folders: Vec<OsString>,
    pub(super) files: Vec<OsString>,
    /// Hidden folders, folders that programs leave behind, and what is neither a file nor a folder.
    pub(super) left_out: Vec<OsString>,
}

/// Lists a folder; links are followed. Hidden files and those of file managers are not listed.
pub(super) fn list(path: &Path) -> Result<FolderContent, SetError> {
    let mut listing = FolderContent::default();
    for entry in fs::read_dir(path).map_err(SetError::io(path))? {
        let entry = entry.map_err(SetError::io(path))?;
        let name = entry.file_name();
        let is_one_of = |known: &[&str]| known.iter().any(|known| name.eq_ignore_ascii_case(known));
        let hidden = name.as_encoded_bytes().starts_with(b".");
        let mut kind = entry.file_type().map_err(SetError::io(entry.path()))?;
        if kind.is_symlink() {
            match fs::metadata(entry.path()) {
                Ok(target) => kind = target.file_type(),
                // A broken link with the name of a picture is reported as a picture that cannot be read.
                Err(_) if is_picture(&name) && !hidden => {
                    listing.files.push(name);
                    continue;
                }
                Err(_) => {}
            }
        }
        if kind.is_file() && (hidden || is_one_of(&NOTES)) {
            continue;
        }
        // Reading a pipe could block for ever.
        let left_out = hidden || (kind.is_dir() && is_one_of(&LEFT_BEHIND)) || !(kind.is_dir() || kind.is_file());
        let names = match kind.is_dir() {
            _ if left_out => &mut listing.left_out,
            true => &mut listing.folders,
            false => &mut listing.files,
        };
        names.push(name);
    }
    for names in [&mut listing.folders, &mut listing.files, &mut listing.left_out] {
        names.sort_unstable();
    }
    Ok(listing)
}

/// The pictures in a folder and in all folders below it.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Every folder with the names of its pictures: a folder before the folders in it, all sorted by name.
    pub(super) folders: Vec<(PathBuf, Vec<OsString>)>,
    /// What is not read, sorted.
    pub(super) left_out: Vec<PathBuf>,
}

/// Goes through a folder and all folders below it. Links are followed after everything else; a folder is visited once,
/// and a link to a folder that holds `folder` is left out.
///
/// # Errors
/// A folder that cannot be read.
pub(super) fn walk(folder: &Path) -> Result<Walk, SetError> {
    let start = folder.canonicalize().map_err(SetError::io(folder))?;
    let mut found = Walk::default();
    let mut visited = HashSet::new();
    let mut links = Vec::new();
    let mut pending = vec![(folder.to_owned(), start.clone())];
    loop {
        let (path, real) = match pending.pop() {
            Some(next) => next,
            None if links.is_empty() => break,
            None => {
                let link: PathBuf = links.remove(0);
                let real = link.canonicalize().map_err(SetError::io(&link))?;
                if start.starts_with(&real) || visited.contains(&real) {
                    found.left_out.push(link);
                    continue;
                }
                (link, real)
            }
        };
        if !visited.insert(real.clone()) {
            continue;
        }
        let FolderContent { folders, files, left_out } = list(&path)?;
        let (pictures, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| is_picture(file));
        found.left_out.extend(others.into_iter().chain(left_out).map(|name| path.join(name)));
        for name in folders {
            let below = path.join(&name);
            match below.is_symlink() {
                true => links.push(below),
                false => pending.push((below, real.join(name))),
            }
        }
        links.sort_unstable();
        found.folders.push((path, pictures));
    }
    found.folders.sort_unstable();
    found.left_out.sort_unstable();
    Ok(found)
}

/// Whether a folder, or a folder below it, holds a picture. A folder that cannot be read holds none.
pub(super) fn holds_pictures(folder: &Path) -> bool {
    // Most folders of classes hold pictures themselves.
    let direct = list(folder).is_ok_and(|found| found.files.iter().any(|file| is_picture(file)));
    direct || walk(folder).is_ok_and(|found| found.folders.iter().any(|(_, pictures)| !pictures.is_empty()))
}

/// The error of a folder without pictures, which names a file that is not read among `paths`.
pub(super) fn no_pictures(folder: &Path, paths: &[PathBuf]) -> SetError {
    let files: Vec<&PathBuf> = paths.iter().filter(|path| path.is_file()).collect();
    let is_likely = |path: &&&PathBuf| path.file_name().is_some_and(is_unread_picture);
    let Some(named) = files.iter().find(is_likely).or(files.first()) else { return ContentError::empty(folder) };
    let named = named.strip_prefix(folder).unwrap_or(named).display();
    let found = match files.len() {
        1 => format!("no pictures ({named} is not read as one)"),
        count => format!("no pictures ({named} and {} more are not read as pictures)", count - 1),
    };
    ContentError::whole(folder, found, format!("at least one that ends in {}", endings()))
}

/// In a folder or below it, a picture in a format that is not read, in words.
pub(super) fn unread_picture(folder: &Path) -> Option<String> {
    let found = walk(folder).ok()?.left_out;
    let unread = found.iter().find(|path| path.file_name().is_some_and(is_unread_picture))?;
    Some(format!("{} is not read: pictures end in {}", unread.display(), endings()))
}

/// A warning about what is not read in `root`, except label files directly in it; `None` if there is nothing.
pub(super) fn left_out(root: &Path, paths: &[PathBuf]) -> Option<String> {
    let has_labels = |path: &Path| {
        let ending = path.extension().unwrap_or_default();
        path.parent() == Some(root) && LABELS.iter().any(|known| ending.eq_ignore_ascii_case(known))
    };
    let paths: Vec<&PathBuf> = paths.iter().filter(|path| !has_labels(path)).collect();
    let names = paths.iter().map(|path| path.strip_prefix(root).unwrap_or(path).as_os_str());
    let count = match paths.len() {
        0 => return None,
        1 => "1 file or folder is not read as pictures".to_owned(),
        count => format!("{count} files or folders are not read as pictures"),
    };
    Some(format!("{}: {count}: {}", root.display(), listed(names)))
}

/// Names for a message: the first ten.
pub(super) fn listed<'n>(names: impl ExactSizeIterator<Item = &'n OsStr>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let mut text = names.take(NAMED).map(|name| name.display().to_string()).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::decode::tests::write_picture;

    #[test]
    fn hidden_files_are_skipped_and_folders_left_behind_are_named() {
        let folder = tempfile::tempdir().unwrap();
        write_picture(&folder.path().join("b.png"), [0; 3]);
        write_picture(&folder.path().join("a.jpg"), [0; 3]);
        for hidden in [".DS_Store", "._a.jpg", "Thumbs.db", "desktop.ini"] {
            fs::write(folder.path().join(hidden), "").unwrap();
        }
        for left_behind in ["__MACOSX", ".ipynb_checkpoints", "@eaDir", "c.png"] {
            fs::create_dir(folder.path().join(left_behind)).unwrap();
        }
        fs::write(folder.path().join("notes.txt"), "").unwrap();
        let found = list(folder.path()).unwrap();
        assert_eq!(found.files, ["a.jpg", "b.png", "notes.txt"]);
        assert_eq!(found.folders, ["c.png"]);
        assert_eq!(found.left_out, [".ipynb_checkpoints", "@eaDir", "__MACOSX"]);
        let found = walk(folder.path()).unwrap();
        let warning = left_out(folder.path(), &found.left_out).unwrap();
        let expected = "4 files or folders are not read as pictures: .ipynb_checkpoints, @eaDir, __MACOSX, notes.txt";
        assert_eq!(warning, format!("{}: {expected}", folder.path().display()));
    }

    #[test]
    fn a_warning_names_the_first_of_many() {
        let paths: Vec<PathBuf> = (0..12).map(|number| format!("root/{number}.txt").into()).collect();
        let warning = left_out(Path::new("root"), &paths).unwrap();
        assert!(warning.starts_with("root: 12 files or folders are not read as pictures: 0.txt, "), "{warning}");
        assert!(warning.ends_with("9.txt and 2 more"), "{warning}");
        assert_eq!(left_out(Path::new("root"), &[]), None);
        let labels = ["root/labels.csv", "root/train/labels.csv"].map(PathBuf::from);
        let expected = "root: 1 file or folder is not read as pictures: train/labels.csv";
        assert_eq!(left_out(Path::new("root"), &labels).unwrap(), expected);
    }

    #[test]
    #[cfg(unix)]
    fn a_folder_is_visited_once_whatever_links_lead_to_it() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        write_picture(&at("class/a/inner/x.png"), [0; 3]);
        write_picture(&at("elsewhere/deep/y.png"), [0; 3]);
        // The link is sorted before what it leads to.
        symlink(at("class/a/inner"), at("class/0")).unwrap();
        symlink(at("class"), at("class/a/inner/up")).unwrap();
        symlink(folder.path(), at("class/a/root")).unwrap();
        symlink(at("elsewhere"), at("class/z")).unwrap();
        symlink(at("elsewhere"), at("elsewhere/deep/again")).unwrap();
        let found = walk(&at("class")).unwrap();
        let folders: Vec<PathBuf> = found.folders.into_iter().map(|(folder, _)| folder).collect();
        assert_eq!(folders, ["class", "class/a", "class/a/inner", "class/z", "class/z/deep"].map(at));
        assert_eq!(found.left_out, ["class/0", "class/a/inner/up", "class/a/root", "class/z/deep/again"].map(at));
    }

    #[test]
    #[cfg(unix)]
    fn a_link_that_leads_nowhere_is_a_picture_that_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(folder.path().join("absent"), folder.path().join("a.png")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("absent"), folder.path().join("notes")).unwrap();
        let found = list(folder.path()).unwrap();
        assert_eq!((found.files, found.left_out), (vec!["a.png".into()], vec!["notes".into()]));
    }
}
