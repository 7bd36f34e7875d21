//! A recipe from its table; the parser's refusals in the words of the recipe file.

use serde::de::DeserializeOwned;
use softnce_data::augmentation::AugmentationConfig;
use softnce_data::mixing::MixingConfig;
use toml::{Table, Value};

use super::hints::{alias, nearest, question, value};
use super::sections::{
    CompareSection, DataSection, EvaluationSection, LossSection, ScheduleSection, TrainingSection, WeightsSection,
};
use super::{Recipe, RecipeError};
use crate::optimisation::OptimizerConfig;

/// A refused key: the key with its section, and what is wrong in words.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) key: String,
    pub(super) reason: String,
}

/// The recipe of a table.
pub(super) fn recipe(table: &Table) -> Result<Recipe, Refused> {
    read::<Recipe>(table).map_err(|(key, message)| explain(table, key, &message))
}

/// The value of a table, or the key and the parser's message.
fn read<T: DeserializeOwned>(table: &Table) -> Result<T, (String, String)> {
    serde_path_to_error::deserialize(Value::Table(table.clone())).map_err(|error| {
        let key = error.path().to_string();
        let key = key.trim_end_matches('?').trim_end_matches('.').to_owned();
        (key, error.inner().message().trim_end().to_owned())
    })
}

fn explain(table: &Table, key: String, message: &str) -> Refused {
    if let Some(name) = quoted_after(message, "unknown field ") {
        let known = known_keys(message);
        // The path ends at the unknown key, or at its section where the parser first collects the keys.
        let key = key.strip_suffix(name).map_or(key.as_str(), |section| section.trim_end_matches('.')).to_owned();
        return Refused { reason: no_such_key(&key, name, &known), key: joined(&key, name) };
    }
    if let Some(name) = quoted_after(message, "missing field ") {
        let section = if key.is_empty() { "the recipe".to_owned() } else { format!("[{key}]") };
        return Refused { reason: format!("{section} lacks the key {name}"), key: joined(&key, name) };
    }
    let (found, expected) = message.rsplit_once(", expected ").unwrap_or((message, ""));
    let wrong = ["invalid type: ", "invalid value: ", "invalid length ", "unknown variant "];
    let Some(found) = wrong.iter().find_map(|start| found.strip_prefix(start)) else {
        // The message of a type of ours.
        let key = culprit(table, &key, message).unwrap_or(key);
        let found = at(table, &key).map(shown).unwrap_or_default();
        let meant = question(value(found.trim_matches('"'), &names(message)));
        let reason = match message.strip_prefix("the ") {
            Some(expected) => format!("{key} is {found}, expected the {expected}"),
            None => format!("{key}: {message}"),
        };
        return Refused { reason: reason + &meant, key };
    };
    let key = culprit(table, &key, message).unwrap_or(key);
    let found = at(table, &key).map_or_else(|| found.to_owned(), shown);
    let known = names(expected);
    let expected = if message.starts_with("unknown variant") {
        format!("one of {}", known.join(", "))
    } else {
        in_words(expected)
    };
    let meant = question(value(found.trim_matches('"'), &known));
    Refused { reason: format!("{key} is {found}, expected {expected}{meant}"), key }
}

/// Why there is no key `name` in a section, with the key that was probably meant.
fn no_such_key(section: &str, name: &str, known: &[&str]) -> String {
    let here = |key: &str| key.strip_prefix(section).and_then(|key| key.strip_prefix('.')).unwrap_or(key).to_owned();
    let meant = match alias(name) {
        Some(key) => Some(here(key)),
        None => nearest(name, known.iter().copied()).map(str::to_owned).or_else(|| elsewhere(name)),
    };
    let place = if section.is_empty() { "the recipe".to_owned() } else { format!("[{section}]") };
    format!("{place} has no key {name}, only {}{}", known.join(", "), question(meant))
}

/// The full name of a key of another section.
fn elsewhere(name: &str) -> Option<String> {
    let sections = [
        ("schedule", keys::<ScheduleSection>()),
        ("training", keys::<TrainingSection>()),
        ("optimizer", keys::<OptimizerConfig>()),
        ("loss", keys::<LossSection>()),
        ("mixing", keys::<MixingConfig>()),
        ("data", keys::<DataSection>()),
        ("augmentation", keys::<AugmentationConfig>()),
        ("evaluation", keys::<EvaluationSection>()),
        ("weights", keys::<WeightsSection>()),
        ("compare", keys::<CompareSection>()),
    ];
    let (section, _) = sections.into_iter().find(|(_, keys)| keys.iter().any(|key| key == name))?;
    Some(joined(section, name))
}

/// The keys of a section, from what its parser says of an unknown one.
fn keys<T: DeserializeOwned>() -> Vec<String> {
    refused_keys(read::<T>(&Table::from_iter([(UNKNOWN.to_owned(), Value::Boolean(true))])))
}

/// No key has this name.
const UNKNOWN: &str = "?";

/// The known keys that the refusal of an unknown one lists; none of another refusal.
fn refused_keys<T>(refused: Result<T, (String, String)>) -> Vec<String> {
    let message = refused.err().map_or_else(String::new, |(_, message)| message);
    if !message.starts_with("unknown field") {
        return Vec::new();
    }
    known_keys(&message).into_iter().map(str::to_owned).collect()
}

/// The keys that a message on an unknown key lists.
fn known_keys(message: &str) -> Vec<&str> {
    names(message.split_once("expected").map_or("", |(_, expected)| expected))
}

/// The keys that a written recipe leaves out because nothing is set, with their sections.
pub(super) fn unset(table: &Table) -> Vec<String> {
    let mut unset = Vec::new();
    let mut sections = vec![String::new()];
    while let Some(section) = sections.pop() {
        let mut probe = table.clone();
        let mut parts = section.split('.').filter(|part| !part.is_empty());
        let Some(place) = parts.try_fold(&mut probe, |place, part| place.get_mut(part)?.as_table_mut()) else {
            continue;
        };
        let found: Vec<(String, bool)> = place.iter().map(|(name, value)| (name.clone(), value.is_table())).collect();
        place.insert(UNKNOWN.to_owned(), Value::Boolean(true));
        let known =
            refused_keys(read::<Recipe>(&probe)).into_iter().filter(|key| found.iter().all(|(name, _)| name != key));
        unset.extend(known.map(|key| joined(&section, &key)));
        sections.extend(found.into_iter().rev().filter(|(_, table)| *table).map(|(name, _)| joined(&section, &name)));
    }
    unset
}

/// The key that makes the parser refuse the table at `key` with this message. A parser that first reads `kind` and then
/// the other keys names the table alone: the key is found by leaving out each in turn.
fn culprit(table: &Table, key: &str, message: &str) -> Option<String> {
    let Value::Table(inner) = at(table, key)? else { return None };
    let candidates = inner.keys().filter(|name| *name != "kind").chain(inner.keys().filter(|name| *name == "kind"));
    for name in candidates {
        let mut without = table.clone();
        let place = key.split('.').try_fold(&mut without, |place, part| place.get_mut(part)?.as_table_mut())?;
        place.remove(name);
        if read::<Recipe>(&without).err().is_none_or(|(_, other)| other != message) {
            return Some(joined(key, name));
        }
    }
    None
}

/// The value at a key such as `optimizer.betas[0]`.
fn at<'t>(table: &'t Table, key: &str) -> Option<&'t Value> {
    let mut parts = key.split(['.', '[']).map(|part| part.trim_end_matches(']'));
    let first = table.get(parts.next()?)?;
    parts.try_fold(first, |value, part| match value {
        Value::Table(table) => table.get(part),
        Value::Array(values) => values.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

/// A value as TOML, cut where it is long.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 80;
    let text = value.to_string().trim_end().replace('\n', ", ");
    if text.chars().count() <= LONGEST { text } else { text.chars().take(LONGEST).chain("..".chars()).collect() }
}

/// What the parser expected, in the words of a recipe.
fn in_words(expected: &str) -> String {
    let fixed = match expected {
        "usize" | "u64" | "u32" | "u16" | "u8" => "a whole number not below 0",
        "isize" | "i64" | "i32" | "i16" | "i8" => "a whole number",
        "f64" | "f32" => "a number",
        "a boolean" | "bool" => "true or false",
        "a string" | "path string" | "string" => "text in quotes",
        "a sequence" => "a list in brackets",
        "a map" => "a section",
        _ => "",
    };
    if !fixed.is_empty() {
        return fixed.to_owned();
    }
    for start in ["an array of length ", "a tuple of size "] {
        if let Some(length) = expected.strip_prefix(start) {
            return format!("a list of {length} values");
        }
    }
    if expected.contains("enum") {
        return "a table with the key kind, or a name in quotes".to_owned();
    }
    if expected.contains("struct") || expected.contains("map") {
        return "a section, or a table in braces".to_owned();
    }
    expected.to_owned()
}

/// The names in back quotes; without any, those in the first parentheses or after "one of", separated by commas.
fn names(expected: &str) -> Vec<&str> {
    let quoted: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    if !quoted.is_empty() {
        return quoted;
    }
    let inside = expected.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(inside, _)| inside);
    let listed = inside.or_else(|| expected.split_once("one of ").map(|(_, listed)| listed)).unwrap_or_default();
    listed.split(", ").filter(|name| !name.is_empty()).collect()
}

/// The name in back quotes that follows the start of a message.
fn quoted_after<'m>(message: &'m str, start: &str) -> Option<&'m str> {
    message.strip_prefix(start)?.split('`').nth(1)
}

fn joined(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

impl Refused {
    pub(super) fn at(self, place: String) -> RecipeError {
        RecipeError::Refused { place, key: self.key, reason: self.reason }
    }
}
