//! Names and shapes of tensors in messages.

use std::fmt;

/// Names and shapes of tensors; displayed, at most six.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed(pub Vec<(String, Vec<usize>)>);

const SHOWN: usize = 6;

impl FromIterator<(String, Vec<usize>)> for Listed {
    fn from_iter<I: IntoIterator<Item = (String, Vec<usize>)>>(tensors: I) -> Listed {
        Listed(tensors.into_iter().collect())
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> = self.0.iter().take(SHOWN).map(|(name, shape)| format!("{name} {shape:?}")).collect();
        out.write_str(&joined(&shown, self.0.len()))
    }
}

/// The first names of a list.
pub(super) fn few(names: &[String]) -> String {
    joined(&names[..names.len().min(SHOWN)], names.len())
}

fn joined(shown: &[String], all: usize) -> String {
    match all - shown.len() {
        0 if shown.is_empty() => "none".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
