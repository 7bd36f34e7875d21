//! The nearest known name to one that is not known.

use strsim::damerau_levenshtein;

/// The nearest of the known names, if any is near: at most a third of the letters differ, or two.
pub(super) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let letters = |name: &str| name.to_lowercase().replace(['-', ' '], "_");
    let name = letters(name);
    let distances = known.into_iter().map(|known| (damerau_levenshtein(&name, &letters(known)), known));
    let limit = (name.chars().count() / 3).max(2);
    distances.filter(|(distance, _)| *distance <= limit).min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

/// The parser's message with its place; behind an unknown key or value, the nearest known one.
pub(super) fn explain(error: &toml::de::Error) -> String {
    let whole = error.to_string().trim_end().to_owned();
    match question(error.message()) {
        Some(question) => format!("{whole}\n{question}"),
        None => whole,
    }
}

/// `did you mean ...?`, from serde's "unknown field `x`, expected one of `a`, `b`".
fn question(message: &str) -> Option<String> {
    if !message.starts_with("unknown ") {
        return None;
    }
    // Between back quotes stand the unknown name and then those expected.
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    nearest(unknown, quoted).map(|known| format!("did you mean `{known}`?"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_that_are_near_and_names_that_are_not() {
        let known = ["learning_rate", "base_learning_rate", "weight_decay", "kind"];
        for (name, expected) in [
            ("learning-rate", Some("learning_rate")),
            ("lerning_rate", Some("learning_rate")),
            ("weightdecay", Some("weight_decay")),
            ("kidn", Some("kind")),
            ("momentum_of_all", None),
        ] {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
    }

    #[test]
    fn the_parsers_message_is_understood() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(dead_code)]
        struct Two {
            epochs: usize,
            batch_size: usize,
        }
        let error = toml::from_str::<Two>("epochs = 1\nbatchsize = 2\n").unwrap_err();
        let explained = explain(&error);
        assert!(explained.contains("line 2") && explained.ends_with("did you mean `batch_size`?"), "{explained}");
        let error = toml::from_str::<Two>("epochs = 1\nzzz = 2\n").unwrap_err();
        assert!(!explain(&error).contains("did you mean"));
    }
}
