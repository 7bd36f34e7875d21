//! Describes the differences of two manifests.

use serde::Serialize;
use serde_json::Value;

/// Describes each setting in which two values differ, by its key in JSON: `seeds: 3 there, 4 here`.
pub fn differences<T: Serialize>(there: &T, here: &T) -> Vec<String> {
    let (Ok(there), Ok(here)) = (serde_json::to_value(there), serde_json::to_value(here)) else {
        return vec!["settings that JSON cannot hold".to_owned()];
    };
    let mut words = Vec::new();
    compare("", &there, &here, &mut words);
    words
}

fn compare(key: &str, there: &Value, here: &Value, words: &mut Vec<String>) {
    if let (Value::Object(one), Value::Object(other)) = (there, here) {
        let new = other.keys().filter(|key| !one.contains_key(*key));
        for name in one.keys().chain(new) {
            let path = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            compare(&path, &there[name.as_str()], &here[name.as_str()], words);
        }
    } else if there != here {
        let (one, other) = (word(there), word(here));
        let other = if one == other { format!("other {other}") } else { other };
        words.push(format!("{key}: {one} there, {other} here"));
    }
}

/// A longer value is described by its number of characters.
const LONGEST: usize = 60;

fn word(value: &Value) -> String {
    match (value, value.to_string()) {
        (Value::Null, _) => "absent".to_owned(),
        (_, text) if text.chars().count() <= LONGEST => text,
        (Value::Array(values), _) if values.len() == 1 => "1 value".to_owned(),
        (Value::Array(values), _) => format!("{} values", values.len()),
        (_, text) => format!("{} characters", text.chars().count()),
    }
}

/// How many differing settings an error names.
const MOST: usize = 5;

/// The first differences as one text.
pub(crate) fn listed(differences: &[String]) -> String {
    let mut words = differences.iter().take(MOST).cloned().collect::<Vec<_>>().join("; ");
    if differences.len() > MOST {
        words.push_str(&format!("; and {} more", differences.len() - MOST));
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_named_by_their_keys() {
        let there = json!({"seeds": 3, "net": {"depth": 2, "name": "a"}, "rate": 0.1, "names": vec!["class"; 20]});
        let mut here = json!({"seeds": 4, "net": {"depth": 2, "name": "b"}, "names": vec!["classes"; 20], "new": true});
        assert_eq!(
            differences(&there, &here),
            [
                "names: 20 values there, other 20 values here",
                "net.name: \"a\" there, \"b\" here",
                "rate: 0.1 there, absent here",
                "seeds: 3 there, 4 here",
                "new: absent there, true here",
            ]
        );
        assert!(differences(&there, &there).is_empty());
        here = json!({"text": "x".repeat(70)});
        assert_eq!(differences(&json!({"text": ""}), &here), ["text: \"\" there, 72 characters here"]);
    }

    #[test]
    fn a_long_list_is_cut() {
        let words: Vec<String> = (0..7).map(|key| format!("{key}: 0 there, 1 here")).collect();
        assert!(listed(&words).ends_with("4: 0 there, 1 here; and 2 more"));
        assert_eq!(listed(&words[..1]), "0: 0 there, 1 here");
    }
}
