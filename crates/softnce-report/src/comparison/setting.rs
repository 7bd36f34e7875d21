//! The recipe, the data and how to run the comparison again.

use maud::{Markup, html};

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
        p { "The recipe, every setting as it was used; the losses and the seeds go over those in it." }
        pre tabindex="0" { code { (results.recipe) } }
    }
}

/// How to run it again.
pub(crate) fn reproduce(results: &Comparison) -> Markup {
    html! {
        p { "From the source of softnce " (results.version) ":" }
        pre { code { (results.command) } }
        p {
            "The seeds are 0 to the number of seeds less one, the same for every loss. Numbers may differ in the last \
            digits on another processor; times and memory will."
        }
    }
}

fn data(results: &Comparison) -> Vec<(&'static str, String)> {
    let setting = &results.setting;
    vec![
        ("Data", setting.data.clone()),
        ("Training pictures", format::count(setting.train)),
        ("Validation pictures", format::count(setting.validation)),
        ("Test pictures", format::count(setting.test)),
        ("Classes", format::count(setting.classes)),
        ("Network", setting.network.clone()),
        ("Trainable parameters", format::count(setting.parameters)),
    ]
}
