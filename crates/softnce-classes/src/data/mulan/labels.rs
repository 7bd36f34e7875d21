//! The file that names the labels.

use std::fs;
use std::path::Path;

use crate::data::DataError;

/// The names of all elements `label`, which may stand in one another, in the order of the file.
pub(super) fn read_labels(path: &Path) -> Result<Vec<String>, DataError> {
    let text = fs::read_to_string(path).map_err(DataError::io(path))?;
    let document = roxmltree::Document::parse(&text)
        .map_err(|error| DataError::file(path, error.to_string(), "an XML file with the names of the labels"))?;
    let mut names: Vec<String> = Vec::new();
    // In Mulan's namespace or in none.
    for label in document.descendants().filter(|node| node.tag_name().name() == "label") {
        match label.attribute("name") {
            Some(name) if !name.is_empty() => names.push(name.to_owned()),
            _ => {
                let line = document.text_pos_at(label.range().start).row as usize;
                return Err(DataError::line(path, line, "a label without a name", "<label name=\"..\">"));
            }
        }
    }
    if names.is_empty() {
        return Err(DataError::file(path, "no labels", "elements <label name=\"..\">"));
    }
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(DataError::file(path, format!("label '{}' twice", pair[0]), "each label once")),
        None => Ok(names),
    }
}
