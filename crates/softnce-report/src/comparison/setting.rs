//! The recipe, the data and how to run the comparison again.

use maud::{Markup, html};

use super::words;
use crate::results::Comparison;
use crate::{format, page};

/// What was trained on what, and every setting.
pub(crate) fn tables(results: &Comparison) -> Markup {
    html! {
        (page::table("Data and network.", "", html! {
            tbody {
                @for (name, value) in data(results) {
                    tr { th scope="row" { (name) } td { (value) } }
                }
            }
        }))
        p { (of_each_run(results)) }
        (page::recipe(&results.recipe))
    }
}

/// How to run it again.
pub(crate) fn reproduce(results: &Comparison) -> Markup {
    html! {
        p { "From the source of softnce " (results.version) ":" }
        pre { code { (results.command) } }
        p {
            (seeds(results)) " On another processor the results may differ in the last digits; times and memory depend on \
            the machine."
        }
    }
}

/// What differs between the recipe and a run.
fn of_each_run(results: &Comparison) -> String {
    let own = if results.tuning.is_empty() { "loss and seed" } else { "loss, seed and chosen learning rate" };
    let protocol = words::protocol(results);
    let left_out = results.plan.losses.iter().any(|&loss| !protocol.left_out_of(loss).is_empty());
    let without = if left_out { " A run leaves out the settings that its loss cannot use." } else { "" };
    format!("The recipe with all settings. Each run has its own {own}.{without}")
}

/// The seeds in a sentence.
fn seeds(results: &Comparison) -> String {
    let same = if results.plan.losses.len() > 1 { ", the same for every loss" } else { "" };
    match words::seeds(results) {
        0 | 1 => format!("The seed is 0{same}."),
        seeds => format!("The seeds are 0 to {}{same}.", seeds - 1),
    }
}

fn data(results: &Comparison) -> Vec<(&'static str, String)> {
    let (setting, protocol) = (&results.setting, words::protocol(results));
    let validation = match setting.validation {
        0 => "none; epochs were evaluated on the test pictures".to_owned(),
        pictures => format::count(pictures),
    };
    let origin = protocol.test_origin().map_or_else(String::new, |origin| format!(", {origin}"));
    let mut rows = vec![
        ("Data", setting.data.clone()),
        ("Training pictures", format::count(setting.train)),
        ("Validation pictures", validation),
        ("Test pictures", format!("{}{origin}", format::count(setting.test))),
        ("Classes", format::count(setting.classes)),
        ("Network", setting.network.clone()),
        ("Trainable parameters", format::count(setting.parameters)),
    ];
    rows.extend(protocol.mixing_in_words().map(|mixing| ("Mixing", mixing)));
    rows.extend(protocol.tested_in_words().map(|words| ("Tested", words)));
    rows
}
