//! Names of classes that fit beside a figure.

use std::collections::BTreeSet;

/// Letters that fit.
const MOST: usize = 12;

/// Names of at most [`MOST`] letters, each different from the others: names that begin alike keep their end, and names
/// that end alike, too, get their number.
pub(super) fn shortened(names: &[String]) -> Vec<String> {
    let ways: [fn(usize, &str) -> String; 2] = [|_, name| start(name, MOST), |_, name| both_ends(name)];
    let numbered: fn(usize, &str) -> String = |class, name| {
        let number = format!("{class}: ");
        let room = MOST.saturating_sub(number.chars().count());
        format!("{number}{}", start(name, room))
    };
    let all = |way: fn(usize, &str) -> String| -> Vec<String> {
        names.iter().enumerate().map(|(class, name)| way(class, name)).collect()
    };
    let differ = |labels: &Vec<String>| labels.iter().collect::<BTreeSet<_>>().len() == labels.len();
    ways.into_iter().map(all).find(differ).unwrap_or_else(|| all(numbered))
}

fn start(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_owned();
    }
    name.chars().take(most.saturating_sub(1)).chain(['\u{2026}']).collect()
}

fn both_ends(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= MOST {
        return name.to_owned();
    }
    letters[..5].iter().chain(['\u{2026}'].iter()).chain(&letters[letters.len() - 6..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], expected: &[&str]) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(shortened(&names), expected);
    }

    #[test]
    fn labels_are_short_and_differ() {
        check(&["cat", "a rather long name"], &["cat", "a rather lo\u{2026}"]);
        check(&["class no. 100001", "class no. 100002"], &["class\u{2026}100001", "class\u{2026}100002"]);
        let alike = ["alike at both ends, one of alike", "alike at both ends, two of alike"];
        check(&alike, &["0: alike at\u{2026}", "1: alike at\u{2026}"]);
        check(&["same", "same"], &["0: same", "1: same"]);
        check(&[], &[]);
    }
}
