//! `report.html` of a run: one page in one file, with its style, figures and pictures inside.

use maud::{Markup, html};

use super::{classes, confusion, curves, findings, metrics, pictures, reliability};
use crate::error::ReportError;
use crate::format;
use crate::page::{self, section};
use crate::protocol::Protocol;
use crate::results::RunReport;

/// The page: what was measured, what that shows and does not show, tables, figures, pictures and the recipe. It needs
/// nothing from outside the file.
///
/// # Errors
/// More or fewer names than classes; a picture that is not a PNG file.
pub fn page(report: &RunReport) -> Result<String, ReportError> {
    check(report)?;
    let sections: Vec<(&str, &str, Markup)> = [
        Some(("findings", "Findings", findings::list(report))),
        Some(("metrics", "Metrics", metrics::tables(report))),
        curves::figure(report).map(|content| ("curves", "Learning curves", content)),
        Some(("calibration", "Calibration", reliability::figure(report))),
        Some(("confusion", "Confusion of classes", confusion::section(report))),
        report.result.groups.as_ref().map(|groups| ("frequency", "Frequent and rare classes", classes::groups(groups))),
        Some(("classes", "Classes", classes::table(report))),
        pictures::section(report).map(|content| ("pictures", "Pictures", content)),
        Some(("recipe", "Recipe", recipe(report))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let contents = page::contents(sections.iter().map(|(id, title, _)| (*id, *title)));
    let main = html! { @for (id, title, content) in sections { (section(id, title, content)) } };
    Ok(page::page(&report.title, &report.version, html! { (head(report)) (contents) }, main))
}

/// Rejects a report whose parts do not fit together.
fn check(report: &RunReport) -> Result<(), ReportError> {
    let (found, expected) = (report.class_names.len(), report.result.classes.len());
    if found != expected {
        return Err(ReportError::ClassNames { found, expected });
    }
    for (list, pictures) in [("hardest", &report.hardest), ("confidently_wrong", &report.confidently_wrong)] {
        let is_one = |png: &[u8]| png.is_empty() || png.starts_with(b"\x89PNG\r\n\x1a\n");
        if let Some(index) = pictures.iter().position(|picture| !is_one(&picture.png)) {
            return Err(ReportError::Picture { list, index });
        }
    }
    Ok(())
}

fn head(report: &RunReport) -> Markup {
    let result = &report.result;
    let protocol = Protocol::read(&report.recipe_toml);
    let training = report.curves.last().map(|last| {
        let epochs = format::plural(last.epoch, "epoch", "epochs");
        format!("trained for {epochs} in {} and ", format::duration(report.wall_seconds))
    });
    let weights = protocol.tested_in_words().filter(|_| training.is_some());
    html! {
        header {
            h1 { (report.title) }
            p.lead {
                "A network of " (format::plural(report.parameters, "parameter", "parameters")) ", "
                (training.unwrap_or_default()) "evaluated on " (format::count(result.overall.examples)) " "
                (report.split) " " (if result.overall.examples == 1 { "picture" } else { "pictures" }) " of "
                (format::plural(result.classes.len(), "class", "classes"))
                @if let Some(weights) = weights { ", " (weights) } "."
            }
        }
    }
}

fn recipe(report: &RunReport) -> Markup {
    html! {
        p { "All settings of the run, with softnce " (report.version) "." }
        (page::recipe(&report.recipe_toml))
    }
}
