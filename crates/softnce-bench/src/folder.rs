//! The folder of a measurement: its figures as data, as tables and as drawings, each file written atomically.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use softnce_store::file;

use crate::report::{self, Figure};
use crate::{BenchError, Results};

/// `results.json`, `results.csv`, `results.md`, `report.html`, and the figures as SVG files.
#[derive(Debug, Clone)]
pub struct BenchFolder {
    path: PathBuf,
}

const JSON: &str = "results.json";
const CSV: &str = "results.csv";
const MARKDOWN: &str = "results.md";
const PAGE: &str = "report.html";

/// What makes an entry of a list a measurement, of this version or another.
#[derive(Deserialize)]
#[allow(dead_code)]
struct Entry {
    n: IgnoredAny,
    m: IgnoredAny,
    d: IgnoredAny,
    path: IgnoredAny,
}

impl BenchFolder {
    /// Opens or makes the folder, and checks that the files of a measurement with these numbers of threads can be
    /// written there. Files of an earlier measurement stay until [`BenchFolder::write`] replaces them.
    ///
    /// # Errors
    /// A folder that cannot be made or written; one that holds something else.
    pub fn open(path: &Path, threads: &[usize]) -> Result<Self, BenchError> {
        if is_foreign(path) {
            return Err(BenchError::ForeignFolder { path: path.to_owned() });
        }
        let failed = |action, path, source| BenchError::File { action, path, source };
        fs::create_dir_all(path).map_err(|source| failed("write to", path.to_owned(), source))?;
        let folder = BenchFolder { path: path.to_owned() };
        let figures = Figure::names(threads);
        for name in [JSON, CSV, MARKDOWN, PAGE].into_iter().chain(figures.iter().map(String::as_str)) {
            let path = folder.path.join(name);
            file::check(&path).map_err(|source| failed("write", path, source))?;
        }
        Ok(folder)
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The page, for people.
    pub fn page(&self) -> PathBuf {
        self.path.join(PAGE)
    }

    /// Writes every file, each whole or not at all, and removes figures of an earlier measurement that this one has
    /// not got.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, results: &Results) -> Result<(), BenchError> {
        // First what the folder is known by, so that a kill in between leaves one that is known again.
        self.write_file(JSON, &report::json(&results.measurements)?)?;
        self.write_file(CSV, &report::csv(&results.measurements)?)?;
        self.write_file(MARKDOWN, &report::markdown(results))?;
        let figures = report::figures(results);
        for figure in &figures {
            self.write_file(&figure.name, &figure.svg)?;
        }
        self.write_file(PAGE, &report::page(results))?;
        self.remove_other_figures(&figures)
    }

    fn write_file(&self, name: &str, content: &str) -> Result<(), BenchError> {
        let path = self.path.join(name);
        file::write(&path, content.as_bytes()).map_err(|source| BenchError::File { action: "write", path, source })
    }

    fn remove_other_figures(&self, figures: &[Figure]) -> Result<(), BenchError> {
        let failed = |action, path: &Path, source| BenchError::File { action, path: path.to_owned(), source };
        for entry in fs::read_dir(&self.path).map_err(|source| failed("read", &self.path, source))?.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if Figure::is_name(&name) && !figures.iter().any(|figure| figure.name == name) {
                fs::remove_file(entry.path()).map_err(|source| failed("remove", &entry.path(), source))?;
            }
        }
        Ok(())
    }
}

/// Whether there is something in a folder, and no measurements: only those are replaced.
fn is_foreign(path: &Path) -> bool {
    let Ok(entries) = fs::read_dir(path) else { return false };
    let mut names = entries.flatten().map(|entry| entry.file_name());
    let is_empty = names.all(|name| name.to_string_lossy().starts_with(file::TEMPORARY));
    let measurements = || serde_json::from_slice::<Vec<Entry>>(&fs::read(path.join(JSON)).ok()?).ok();
    !is_empty && measurements().is_none()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::report::fixture;

    fn names(path: &Path) -> Vec<String> {
        let entries = fs::read_dir(path).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn every_file_is_written_and_written_again() {
        let place = TempDir::new().unwrap();
        let path = place.path().join("a/run");
        let mut results = fixture::sweep();
        for _ in 0..2 {
            let folder = BenchFolder::open(&path, &results.settings.threads).unwrap();
            folder.write(&results).unwrap();
            fs::write(path.join("notes.txt"), "kept").unwrap();
        }
        let figures = report::figures(&results);
        assert!(figures.iter().all(|figure| fs::read_to_string(path.join(&figure.name)).unwrap() == figure.svg));
        assert_eq!(names(&path).len(), 5 + figures.len(), "{:?}", names(&path));
        // A measurement without figures leaves none of the last one.
        results.measurements.truncate(1);
        BenchFolder::open(&path, &[3]).unwrap().write(&results).unwrap();
        assert_eq!(names(&path), ["notes.txt", "report.html", "results.csv", "results.json", "results.md"]);
    }

    #[test]
    fn other_contents_are_refused_and_kept() {
        let place = TempDir::new().unwrap();
        let file = place.path().join("results.json");
        for content in ["{\"runs\": []}", "[{\"n\": 1}]", "[1", "kept"] {
            fs::write(&file, content).unwrap();
            let error = BenchFolder::open(place.path(), &[1]).unwrap_err();
            assert!(error.to_string().ends_with("holds no measurements; name a new or empty folder with --out"));
            assert_eq!(fs::read_to_string(&file).unwrap(), content);
        }
        fs::remove_file(&file).unwrap();
        // What a kill in the middle of a write leaves behind is nobody's.
        fs::write(place.path().join(".softnce-abc"), "[{").unwrap();
        BenchFolder::open(place.path(), &[1]).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let place = TempDir::new().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let message = BenchFolder::open(&file.join("run"), &[1]).unwrap_err().to_string();
        assert!(message.starts_with("cannot write to ") && message.contains("file/run"), "{message}");
        let run = place.path().join("run");
        fs::create_dir_all(run.join("results.csv")).unwrap();
        fs::write(run.join("results.json"), "[]").unwrap();
        let message = BenchFolder::open(&run, &[1]).unwrap_err().to_string();
        assert!(message.starts_with("cannot write ") && message.contains("results.csv"), "{message}");
    }
}
