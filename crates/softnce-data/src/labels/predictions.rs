//! Tables that `softnce predict` wrote, as the labels of a teacher.

use std::collections::HashMap;

use csv::StringRecord;

use super::columns::{Columns, Header, Refusal, list};

/// The columns of a table of predictions; none for another table. It begins with the columns `picture`, `class` (or
/// `class_1`) and `probability`, and ends with `error`; between them is a column of each class: its logit if `logits`,
/// else its probability.
pub(super) fn columns(
    first: &StringRecord,
    second: Option<&StringRecord>,
    classes: &[String],
    logits: bool,
) -> Result<Option<Columns>, Refusal> {
    let width = first.len();
    let cells: Vec<&str> = first.iter().collect();
    let ["picture", "class" | "class_1", "probability" | "probability_1", .., "error"] = cells[..] else {
        return Ok(None);
    };
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (column, cell) in cells.iter().enumerate().take(width - 1).skip(1) {
        places.entry(cell).or_default().push(column);
    }
    // Classes of one name have their columns in order, after any other column of this name.
    let (prefix, option) = if logits { ("logit_", "--logits") } else { ("", "--probabilities") };
    let mut weights = vec![0; classes.len()];
    for (class, weight) in classes.iter().zip(&mut weights).rev() {
        let place = places.get_mut(format!("{prefix}{class}").as_str()).and_then(Vec::pop);
        *weight = place.ok_or_else(|| {
            let expected =
                format!("the columns that `softnce predict {option}` writes for the classes {}", list(classes));
            (format!("predictions without a column '{prefix}{class}'"), expected)
        })?;
    }
    // Predictions of rows of features, and of pictures that are not files of their own, count them: `SET, picture 7`.
    let is_counted = second.is_none_or(|row| row.get(0).is_some_and(|cell| counted(cell).parse::<u64>().is_ok()));
    let (paths, index) = if is_counted { (None, vec![0]) } else { (Some(0), Vec::new()) };
    Ok(Some(Columns { weights, paths, index, width, header: Some(Header::Predictions) }))
}

/// The number in a cell such as `7` or `SET, picture 7`.
pub(super) fn counted(cell: &str) -> &str {
    let last = cell.rsplit_once(", ").map_or(cell, |(_, last)| last);
    last.strip_prefix("picture ").or_else(|| last.strip_prefix("row ")).unwrap_or(cell)
}
