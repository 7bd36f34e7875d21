//! The report of a finished study, written again from its results, without its data and without training.

use std::path::Path;

use serde::de::DeserializeOwned;
use softnce_store::{Lock, StoreError, read_json, write};

use crate::folder::study_of;
use crate::{StudyError, classes, features, graphs, pictures, toy, variants};

const RESULTS: &str = "results.json";
const REMEDY: &str = "name the folder of a finished study";

/// Writes the files for people in the folder of a finished study (`results.md`, `report.html` and its figures) again, as
/// this version writes them. The results themselves stay as they are.
///
/// # Errors
/// A folder without a study or without results; files that cannot be read or written; a folder that another process is
/// using.
pub fn write_report_again(folder: &Path) -> Result<(), StudyError> {
    let missing = |missing| StoreError::Missing { path: folder.to_owned(), missing, remedy: REMEDY };
    let name = study_of(folder)?.ok_or_else(|| missing("study.json"))?;
    let _lock = Lock::folder(folder, "wait until it has ended")?;
    let files = match name.as_str() {
        "toy" => results(folder)?.as_ref().map(toy::files),
        "pictures" => results(folder)?.as_ref().map(pictures::files),
        "features" => results(folder)?.as_ref().map(features::files),
        "many-classes" => results(folder)?.as_ref().map(classes::files),
        "graphs" => results(folder)?.as_ref().map(graphs::files),
        name => match variants::STUDIES.iter().find(|study| study.name == name) {
            Some(study) => results(folder)?.map(|results| variants::files(study, &results)),
            None => return Err(StudyError::argument("study", name, "one that this version has")),
        },
    };
    for (name, content) in files.ok_or_else(|| missing(RESULTS))? {
        write(&folder.join(name), content.as_bytes())?;
    }
    Ok(())
}

fn results<T: DeserializeOwned>(folder: &Path) -> Result<Option<T>, StoreError> {
    read_json(&folder.join(RESULTS), REMEDY)
}
