//! Figures of a set as text.

use softnce_data::info::{SetInfo, SizeSpread};
use softnce_data::sets::Split;
use softnce_report::table::Table;

use super::list::Part;

/// Up to so many classes are listed; of more, the smallest and the largest.
const LISTED: usize = 20;

/// A table with a column for each part.
pub fn figures(parts: &[(Split, SetInfo)]) -> Table {
    let mut table = empty(parts);
    let mut add = |name: &str, cell: &dyn Fn(&SetInfo) -> String| add(&mut table, parts, name, cell);
    add("pictures", &|info| info.pictures.to_string());
    add("classes", &|info| info.class_names.len().to_string());
    add("decoded", &|info| info.measured.to_string());
    add("height", &|info| spread(info.height));
    add("width", &|info| spread(info.width));
    add("channels", &channels);
    let names = parts.first().map(|(_, info)| info.class_names.as_slice()).unwrap_or_default();
    if names.len() <= LISTED {
        for (class, name) in names.iter().enumerate() {
            add(name, &|info| info.per_class.get(class).copied().unwrap_or(0).to_string());
        }
    } else {
        let counts = |info: &SetInfo| info.per_class.iter().copied().enumerate().collect::<Vec<_>>();
        add("smallest class", &|info| class(counts(info).into_iter().min_by_key(|entry| entry.1), info));
        // Of equals the first, here too.
        add("largest class", &|info| class(counts(info).into_iter().rev().max_by_key(|entry| entry.1), info));
    }
    table
}

/// The same for rows of features.
pub fn features(parts: &[(Split, Part)], features: usize) -> Table {
    let mut table = empty(parts);
    let mut add = |name: &str, cell: &dyn Fn(&Part) -> String| add(&mut table, parts, name, cell);
    add("rows", &|source| source.labels().len().to_string());
    add("features", &|_| features.to_string());
    add("classes", &|source| source.class_names().len().to_string());
    add("labels", &|source| if source.distributions().is_some() { "distributions" } else { "classes" }.to_owned());
    table
}

/// A table with a column for each part and no rows yet.
fn empty<T>(parts: &[(Split, T)]) -> Table {
    Table::new([String::new()].into_iter().chain(parts.iter().map(|(split, _)| split.to_string())))
}

/// Adds a row.
fn add<T>(table: &mut Table, parts: &[(Split, T)], name: &str, cell: &dyn Fn(&T) -> String) {
    table.add([name.to_owned()].into_iter().chain(parts.iter().map(|(_, of)| cell(of))));
}

fn class(entry: Option<(usize, usize)>, info: &SetInfo) -> String {
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
            "                     train              test",
            "pictures               120                 3",
            "classes                  2                 2",
            "decoded                  4                 4",
            "height    5 to 7, median 6                 8",
            "width                   28                28",
            "channels  1 grey, 3 colour  1 grey, 3 colour",
            "class 0                100                 0",
            "class 1                 20                 3",
        ];
        let found = figures(&parts).to_string();
        let lines: Vec<&str> = found.lines().filter(|line| line.chars().any(char::is_alphabetic)).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn of_many_classes_the_ends_are_told() {
        let mut counts = vec![5; 30];
        (counts[7], counts[9], counts[11]) = (2, 8, 8);
        let found = figures(&[(Split::Test, info(&counts, [8, 8, 8]))]).to_string();
        assert!(found.contains("smallest class") && found.contains("2 (class 7)"), "{found}");
        assert!(found.contains("8 (class 9)") && !found.contains("class 11"), "{found}");
    }
}
