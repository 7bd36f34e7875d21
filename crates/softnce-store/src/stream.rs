//! CSV files that grow row by row, so that a program that is stopped has written what it had.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::file::{check_writable, device, put_in_place};
use crate::{StoreError, csv};

/// Rows of CSV that are written one by one: when [`CsvStream::row`] returns, the row is in the file or the pipe.
#[derive(Debug)]
pub struct CsvStream {
    to: Target,
}

/// Where the rows go.
#[derive(Debug)]
enum Target {
    Stdout,
    /// A device or a pipe, which cannot be renamed.
    Direct {
        file: File,
        path: PathBuf,
    },
    /// `PATH.part`, until the rows are complete.
    Part {
        file: File,
        part: PathBuf,
        path: PathBuf,
    },
}

impl CsvStream {
    /// Rows for standard output.
    pub fn stdout() -> CsvStream {
        CsvStream { to: Target::Stdout }
    }

    /// Rows for a file: they go to `PATH.part`, which [`CsvStream::finish`] renames to `PATH`. So `PATH` has its old
    /// content or all rows; after an interruption `PATH.part` has the rows up to there. A device or a named pipe at
    /// this path is written directly.
    ///
    /// # Errors
    /// [`StoreError::File`]: no such folder, a folder at this path, no permission.
    pub fn file(path: &Path) -> Result<CsvStream, StoreError> {
        if let Some(file) = device(path).map_err(StoreError::file("write", path))? {
            return Ok(CsvStream { to: Target::Direct { file, path: path.to_owned() } });
        }
        check_writable(path)?;
        let mut part = path.to_owned().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).map_err(StoreError::file("write", &part))?;
        Ok(CsvStream { to: Target::Part { file, part, path: path.to_owned() } })
    }

    /// Writes a row; the first is the head.
    ///
    /// # Errors
    /// [`StoreError::File`]: a full disk; a pipe whose reader is gone ([`StoreError::is_closed_pipe`]).
    pub fn row<F: AsRef<str>>(&mut self, fields: impl IntoIterator<Item = F>) -> Result<(), StoreError> {
        let fields: Vec<F> = fields.into_iter().collect();
        let row: Vec<&str> = fields.iter().map(AsRef::as_ref).collect();
        let bytes = csv([row]).map_err(io::Error::from).map_err(StoreError::file("write", self.path()))?;
        let written = match &mut self.to {
            Target::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(&bytes).and_then(|()| out.flush())
            }
            Target::Direct { file, .. } | Target::Part { file, .. } => file.write_all(&bytes),
        };
        written.map_err(StoreError::file("write", self.path()))
    }

    /// The file with the rows written so far, or the words "standard output".
    pub fn path(&self) -> &Path {
        match &self.to {
            Target::Stdout => Path::new("standard output"),
            Target::Direct { path, .. } => path,
            Target::Part { part, .. } => part,
        }
    }

    /// The file that keeps the rows if [`CsvStream::finish`] is not called.
    pub fn part(&self) -> Option<&Path> {
        matches!(self.to, Target::Part { .. }).then(|| self.path())
    }

    /// Gives the file its name. After that, all rows survive a loss of power.
    ///
    /// # Errors
    /// [`StoreError::File`]: a full disk; a path that cannot be replaced.
    pub fn finish(self) -> Result<(), StoreError> {
        match self.to {
            Target::Part { file, part, path } => {
                drop(file);
                put_in_place(&part, &path)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn rows_are_there_at_once_and_the_name_comes_last() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("rows.csv");
        fs::write(&path, "old").unwrap();
        let mut rows = CsvStream::file(&path).unwrap();
        rows.row(["picture", "class"]).unwrap();
        rows.row(["a,b.png", "say \"cat\""]).unwrap();
        let part = rows.part().unwrap().to_owned();
        assert_eq!(part, place.path().join("rows.csv.part"));
        assert_eq!(fs::read_to_string(&part).unwrap(), "picture,class\n\"a,b.png\",\"say \"\"cat\"\"\"\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        rows.row(["c.png", ""]).unwrap();
        rows.finish().unwrap();
        assert!(!part.exists());
        assert!(fs::read_to_string(&path).unwrap().ends_with("\nc.png,\n"));
    }

    #[test]
    fn a_path_that_cannot_be_written_is_refused_before_the_first_row() {
        let place = tempfile::tempdir().unwrap();
        let message = |path: &Path| CsvStream::file(path).unwrap_err().to_string();
        assert!(message(place.path()).starts_with(&format!("cannot write {}", place.path().display())));
        let absent = place.path().join("absent/rows.csv");
        assert!(message(&absent).contains("absent"), "{}", message(&absent));
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_device_is_an_error_by_name() {
        let mut rows = CsvStream::file(Path::new("/dev/full")).unwrap();
        assert!(rows.part().is_none());
        let error = rows.row(["picture"]).unwrap_err();
        assert!(error.to_string().starts_with("cannot write /dev/full: "), "{error}");
        assert!(!error.is_closed_pipe());
    }
}
