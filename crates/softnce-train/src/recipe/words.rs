//! A recipe from its table; the parser's refusals in the words of the recipe file.

use serde::de::DeserializeOwned;
use softnce_data::augmentation::AugmentationConfig;
use softnce_data::mixing::MixingConfig;
use toml::{Table, Value};

use super::hints::{alias, nearest, question, value, within};
use super::sections::{
    CompareSection, DataSection, EvaluationSection, LossSection, ScheduleSection, TrainingSection, WeightsSection,
};
use super::{Recipe, RecipeError};
use crate::optimisation::OptimizerConfig;

/// The recipe of a table.
///
/// # Errors
/// [`RecipeError::Refused`], without its place.
pub(super) fn recipe(table: &Table) -> Result<Recipe, RecipeError> {
    read::<Recipe>(table).map_err(|(key, message)| {
        let (key, reason) = explain(table, key, &message);
        RecipeError::Refused { place: None, key, reason }
    })
}

/// The value of a table, or the key and the parser's message.
fn read<T: DeserializeOwned>(table: &Table) -> Result<T, (String, String)> {
    serde_path_to_error::deserialize(Value::Table(table.clone())).map_err(|error| {
        let key = error.path().to_string();
        let key = key.trim_end_matches('?').trim_end_matches('.').to_owned();
        (key, error.inner().message().trim_end().to_owned())
    })
}

/// The refused key and what is wrong, in the words of the recipe file.
fn explain(table: &Table, key: String, message: &str) -> (String, String) {
    if let Some(name) = quoted_after(message, "unknown field ") {
        let known = known_keys(message);
        // The path ends at the unknown key, or at its section where the parser first collects the keys.
        let section = key.strip_suffix(name).map_or(key.as_str(), |section| section.trim_end_matches('.'));
        return (joined(section, name), no_such_key(table, section, name, &known));
    }
    if let Some(name) = quoted_after(message, "missing field ") {
        return (joined(&key, name), format!("{} lacks the key {name}", section_name(&key)));
    }
    let key = culprit(table, &key, message).unwrap_or(key);
    let found = at(table, &key).map_or_else(|| "not valid".to_owned(), shown);
    let known = known_values(table, &key, message);
    let meant = question(value(found.trim_matches('"'), &known.iter().map(String::as_str).collect::<Vec<_>>()));
    let expected = message.rsplit_once(", expected ").map(|(_, expected)| expected);
    let reason = match (message.strip_prefix("the "), expected) {
        // The message of a type of ours.
        (Some(expected), _) => format!("{key} is {found}, expected the {expected}{meant}"),
        (None, Some(_)) if !known.is_empty() => {
            format!("{key} is {found}, expected one of {}{meant}", known.join(", "))
        }
        (None, Some(expected)) => {
            let meant = question(main_key(table, &key).map(|main| joined(&key, main)));
            let expected = range(table, &key, expected).unwrap_or_else(|| in_words(expected));
            format!("{key} is {found}, expected {expected}{meant}")
        }
        (None, None) => format!("{key}: {message}{meant}"),
    };
    (key, reason)
}

/// The values that a key can have, where the parser lists them.
fn known_values(table: &Table, key: &str, message: &str) -> Vec<String> {
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    let is_list = |message: &str| message.starts_with("unknown variant");
    let listed = |message: &str| owned(names(message.split_once(", expected ").map_or("", |(_, listed)| listed)));
    if is_list(message) {
        return listed(message);
    }
    if message.starts_with("the ") {
        return owned(names(message));
    }
    // It lists them when it finds another text there.
    let other = refusal_with(table, key, Value::String(UNKNOWN.to_owned()));
    other.filter(|other| is_list(other)).map(|other| listed(&other)).unwrap_or_default()
}

/// The key of a section that a plain value for the section was probably meant for: `loss = "nll"` for `loss.kind`.
fn main_key(table: &Table, key: &str) -> Option<&'static str> {
    let Value::String(_) = at(table, key)? else { return None };
    let refusal = refusal_with(table, key, Value::Table(unknown_key()))?;
    let is_section = refusal.starts_with("missing field") || quoted_after(&refusal, "unknown field ") == Some(UNKNOWN);
    ["kind", "path"].into_iter().find(|main| is_section && refusal.contains(&format!("`{main}`")))
}

/// The range of a key that takes whole numbers, if it does not start at 0: what the check expects instead of 0.
fn range(table: &Table, key: &str, expected: &str) -> Option<String> {
    if !matches!(expected, "usize" | "u64" | "u32" | "u16" | "u8") {
        return None;
    }
    let mut changed = table.clone();
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    section_at(&mut changed, section)?.insert(name.to_owned(), Value::Integer(0));
    match read::<Recipe>(&changed).ok()?.check() {
        Err(RecipeError::Refused { key: refused, reason, .. }) if refused == key => {
            reason.split_once(", expected ").map(|(_, expected)| expected.to_owned())
        }
        _ => None,
    }
}

/// What the parser says with another value at a key.
fn refusal_with(table: &Table, key: &str, value: Value) -> Option<String> {
    let mut changed = table.clone();
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    section_at(&mut changed, section)?.insert(name.to_owned(), value);
    read::<Recipe>(&changed).err().map(|(_, message)| message)
}

/// Why there is no key `name` in a section, with the key that was probably meant.
fn no_such_key(table: &Table, section: &str, name: &str, known: &[&str]) -> String {
    let here = |key: &str| key.strip_prefix(section).and_then(|key| key.strip_prefix('.')).unwrap_or(key).to_owned();
    let meant = match alias(name).filter(|key| *key != section) {
        // `evaluation.bs` is the batch size of that section.
        Some(key) => {
            Some(key.rsplit('.').next().filter(|last| known.contains(last)).map_or_else(|| here(key), str::to_owned))
        }
        // A key that this kind lacks usually belongs to another kind of the same section.
        None if known.is_empty() => None,
        None => nearest(name, known.iter().copied()).map(str::to_owned).or_else(|| elsewhere(name)),
    };
    let known = match at(table, &joined(section, "kind")) {
        _ if !known.is_empty() => format!(", only {}", known.join(", ")),
        Some(kind) => format!(" with kind = {kind}, which has no keys of its own"),
        None => ", and no other".to_owned(),
    };
    format!("{} has no key {name}{known}{}", section_name(section), question(meant))
}

fn section_name(section: &str) -> String {
    if section.is_empty() { "the recipe".to_owned() } else { format!("[{section}]") }
}

/// The full name of the key of another section that is meant; `None` if several sections have such a key.
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
    let keys: Vec<&str> = sections.iter().flat_map(|(_, keys)| keys).map(String::as_str).collect();
    let key = within(1, name, &keys)?;
    let mut found = sections.iter().filter(|(_, keys)| keys.iter().any(|other| other == key));
    let (section, _) = found.next()?;
    found.next().is_none().then(|| joined(section, key))
}

/// The keys of a section, from what its parser says of an unknown one.
fn keys<T: DeserializeOwned>() -> Vec<String> {
    refused_keys(read::<T>(&unknown_key()))
}

/// No key and no value has this name.
const UNKNOWN: &str = "?";

fn unknown_key() -> Table {
    Table::from_iter([(UNKNOWN.to_owned(), Value::Boolean(true))])
}

/// The known keys, which the error of an unknown key lists; empty for other errors.
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

/// The keys that a written recipe leaves out because they are not set, with their sections.
pub(super) fn unset(table: &Table) -> Vec<String> {
    let mut unset = Vec::new();
    let mut sections = vec![String::new()];
    while let Some(section) = sections.pop() {
        let mut probe = table.clone();
        let Some(place) = section_at(&mut probe, &section) else { continue };
        let found: Vec<(String, bool)> = place.iter().map(|(name, value)| (name.clone(), value.is_table())).collect();
        place.insert(UNKNOWN.to_owned(), Value::Boolean(true));
        let known =
            refused_keys(read::<Recipe>(&probe)).into_iter().filter(|key| found.iter().all(|(name, _)| name != key));
        unset.extend(known.map(|key| joined(&section, &key)));
        sections.extend(found.into_iter().rev().filter(|(_, table)| *table).map(|(name, _)| joined(&section, &name)));
    }
    unset
}

/// The section of this name; the whole recipe for an empty name.
fn section_at<'t>(table: &'t mut Table, section: &str) -> Option<&'t mut Table> {
    let mut parts = section.split('.').filter(|part| !part.is_empty());
    parts.try_fold(table, |place, part| place.get_mut(part)?.as_table_mut())
}

/// The key in the section `key` that makes the parser refuse it with this message. A parser that first reads `kind` and
/// then the other keys names only the section: the key is found by leaving out each in turn.
fn culprit(table: &Table, key: &str, message: &str) -> Option<String> {
    let Value::Table(inner) = at(table, key)? else { return None };
    let candidates = inner.keys().filter(|name| *name != "kind").chain(inner.keys().filter(|name| *name == "kind"));
    for name in candidates {
        let mut without = table.clone();
        section_at(&mut without, key)?.remove(name);
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

/// A value as TOML, shortened if it is long.
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
        "a string" | "path string" | "string" | "string only" => "text in quotes",
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
    if ["enum", "struct", "map"].iter().any(|word| expected.contains(word)) {
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
