//! The text of a recipe with the changes of the command line: where each key stands.

use std::fmt::Write;
use std::path::Path;

use toml::de::{DeTable, DeValue};

/// What a recipe was read from.
pub(super) struct Source<'s> {
    /// The file, or the name of a built-in recipe.
    pub(super) origin: &'s Path,
    pub(super) text: &'s str,
    /// `key=value`, in the order in which they were applied.
    pub(super) changes: &'s [String],
}

impl Source<'_> {
    /// Where the value of a key comes from: `--set training.batch_size=0`, or `mine.toml, line 12`. For a key that is
    /// written nowhere, the line of its section.
    pub(super) fn place(&self, key: &str) -> String {
        let sets = |change: &&String| {
            let changed = change.split_once('=').map_or(change.as_str(), |(changed, _)| changed).trim();
            let within = |inner: &str, outer: &str| {
                inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            within(key, changed) || within(changed, key)
        };
        if let Some(change) = self.changes.iter().rev().find(sets) {
            return format!("--set {change}");
        }
        let mut place = self.origin.display().to_string();
        if let Some(line) = self.line(key) {
            let _ = write!(place, ", line {line}");
        }
        place
    }

    /// The line of the key or, if it is not written, of the innermost section around it that is.
    fn line(&self, key: &str) -> Option<usize> {
        let root = DeTable::parse(self.text).ok()?;
        let mut table = root.get_ref();
        let mut start = None;
        for part in key.split(['.', '[']) {
            let Some((name, value)) = table.iter().find(|(name, _)| name.get_ref() == part) else { break };
            start = Some(name.span().start);
            match value.get_ref() {
                DeValue::Table(inner) => table = inner,
                _ => break,
            }
        }
        start.map(|start| 1 + self.text[..start].matches('\n').count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_line_or_its_change() {
        let text = "name = \"a\"\n\n[optimizer]\nkind = \"sgd\"\nbetas = [0.9, 0.99]\n\n[augmentation.train]\nflip = 0.5\n\
                    random_crop = { padding = 4 }\n";
        let changes = ["schedule.epochs=3", "network={kind=\"vit\"}", "schedule.epochs=0"].map(str::to_owned);
        let source = Source { origin: Path::new("mine.toml"), text, changes: &changes };
        for (key, expected) in [
            ("name", "mine.toml, line 1"),
            ("optimizer.kind", "mine.toml, line 4"),
            ("optimizer.betas[1]", "mine.toml, line 5"),
            ("optimizer.learning_rate", "mine.toml, line 3"),
            ("augmentation.train.flip", "mine.toml, line 8"),
            ("augmentation.train.random_crop.padding", "mine.toml, line 9"),
            ("training.workers", "mine.toml"),
            ("schedule.epochs", "--set schedule.epochs=0"),
            ("network.depth", "--set network={kind=\"vit\"}"),
            ("network", "--set network={kind=\"vit\"}"),
            ("schedule", "--set schedule.epochs=0"),
        ] {
            assert_eq!(source.place(key), expected, "{key}");
        }
    }
}
