//! The folder of a measurement: its figures as data, as tables and as drawings, each file written atomically.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use softnce_store::{Folder, Manifest, StoreError, check_writable, read};

use crate::report::{self, Figure};
use crate::{BenchError, Results};

/// `results.json`, `results.csv`, `results.md`, `report.html`, and the figures as SVG files.
#[derive(Debug)]
pub struct BenchFolder {
    folder: Folder,
}

const JSON: &str = "results.json";
const CSV: &str = "results.csv";
const MARKDOWN: &str = "results.md";
const PAGE: &str = "report.html";

/// Measurements, of whatever settings: only a folder that holds them is written again.
struct Measurements;

/// What makes an entry of a list a measurement, of this version or another.
#[derive(Deserialize)]
#[allow(dead_code)]
struct Entry {
    n: IgnoredAny,
    m: IgnoredAny,
    d: IgnoredAny,
    path: IgnoredAny,
}

impl Manifest for Measurements {
    fn read(folder: &Path) -> Result<Option<Self>, StoreError> {
        let bytes = read(&folder.join(JSON))?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice::<Vec<Entry>>(&bytes).ok()).map(|_| Measurements))
    }

    /// Nothing: the measurements come at the end.
    fn write(&self, _: &Folder) -> Result<(), StoreError> {
        Ok(())
    }

    fn differences(&self, _: &Self) -> Vec<String> {
        Vec::new()
    }
}

impl BenchFolder {
    /// Opens or makes the folder, and checks that the files of a measurement with these numbers of threads can be
    /// written there. Files of an earlier measurement stay until [`BenchFolder::write`] replaces them.
    ///
    /// # Errors
    /// A folder that cannot be made or written; one that holds something else; one that another process uses.
    pub fn open(path: &Path, threads: &[usize]) -> Result<Self, BenchError> {
        let folder = Folder::open(path, "benchmark", &Measurements)?;
        let figures = Figure::names(threads);
        for name in [JSON, CSV, MARKDOWN, PAGE].into_iter().chain(figures.iter().map(String::as_str)) {
            check_writable(&folder.file(name))?;
        }
        Ok(BenchFolder { folder })
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The page, for people.
    pub fn page(&self) -> PathBuf {
        self.folder.file(PAGE)
    }

    /// Writes every file atomically, and removes the figures of an earlier measurement that this one does not have.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, results: &Results) -> Result<(), BenchError> {
        // First the file that the folder is recognised by, in case the program is killed before the last one.
        self.folder.write_json(JSON, &results.measurements)?;
        self.folder.write_csv(CSV, &results.measurements)?;
        self.folder.write(MARKDOWN, report::markdown(results))?;
        let figures = report::figures(results);
        for figure in &figures {
            self.folder.write(&figure.name, &figure.svg)?;
        }
        self.folder.write(PAGE, report::page(results))?;
        Ok(self.remove_other_figures(&figures)?)
    }

    fn remove_other_figures(&self, figures: &[Figure]) -> Result<(), StoreError> {
        for entry in fs::read_dir(self.path()).map_err(StoreError::file("read", self.path()))?.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if Figure::is_name(&name) && !figures.iter().any(|figure| figure.name == name) {
                fs::remove_file(entry.path()).map_err(StoreError::file("remove", entry.path()))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::Measurement;
    use crate::report::fixture;

    fn names(path: &Path) -> Vec<String> {
        let entries = fs::read_dir(path).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| !name.starts_with('.'));
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
            assert!(error.to_string().ends_with("holds no benchmark; name a new or empty folder with --out"));
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
        assert!(message.starts_with("cannot read ") && message.contains("file/run"), "{message}");
        let run = place.path().join("run");
        fs::create_dir_all(run.join("results.csv")).unwrap();
        fs::write(run.join("results.json"), "[]").unwrap();
        let message = BenchFolder::open(&run, &[1]).unwrap_err().to_string();
        assert!(message.starts_with("cannot write ") && message.contains("results.csv"), "{message}");
    }

    fn measurements() -> Vec<Measurement> {
        let mut measurements = fixture::whole().measurements;
        (measurements[0].extra_bytes, measurements[0].median_ms) = (None, 0.1 + 0.2);
        measurements
    }

    #[test]
    fn rows_read_back_as_the_measurements() {
        let text = String::from_utf8(softnce_store::csv(measurements()).unwrap()).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let read: Vec<Measurement> = reader.deserialize().map(Result::unwrap).collect();
        assert_eq!(read, measurements());
        let head = "n,m,d,features,threads,path,median_ms,min_ms,lower_quartile_ms,upper_quartile_ms,max_ms,samples,\
                    extra_bytes";
        assert_eq!(text.lines().next(), Some(head));
    }

    #[test]
    fn the_list_reads_back_and_has_the_keys_that_others_read() {
        let text = serde_json::to_string(&measurements()).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Measurement>>(&text).unwrap(), measurements());
        let list: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(&text).unwrap();
        for key in ["n", "m", "d", "path", "median_ms", "min_ms", "extra_bytes"] {
            assert!(list.iter().all(|entry| entry.contains_key(key)), "{key}");
        }
        assert_eq!(list[0]["path"], "reference");
    }
}
