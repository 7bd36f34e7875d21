//! The caption of a picture.

use softnce_metrics::EvaluatedExample;

use crate::format;

/// The line below a picture: its class, the predicted class, their probabilities, and its index.
pub fn caption(example: &EvaluatedExample, class_names: &[String]) -> String {
    let per_cent = |probability: f64| format!("{}\u{a0}%", format::fixed(100.0 * probability, 1));
    let (label, index) = (name(class_names, example.label), example.index);
    if example.label == example.predicted {
        return format!("{label}: correct with {} (picture\u{a0}{index})", per_cent(example.probability));
    }
    let predicted = name(class_names, example.predicted);
    let (probability, own) = (per_cent(example.probability), per_cent(example.label_probability));
    format!("{label}: predicted {predicted} with {probability}, its own class with {own} (picture\u{a0}{index})")
}

/// The name of a class; its number if it has no name.
pub(super) fn name(class_names: &[String], class: usize) -> String {
    let found = class_names.get(class).filter(|name| !name.is_empty());
    found.map_or_else(|| format!("class {class}"), |name| isolated(name))
}

/// A name that changes neither the direction nor the lines of the text around it: control characters are replaced, and a
/// name with letters that run from right to left is isolated.
fn isolated(name: &str) -> String {
    let is_direction = |letter: char| matches!(letter, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = |letter: char| if letter.is_control() || is_direction(letter) { '\u{fffd}' } else { letter };
    let name: String = name.chars().map(plain).collect();
    let runs_left = |letter: char| matches!(letter, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}');
    if name.chars().any(runs_left) { format!("\u{2068}{name}\u{2069}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_change_the_text_around_them() {
        let names = ["cat", "", "\u{5d0}\u{5d1}", "a\nb\0", "x\u{202e}gpj", "<script>"].map(str::to_owned);
        let shown: Vec<String> = (0..7).map(|class| name(&names, class)).collect();
        let expected = [
            "cat",
            "class 1",
            "\u{2068}\u{5d0}\u{5d1}\u{2069}",
            "a\u{fffd}b\u{fffd}",
            "x\u{fffd}gpj",
            "<script>",
            "class 6",
        ];
        assert_eq!(shown, expected);
    }
}
