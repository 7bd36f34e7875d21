//! What stands below a picture.

use softnce_metrics::EvaluatedExample;

use crate::format;

/// The line below a picture: what it is, what it was taken for, with which probabilities, and its index.
pub fn caption(example: &EvaluatedExample, class_names: &[String]) -> String {
    let per_cent = |probability: f64| format!("{}\u{a0}%", format::fixed(100.0 * probability, 1));
    let (label, index) = (name(class_names, example.label), example.index);
    if example.label == example.predicted {
        return format!("{label}, seen with {} (no.\u{a0}{index})", per_cent(example.probability));
    }
    let predicted = name(class_names, example.predicted);
    let (probability, own) = (per_cent(example.probability), per_cent(example.label_probability));
    format!("{label}, taken for {predicted} with {probability}; own class {own} (no.\u{a0}{index})")
}

/// The name of a class; its number where it has none.
pub(super) fn name(class_names: &[String], class: usize) -> String {
    class_names.get(class).filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| format!("class {class}"))
}
