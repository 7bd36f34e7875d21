//! Splitting text into words.

use std::borrow::Cow;

/// Most characters kept of a run of the same punctuation mark: rules of any length are one word.
const MOST_REPEATED: usize = 3;

/// The words of a text, from left to right:
///
/// - words and identifiers: letters, digits, `_` and combining marks, with apostrophes between letters (`don't`,
///   `snake_case`);
/// - numbers: digits, with points and commas between them (`3.14`, `1,000`);
/// - punctuation: each mark by itself, and a run of the same mark as one word of at most three (`--`, `...`).
///
/// White space ends a word and is left out.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let (kept, end) = if is_word(first) {
            let end = end_of_word(rest);
            (end, end)
        } else {
            let end = rest.find(|character| character != first).unwrap_or(rest.len());
            (end.min(MOST_REPEATED * first.len_utf8()), end)
        };
        let word = &rest[..kept];
        rest = &rest[end..];
        Some(word)
    })
}

/// A word in lower case, if that is wanted.
pub(super) fn folded(word: &str, lower_case: bool) -> Cow<'_, str> {
    if lower_case && word.chars().any(char::is_uppercase) {
        Cow::Owned(word.to_lowercase())
    } else {
        Cow::Borrowed(word)
    }
}

fn is_word(character: char) -> bool {
    // U+0300 to U+036F: accents as characters of their own.
    character.is_alphanumeric() || character == '_' || ('\u{300}'..='\u{36f}').contains(&character)
}

/// Where the word at the start of a text ends.
fn end_of_word(text: &str) -> usize {
    let mut before = ' ';
    let mut characters = text.char_indices().peekable();
    while let Some((place, character)) = characters.next() {
        let next = characters.peek().map_or(' ', |&(_, next)| next);
        let joins = match character {
            '\'' | '\u{2019}' => before.is_alphabetic() && next.is_alphabetic(),
            '.' | ',' => before.is_ascii_digit() && next.is_ascii_digit(),
            _ => is_word(character),
        };
        if !joins {
            return place;
        }
        before = character;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_split_into_words() {
        for (text, expected) in [
            ("", vec![]),
            (" \t\n", vec![]),
            ("Don't stop.", vec!["Don't", "stop", "."]),
            ("'quoted' dogs'", vec!["'", "quoted", "'", "dogs", "'"]),
            ("foo_bar2(x->y);", vec!["foo_bar2", "(", "x", "-", ">", "y", ")", ";"]),
            ("std::vec", vec!["std", "::", "vec"]),
            ("3.14, 1,000.", vec!["3.14", ",", "1,000", "."]),
            ("v6.1.a", vec!["v6.1", ".", "a"]),
            ("-----\u{2014}\u{2014}x", vec!["---", "\u{2014}\u{2014}", "x"]),
            ("Z\u{fc}rich cafe\u{301}\u{a0}\u{4e2d}", vec!["Z\u{fc}rich", "cafe\u{301}", "\u{4e2d}"]),
        ] {
            assert_eq!(words(text).collect::<Vec<_>>(), expected, "{text:?}");
        }
        assert_eq!(folded("\u{c9}tat", true), "\u{e9}tat");
        assert_eq!(folded("Etat", false), "Etat");
    }

    proptest! {
        #[test]
        fn words_have_no_white_space_and_lose_only_it_and_repetitions(text in any::<String>()) {
            let found: Vec<&str> = words(&text).collect();
            prop_assert!(found.iter().all(|word| !word.is_empty() && !word.contains(char::is_whitespace)));
            let distinct = |text: &str| {
                let mut characters: Vec<char> = text.chars().filter(|character| !character.is_whitespace()).collect();
                characters.dedup();
                characters
            };
            prop_assert_eq!(distinct(&found.concat()), distinct(&text));
        }
    }
}
