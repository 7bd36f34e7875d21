//! The columns of a table: which one holds the weights of a class, the paths, or an index.

use std::collections::{HashMap, HashSet};

use csv::StringRecord;

/// Names of a column of paths.
const PATHS: [&str; 16] = [
    "path",
    "paths",
    "file",
    "files",
    "filename",
    "filenames",
    "file_name",
    "filepath",
    "file_path",
    "image",
    "images",
    "image_path",
    "img",
    "img_path",
    "picture",
    "pictures",
];

/// Names of a column of row numbers. pandas writes it without a name, and reads that name as `Unnamed: 0`.
const INDEX: [&str; 5] = ["", "index", "id", "row", "unnamed: 0"];

/// Names of columns that the folders of the pictures make redundant; they are left out.
const NOTES: [&str; 6] = ["class", "label", "labels", "target", "split", "part"];

/// The columns of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    /// The column of each class.
    pub(super) weights: Vec<usize>,
    /// The column of the paths, if the rows have any.
    pub(super) paths: Option<usize>,
    /// Columns that count the rows.
    pub(super) index: Vec<usize>,
    /// Number of columns.
    pub(super) width: usize,
    /// The kind of header that gave them; `None` without a header.
    pub(super) header: Option<Header>,
}

/// What a header names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// The classes, in any order.
    Classes,
    /// The columns by numbers, as pandas does.
    Numbers,
    /// The columns by other words; they are in the order of the classes.
    Words,
    /// What `softnce predict` writes.
    Predictions,
}

/// Why the columns are refused: found, expected.
pub(super) type Refusal = (String, String);

impl Columns {
    /// The columns of a table with this first line and the line after it, for these classes. `is_path`: whether a cell
    /// is the path of a picture.
    pub(super) fn new(
        first: &StringRecord,
        second: Option<&StringRecord>,
        classes: &[String],
        is_path: impl Fn(&str) -> bool,
    ) -> Result<Columns, Refusal> {
        let cells: Vec<&str> = first.iter().collect();
        let second: Vec<&str> = second.map(|record| record.iter().collect()).unwrap_or_default();
        let row = Columns::of_row(&cells, classes.len());
        if let Some(columns) = Columns::named(&cells, &second, classes, row.is_some())? {
            return Ok(columns);
        }
        if let Some(columns) = Columns::numbered(&cells, &second, classes.len(), &is_path) {
            return Ok(columns);
        }
        let has_numbers = cells.iter().any(|cell| is_number(cell));
        if !has_numbers && let Some(columns) = Columns::other(&cells, &second, None, classes.len(), Header::Words) {
            return Ok(columns);
        }
        row.filter(|_| has_numbers).ok_or_else(|| {
            let count = classes.len();
            let found = match cells[..] {
                [only] => format!("1 column, '{only}'"),
                _ => format!("{} columns", cells.len()),
            };
            (found, format!("{count}, one per class, or {} with the paths of the pictures first", count + 1))
        })
    }

    /// The columns of a table without a header.
    fn of_row(cells: &[&str], count: usize) -> Option<Columns> {
        let width = cells.len();
        let extra = width.checked_sub(count).filter(|&extra| extra <= 1)?;
        let text = extra == 1 && !is_number(cells[0]);
        let counts = extra == 1 && matches!(cells[0], "0" | "1");
        if extra == 1 && !text && !counts {
            return None;
        }
        let (paths, index) = (text.then_some(0), Vec::from_iter(counts.then_some(0)));
        Some(Columns { weights: (extra..width).collect(), paths, index, width, header: None })
    }

    /// The columns if the header names the classes.
    fn named(
        cells: &[&str],
        second: &[&str],
        classes: &[String],
        may_be_row: bool,
    ) -> Result<Option<Columns>, Refusal> {
        let found = match (find(cells, classes, str::to_owned), find(cells, classes, str::to_lowercase)) {
            // Names that occur twice cannot tell columns apart.
            (None, _) => return Ok(None),
            (Some(exact), Some(folded)) if exact.contains(&None) => folded,
            (Some(exact), _) => exact,
        };
        let weights: Vec<usize> = found.iter().copied().flatten().collect();
        let mut in_file = weights.clone();
        in_file.sort_unstable();
        let is_class = |column: &usize| in_file.binary_search(column).is_ok();
        if let Some(missing) = found.iter().position(Option::is_none) {
            // Weights may be the names of classes that are numbers.
            let words = weights.iter().any(|&column| !is_number(cells[column]));
            if !words || (may_be_row && cells.iter().any(|cell| is_number(cell))) {
                return Ok(None);
            }
            let expected =
                format!("one column per class ({}); there is none for '{}'", list(classes), classes[missing]);
            return Err((format!("columns {}", list(cells)), expected));
        }
        if weights != in_file && weights.iter().all(|&column| is_number(cells[column])) {
            let numbers: Vec<&str> = in_file.iter().map(|&column| cells[column]).collect();
            if ascending(&numbers) {
                let expected = format!(
                    "columns in the order of the classes ({}), because these may be the names of the classes or their \
                     numbers in this order",
                    list(classes)
                );
                return Err((format!("columns {}", list(&numbers)), expected));
            }
            // A row of weights such as `1,0` is not a header of classes named 0 and 1.
            return Ok(None);
        }
        let columns = Columns::other(cells, second, Some(&weights), classes.len(), Header::Classes);
        columns.map(Some).ok_or_else(|| {
            let known = |name: &str| [&PATHS[..], &INDEX, &NOTES].iter().any(|names| names.contains(&name));
            let others = || (0..cells.len()).filter(|column| !is_class(column)).map(|column| cells[column]);
            let stray = others().find(|name| !known(&name.to_lowercase())).or_else(|| others().next());
            let expected = format!("one column per class ({}), and one of paths", list(classes));
            (format!("a further column '{}'", stray.unwrap_or_default()), expected)
        })
    }

    /// The columns if the header counts them from 0 or 1.
    fn numbered(cells: &[&str], second: &[&str], count: usize, is_path: &impl Fn(&str) -> bool) -> Option<Columns> {
        let weights: Vec<usize> = (0..cells.len()).filter(|&column| is_number(cells[column])).collect();
        let numbers: Vec<&str> = weights.iter().map(|&column| cells[column]).collect();
        if count < 2 || numbers.len() != count || !ascending(&numbers) {
            return None;
        }
        let is_row = cells.iter().any(|cell| !is_number(cell) && !PATHS.contains(cell) && is_path(cell));
        if is_row { None } else { Columns::other(cells, second, Some(&weights), count, Header::Numbers) }
    }

    /// The columns with these weights; without them, all that are neither paths nor an index.
    fn other(
        cells: &[&str],
        second: &[&str],
        weights: Option<&[usize]>,
        count: usize,
        header: Header,
    ) -> Option<Columns> {
        let (mut paths, mut index, mut rest) = (None, Vec::new(), Vec::new());
        let taken: HashSet<usize> = weights.into_iter().flatten().copied().collect();
        for (column, cell) in cells.iter().enumerate().filter(|(column, _)| !taken.contains(column)) {
            let name = cell.to_lowercase();
            let text = second.get(column).is_some_and(|value| !is_number(value));
            let note = NOTES.contains(&name.as_str()) && (weights.is_some() || text);
            let (of_paths, of_index) = (PATHS.contains(&name.as_str()), INDEX.contains(&name.as_str()));
            if of_paths && (text || second.is_empty()) && paths.is_none() {
                paths = Some(column);
            } else if (of_paths || of_index) && !text {
                // `softnce data info --list` has numbers for pictures that are not files of their own.
                index.push(column);
            } else if !note {
                rest.push((column, text));
            }
        }
        // The first column of names holds the paths, whatever its own name.
        if let Some(&(column, true)) = rest.first()
            && column == 0
            && paths.is_none()
        {
            paths = Some(column);
            rest.remove(0);
        }
        let weights = match weights {
            Some(weights) if rest.is_empty() => weights.to_vec(),
            None if rest.len() == count => rest.into_iter().map(|(column, _)| column).collect(),
            _ => return None,
        };
        Some(Columns { weights, paths, index, width: cells.len(), header: Some(header) })
    }
}

/// The column of each class whose name is there, compared after `fold`; `None` if two classes have one name.
fn find(cells: &[&str], classes: &[String], fold: impl Fn(&str) -> String) -> Option<Vec<Option<usize>>> {
    let mut columns = HashMap::new();
    for (column, cell) in cells.iter().enumerate() {
        columns.entry(fold(cell)).or_insert(column);
    }
    let names: Vec<String> = classes.iter().map(|class| fold(class)).collect();
    let distinct: HashSet<&String> = names.iter().collect();
    (distinct.len() == names.len()).then(|| names.iter().map(|name| columns.get(name).copied()).collect())
}

/// Whether a cell is a number; a class may be called `nan` or `inf`.
fn is_number(cell: &str) -> bool {
    cell.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) && cell.parse::<f64>().is_ok()
}

/// Whether these are the numbers from 0 or from 1, one after the other. Two weights may be `0.0` and `1.0`, but a
/// header of two columns is `0` and `1`.
fn ascending(cells: &[&str]) -> bool {
    let numbers: Vec<Option<f64>> = cells.iter().map(|cell| cell.parse().ok()).collect();
    let whole = cells.len() > 2 || cells.iter().all(|cell| cell.bytes().all(|byte| byte.is_ascii_digit()));
    let counts = |first: f64| numbers.iter().zip(0..).all(|(number, place)| *number == Some(first + f64::from(place)));
    whole && (counts(0.0) || counts(1.0))
}

/// Words as a list; of many only the first ones.
pub(super) fn list<T: AsRef<str>>(words: &[T]) -> String {
    const SHOWN: usize = 6;
    let shown: Vec<&str> = words.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = if words.len() > SHOWN { format!(", .. ({} in all)", words.len()) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
