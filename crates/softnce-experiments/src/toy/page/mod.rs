//! The page of the study, and its tables.

mod figures;
mod tables;
mod words;

use maud::html;
use softnce_report::page::{self, section};

use figures::standalone;
use tables::markdown;
pub(crate) use tables::rows;

use super::results::ToyResults;

const TITLE: &str = "A synthetic problem with known parameters";

/// The files for people, each with its name.
pub(crate) fn files(results: &ToyResults) -> Vec<(String, String)> {
    vec![
        ("results.md".into(), markdown(results)),
        ("curves.svg".into(), standalone(results)),
        ("report.html".into(), page(results)),
    ]
}

/// The page: setting, theory, results.
fn page(results: &ToyResults) -> String {
    let entries = [
        ("curves", "What each loss estimates"),
        ("three", "Three classes"),
        ("samples", "Training samples"),
        ("candidates", "Candidates"),
        ("noise", "Unbalanced noise"),
        ("bounds", "Mutual information"),
        ("table", "All results"),
        ("reproduce", "Reproduce"),
    ];
    let head = html! {
        header {
            h1 { (TITLE) }
            p.lead { (page::prose(&words::lead(results))) }
            p.quiet { (words::SOURCE) }
        }
        (page::contents(entries))
    };
    let part = |at: usize, content| section(entries[at].0, entries[at].1, content);
    let main = html! {
        (part(0, html! { p { (words::CURVES) } (figures::curves(results, 2)) }))
        (part(1, html! { p { (words::THREE) } (figures::curves(results, 3)) }))
        (part(2, html! { p { (words::SAMPLES) } (figures::samples(results)) }))
        (part(3, html! { p { (words::CANDIDATES) } (figures::candidates(results)) }))
        (part(4, html! { p { (words::NOISE) } (figures::noise(results)) }))
        (part(5, html! { p { (words::bounds(results)) } (figures::bounds(results)) }))
        (part(6, tables::table(results)))
        (part(7, html! { pre { code { (results.command) } } p.quiet { (words::setting(results)) } }))
    };
    page::page(TITLE, &results.version, head, main)
}
