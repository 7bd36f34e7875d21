//! `report.html`: one page in one file, with its style and its figures inside.

mod drawn;
mod measurements;
mod medians;
mod parts;
mod reading;
mod setting;

use maud::{Markup, html};
use softnce_report::{number, page};

use self::parts::measured;
pub(crate) use self::setting::how_long;
use super::figures::Plot;
use crate::Results;

const TITLE: &str = "Time and memory of the losses";

/// The page: how to read it, medians side by side, figures, what each path computes, every number, what was skipped,
/// machine and settings. It needs nothing from outside the file.
pub fn page(results: &Results) -> String {
    let plots = Plot::all(results);
    let sections = [
        ("reading", "How to read this", reading::points(results)),
        ("medians", "Medians side by side", medians::tables(results)),
        ("figures", "By size", drawn::figures(&plots, !results.skipped.is_empty())),
        ("paths", "What each path computes", reading::paths(results)),
        ("measurements", "Every measurement", measurements::table(results)),
        ("skipped", "Not measured", measurements::skipped(results)),
        ("setting", "Machine and settings", setting::tables(results)),
        ("reproduce", "How to reproduce", setting::reproduce(results)),
    ];
    let shown = sections.into_iter().filter(|(id, _, _)| match *id {
        "figures" => !plots.is_empty(),
        "skipped" => !results.skipped.is_empty(),
        "medians" | "measurements" => !results.measurements.is_empty(),
        _ => true,
    });
    let shown: Vec<(&str, &str, Markup)> = shown.collect();
    let head = html! {
        (head(results))
        (page::contents(shown.iter().map(|(id, title, _)| (*id, *title))))
    };
    let main = html! { @for (id, title, content) in shown { (page::section(id, title, content)) } };
    page::page(TITLE, &results.version, head, main)
}

fn head(results: &Results) -> Markup {
    let paths = number::plural(measured(results).count(), "path", "paths");
    let cases = number::plural(results.settings.cases.len(), "case", "cases");
    let threads: Vec<String> = results.settings.threads.iter().map(usize::to_string).collect();
    let noun = if results.settings.threads == [1] { "thread" } else { "threads" };
    html! {
        header {
            h1 { (TITLE) }
            p.lead {
                (paths) " at " (cases) ", with " (number::enumerate(&threads)) " " (noun) ": " (reading::subject(results))
                ". N rows of logits, M candidate targets, d classes; loss and gradient in single precision."
            }
            p.quiet { "Machine: " (results.machine) "." }
        }
    }
}

#[cfg(test)]
mod tests;
