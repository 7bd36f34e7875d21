//! Names: picking from a list, and names of files.

use crate::StudyError;

/// Those of `all` that have these names, in the order of the names.
///
/// # Errors
/// [`StudyError::Name`] for a name that none has, or one that comes twice.
pub(crate) fn named<T: Clone>(
    argument: &'static str,
    names: &[String],
    all: &[T],
    name: impl Fn(&T) -> &str,
) -> Result<Vec<T>, StudyError> {
    let pick = |(at, wanted): (usize, &String)| {
        let found = all.iter().find(|one| name(one) == wanted && !names[..at].contains(wanted));
        found.cloned().ok_or_else(|| {
            let known = all.iter().map(&name).collect::<Vec<_>>().join(", ");
            StudyError::Name { argument, name: wanted.clone(), known }
        })
    };
    names.iter().enumerate().map(pick).collect()
}

/// Refuses names of which one comes twice.
///
/// # Errors
/// [`StudyError::Argument`] with the first such name.
pub(crate) fn each_once(argument: &'static str, mut names: Vec<String>) -> Result<(), StudyError> {
    names.sort();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(twice) => Err(StudyError::argument(argument, &twice[0], "each name once")),
        None => Ok(()),
    }
}

/// A name in words as a part of the name of a file.
pub(crate) fn file_part(name: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' };
    let name: String = name.chars().map(plain).collect();
    name.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_are_picked_in_their_order_and_each_once() {
        let all = ["a", "b", "c"];
        let pick = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            named("sets", &names, &all, |name| name).map_err(|error| error.to_string())
        };
        assert_eq!(pick(&["c", "a"]), Ok(vec!["c", "a"]));
        assert_eq!(pick(&[]), Ok(vec![]));
        assert_eq!(pick(&["a", "d"]), Err("sets: d, expected each of a, b, c at most once".into()));
        assert_eq!(pick(&["a", "a"]), Err("sets: a, expected each of a, b, c at most once".into()));
    }
}
