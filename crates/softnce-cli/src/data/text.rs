//! Figures of a set as text.

use softnce_data::info::{SetInfo, SizeSpread};
use softnce_data::sets::Split;

/// Up to so many classes are listed; of more, the smallest and the largest.
const LISTED: usize = 20;

/// A table with a column for each part.
pub fn figures(parts: &[(Split, SetInfo)]) -> String {
    let row = |name: &str, cell: fn(&SetInfo) -> String| {
        [name.to_owned()].into_iter().chain(parts.iter().map(|(_, info)| cell(info))).collect::<Vec<_>>()
    };
    let mut rows = vec![
        [String::new()].into_iter().chain(parts.iter().map(|(split, _)| split.to_string())).collect(),
        row("pictures", |info| info.pictures.to_string()),
        row("classes", |info| info.class_names.len().to_string()),
        row("decoded", |info| info.measured.to_string()),
        row("height", |info| spread(info.height)),
        row("width", |info| spread(info.width)),
        row("channels", channels),
    ];
    let names = parts.first().map(|(_, info)| info.class_names.as_slice()).unwrap_or_default();
    if names.len() <= LISTED {
        for (class, name) in names.iter().enumerate() {
            let count = |info: &SetInfo| info.per_class.get(class).copied().unwrap_or(0).to_string();
            rows.push([name.clone()].into_iter().chain(parts.iter().map(|(_, info)| count(info))).collect());
        }
    } else {
        rows.push(row("smallest class", |info| {
            class(info.per_class.iter().enumerate().min_by_key(|entry| entry.1), info)
        }));
        // Of equals the first, here too.
        let largest = |info: &SetInfo| class(info.per_class.iter().enumerate().rev().max_by_key(|entry| entry.1), info);
        rows.push(row("largest class", largest));
    }
    align(&rows)
}

fn class(entry: Option<(usize, &usize)>, info: &SetInfo) -> String {
    entry.map_or_else(String::new, |(class, count)| {
        let name = info.class_names.get(class).map(String::as_str).unwrap_or_default();
        format!("{count} ({name})")
    })
}

fn channels(info: &SetInfo) -> String {
    match (info.grey, info.colour) {
        (_, 0) => "grey".to_owned(),
        (0, _) => "colour".to_owned(),
        (grey, colour) => format!("{grey} grey, {colour} colour"),
    }
}

fn spread(spread: SizeSpread) -> String {
    let SizeSpread { smallest, median, largest } = spread;
    if smallest == largest { smallest.to_string() } else { format!("{smallest} to {largest}, median {median}") }
}

/// Columns under one another: the first to the left, the others to the right.
fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let wide = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| wide(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let padded = if column == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
            text.push_str(&padded);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(per_class: &[usize], height: [usize; 3]) -> SetInfo {
        let [smallest, median, largest] = height;
        let pictures = per_class.iter().sum();
        SetInfo {
            pictures,
            class_names: (0..per_class.len()).map(|class| format!("class {class}")).collect(),
            per_class: per_class.to_vec(),
            measured: 4,
            height: SizeSpread { smallest, median, largest },
            width: SizeSpread { smallest: 28, median: 28, largest: 28 },
            grey: 1,
            colour: 3,
        }
    }

    #[test]
    fn few_classes_are_listed() {
        let parts = [(Split::Train, info(&[100, 20], [5, 6, 7])), (Split::Test, info(&[0, 3], [8, 8, 8]))];
        let expected = [
            "                     train             test",
            "pictures               120                3",
            "classes                  2                2",
            "decoded                  4                4",
            "height    5 to 7, median 6                8",
            "width                   28               28",
            "channels  1 grey, 3 colour  1 grey, 3 colour",
            "class 0                100                0",
            "class 1                 20                3",
        ];
        let found = figures(&parts);
        let normal = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(found.lines().map(normal).collect::<Vec<_>>(), expected.map(normal));
        let ends: Vec<usize> = found.lines().map(str::len).collect();
        assert!(ends.iter().all(|&end| end == ends[0]), "{found}");
    }

    #[test]
    fn of_many_classes_the_ends_are_told() {
        let mut counts = vec![5; 30];
        (counts[7], counts[9], counts[11]) = (2, 8, 8);
        let found = figures(&[(Split::Test, info(&counts, [8, 8, 8]))]);
        assert!(found.contains("smallest class") && found.contains("2 (class 7)"), "{found}");
        assert!(found.contains("8 (class 9)") && !found.contains("class 11"), "{found}");
    }
}
