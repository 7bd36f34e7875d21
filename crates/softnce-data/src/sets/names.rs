//! Files of names, one a line.

use std::fs;
use std::io;
use std::path::Path;

use super::error::SetError;
use crate::ContentError;

/// The lines of a text file without blank lines at its end; `None` if the file does not exist.
///
/// # Errors
/// A file that is not UTF-8 text; a blank line before the last one.
pub(super) fn read(path: &Path) -> Result<Option<Vec<String>>, SetError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(SetError::Io { path: path.to_owned(), source }),
    };
    // Windows' editors begin a text with a byte order mark.
    let text = text.trim_start_matches('\u{feff}').trim_end();
    let lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    match lines.iter().position(String::is_empty) {
        Some(index) => Err(ContentError::line(path, index + 1, "''", "a name")),
        None => Ok(Some(lines)),
    }
}

/// The names of `classes` classes: the lines of the file if it exists, else `default`.
///
/// # Errors
/// As [`read`]; another number of names.
pub(super) fn read_or(
    path: &Path,
    default: impl IntoIterator<Item = String>,
    classes: usize,
) -> Result<Vec<String>, SetError> {
    let names = read(path)?.unwrap_or_else(|| default.into_iter().collect());
    if names.len() == classes {
        return Ok(names);
    }
    let (line, found) = (names.len().min(classes) + 1, names.get(classes).map_or("", String::as_str));
    Err(ContentError::line(path, line, format!("'{found}'"), format!("{classes} names, one a line")))
}

/// The numbers from 0 as names.
pub(super) fn numbers(classes: usize) -> impl Iterator<Item = String> {
    (0..classes).map(|class| class.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names.txt");
        assert_eq!(read(&path).unwrap(), None);
        assert_eq!(read_or(&path, numbers(2), 2).unwrap(), ["0", "1"]);
        fs::write(&path, "\u{feff}cat\r\nsea lion \n\n\n").unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), ["cat", "sea lion"]);
        assert_eq!(read_or(&path, numbers(2), 2).unwrap(), ["cat", "sea lion"]);
    }

    #[test]
    fn names_the_line_that_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names.txt");
        let at = |line: &str| format!("{}, line {line}", path.display());
        fs::write(&path, "cat\n\ndog\n").unwrap();
        assert_eq!(read(&path).unwrap_err().to_string(), at("2: ''; expected a name"));
        fs::write(&path, "cat\ndog\n").unwrap();
        let message = |classes| read_or(&path, numbers(0), classes).unwrap_err().to_string();
        assert_eq!(message(1), at("2: 'dog'; expected 1 names, one a line"));
        assert_eq!(message(3), at("3: ''; expected 3 names, one a line"));
        fs::write(&path, b"\xff\xfe").unwrap();
        assert!(read(&path).is_err());
    }
}
