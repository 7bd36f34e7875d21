//! Matches the rows of a file with pictures by their paths.

use std::collections::HashMap;
use std::path::Path;

use super::LabelError;
use super::place::Place;
use crate::{ContentError, PictureSource};

/// The pictures of a set by their paths, and the rows that were found for them.
pub(super) struct RowMatching {
    /// Index of the picture with a path from the folder of the set, with `/` between the folders.
    pictures: HashMap<String, usize>,
    /// The name of the folder of the set.
    folder: String,
    /// For each picture its row and the place of the row.
    rows: Vec<Option<(usize, Place<'static>)>>,
    taken: usize,
    unknown: Refused<()>,
    /// With the place of the other row for the picture.
    duplicate: Refused<Place<'static>>,
}

/// Rows that are refused: their number, and the place and the path of the first one, with what else is known of it.
struct Refused<T> {
    count: usize,
    first: Option<(Place<'static>, String, T)>,
}

impl<T> Refused<T> {
    const NONE: Self = Refused { count: 0, first: None };

    fn add(&mut self, place: Place<'static>, path: &str, more: T) {
        self.count += 1;
        self.first.get_or_insert_with(|| (place, path.to_owned(), more));
    }
}

impl RowMatching {
    /// The pictures of a set in the folder `root`.
    ///
    /// # Errors
    /// A set whose pictures are not files of their own; `file` is the file of labels, for this error.
    pub(super) fn new(pictures: &dyn PictureSource, root: &Path, file: &Path) -> Result<Self, LabelError> {
        let count = pictures.labels().len();
        let mut by_path = HashMap::with_capacity(count);
        for index in 0..count {
            let Some(path) = pictures.path(index) else {
                let expected = "one row a picture, in the order of the pictures, without a column of paths: the pictures \
                                of this set are not files of their own";
                return Err(ContentError::whole(file, "a column of paths", expected));
            };
            by_path.insert(relative(&path, root), index);
        }
        let folder = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self {
            pictures: by_path,
            folder,
            rows: vec![None; count],
            taken: 0,
            unknown: Refused::NONE,
            duplicate: Refused::NONE,
        })
    }

    /// Whether this is the path of a picture.
    pub(super) fn knows(&self, path: &str) -> bool {
        self.find(path).is_some()
    }

    /// The picture with this path: from the folder of the set, or from a folder above it; with `/` or `\`.
    fn find(&self, path: &str) -> Option<usize> {
        if let Some(&index) = self.pictures.get(path) {
            return Some(index);
        }
        let path = path.replace('\\', "/");
        let path = path.trim_start_matches("./");
        if let Some(&index) = self.pictures.get(path) {
            return Some(index);
        }
        let starts = path.match_indices('/').map(|(at, _)| at);
        let mut after = starts.filter(|&at| path[..at].rsplit('/').next() == Some(&self.folder));
        after.find_map(|at| self.pictures.get(&path[at + 1..]).copied())
    }

    /// Adds the next row, which has this path.
    pub(super) fn push(&mut self, path: &str, place: Place<'static>) {
        let row = self.taken;
        self.taken += 1;
        match self.find(path).map(|picture| &mut self.rows[picture]) {
            Some(known @ None) => *known = Some((row, place)),
            Some(Some((_, first))) => self.duplicate.add(place, path, *first),
            None => self.unknown.add(place, path, ()),
        }
    }

    /// The row of each picture.
    ///
    /// # Errors
    /// Rows whose path names no picture, a second row for a picture, a picture without a row.
    pub(super) fn rows(mut self, path: &Path) -> Result<Vec<usize>, LabelError> {
        let path = path.to_owned();
        if let Some((place, found, ())) = self.unknown.first {
            let (place, count) = (place.row(), self.unknown.count);
            let example = self.pictures.into_keys().min().unwrap_or_default();
            return Err(LabelError::UnknownPath { path, place, found, count, example });
        }
        if let Some((place, found, first)) = self.duplicate.first {
            let (place, count) = (place.row(), self.duplicate.count);
            let first = first.row().trim_start_matches(", ").to_owned();
            return Err(LabelError::DuplicatePath { path, place, found, count, first });
        }
        let missing = self.rows.iter().filter(|row| row.is_none()).count();
        if let Some(picture) = self.rows.iter().position(Option::is_none) {
            let missing_path = self.pictures.drain().find(|&(_, index)| index == picture);
            let named = missing_path.map(|(path, _)| path).unwrap_or_default();
            return Err(LabelError::MissingPath { path, missing: named, count: missing });
        }
        Ok(self.rows.into_iter().flatten().map(|(row, _)| row).collect())
    }
}

/// The path from the folder of the set, with `/` between the folders.
fn relative(path: &Path, root: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}
