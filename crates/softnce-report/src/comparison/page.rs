//! `report.html`: one page in one file, with its style and its figures inside.

use maud::{Markup, html};

use super::claims::{self, claims};
use super::{cost, curves, differences, intervals, metrics, reliability, scaled, setting, tuning, words};
use crate::error::ReportError;
use crate::page::{self, section};
use crate::results::Comparison;

/// The page: what was measured, what that shows and does not show, tables, figures, cost and configuration. It needs
/// nothing from outside the file.
///
/// # Errors
/// [`ReportError::Empty`] if no loss has finished a run.
pub fn page(results: &Comparison) -> Result<String, ReportError> {
    if results.summaries.is_empty() {
        return Err(ReportError::Empty);
    }
    let (differences, claims) = (claims::has_differences(results), claims(results));
    let main = html! {
        (section("findings", "What the results show, and what they do not", page::claims(
            ("Results", &claims.shows),
            ("Limits", &claims.limits),
        )))
        (section("results", "Results on the test pictures", html! {
            (metrics::values(results))
            (intervals::figure(results))
        }))
        @if differences {
            (section("differences", "Differences from soft target cross-entropy", html! {
                (differences::table(results))
                (differences::figure(results))
            }))
        }
        (section("curves", "Learning curves", curves::figures(results)))
        (section("calibration", "Calibration", reliability::figure(results)))
        @if scaled::is_there(results) {
            (section("scaled", "After temperature scaling", scaled::tables(results)))
        }
        (section("tuning", "Learning rates", tuning::table(results)))
        (section("cost", "Cost", cost::table(results)))
        (section("setting", "Configuration and data", setting::tables(results)))
        (section("reproduce", "How to reproduce", setting::reproduce(results)))
    };
    let head = html! { (head(results)) (contents(differences, scaled::is_there(results))) };
    Ok(page::page(&results.title, &results.version, head, main))
}

fn head(results: &Comparison) -> Markup {
    let setting = &results.setting;
    html! {
        header {
            h1 { (results.title) }
            p.lead { (page::prose(&words::lead(results))) }
            p.quiet { "Data: " (setting.data) ". Network: " (setting.network) "." }
        }
    }
}

fn contents(differences: bool, scaled: bool) -> Markup {
    let entries = [
        ("findings", "Findings"),
        ("results", "Results"),
        ("differences", "Differences"),
        ("curves", "Learning curves"),
        ("calibration", "Calibration"),
        ("scaled", "Temperature scaling"),
        ("tuning", "Learning rates"),
        ("cost", "Cost"),
        ("setting", "Configuration"),
        ("reproduce", "Reproduce"),
    ];
    page::contents(entries.into_iter().filter(|(id, _)| match *id {
        "differences" => differences,
        "scaled" => scaled,
        _ => true,
    }))
}
