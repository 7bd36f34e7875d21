//! `key=value` changes to a recipe.

use toml::{Table, Value};

use super::RecipeError;

/// Sets one value: `optimizer.learning_rate=1e-3`, `loss.kind=infonce`, `compare.seeds=3`.
///
/// The value is read as TOML; what is not TOML is taken as text. Missing sections are added.
pub(super) fn apply(table: &mut Table, change: &str) -> Result<(), RecipeError> {
    let refuse = |reason: String| {
        let key = change.split('=').next().unwrap_or_default().trim().to_owned();
        RecipeError::Refused { place: Some(format!("--set {change}")), key, reason }
    };
    let (key, text) = change.split_once('=').ok_or_else(|| refuse("expected key=value".into()))?;
    let mut keys: Vec<&str> = key.trim().split('.').collect();
    if keys.contains(&"") {
        return Err(refuse("expected a key, its parts separated by single dots".into()));
    }
    let last = keys.pop().unwrap_or_default();
    let mut place = table;
    for section in keys {
        let entry = place.entry(section).or_insert_with(|| Value::Table(Table::new()));
        let found = entry.to_string();
        place = entry.as_table_mut().ok_or_else(|| refuse(format!("{section} is {found}, expected a section")))?;
    }
    place.insert(last.to_owned(), value(text.trim()));
    Ok(())
}

fn value(text: &str) -> Value {
    let read = toml::from_str::<Table>(&format!("value = {text}")).ok().and_then(|mut table| table.remove("value"));
    read.unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn values_are_toml_or_text() {
        let mut table: Table = toml::from_str("seed = 1\n[loss]\nkind = \"nll\"\n").unwrap();
        for change in [
            "seed=7",
            "loss.kind=infonce",
            "loss.temperature = 0.5",
            "compare.learning_rates=[1e-3, 1e-2]",
            "data.path=/data/with = sign",
            "training.drop_last=true",
        ] {
            apply(&mut table, change).unwrap();
        }
        let expected = "seed = 7\n[loss]\nkind = \"infonce\"\ntemperature = 0.5\n[compare]\nlearning_rates = [1e-3, 1e-2]\n\
                        [data]\npath = \"/data/with = sign\"\n[training]\ndrop_last = true\n";
        assert_eq!(table, toml::from_str::<Table>(expected).unwrap());
    }

    #[test]
    fn what_is_no_change_is_refused() {
        let mut table: Table = toml::from_str("seed = 1").unwrap();
        let dots = "expected a key, its parts separated by single dots";
        for (change, reason) in [
            ("seed", "expected key=value"),
            ("=1", dots),
            ("a..b=1", dots),
            ("seed.of=1", "seed is 1, expected a section"),
        ] {
            let message = apply(&mut table, change).unwrap_err().to_string();
            assert_eq!(message, format!("--set {change}: {reason}"));
        }
    }
}
