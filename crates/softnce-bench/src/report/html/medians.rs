//! The medians of all paths side by side.

use maud::{Markup, html};
use softnce_report::{number, page};

use super::parts::measured;
use crate::report::block::{Block, blocks};
use crate::{Path, Results};

/// A table of the cases on given logits and one of those with a linear head: a row a case, a column a path.
pub(crate) fn tables(results: &Results) -> Markup {
    let blocks = blocks(results);
    let (head, given): (Vec<_>, Vec<_>) =
        blocks.into_iter().filter(|block| !block.measured.is_empty()).partition(|block| block.case.features.is_some());
    html! {
        (table("Median times on given logits, ms.", results, &given))
        (table("Median times with a linear head, ms.", results, &head))
    }
}

fn table(lead: &str, results: &Results, blocks: &[Block<'_>]) -> Markup {
    let paths: Vec<Path> =
        measured(results).filter(|path| blocks.iter().any(|block| block.of(*path).is_some())).collect();
    let Some(Block { case, .. }) = blocks.first() else { return html! {} };
    let ratio = format!("Below each: the ratio to {}.", Path::BASELINE);
    let ratio = if paths.contains(&Path::BASELINE) { ratio.as_str() } else { "" };
    // A single number of threads is at the head of the page; leaving it out makes the table narrower.
    let has_threads = results.settings.threads.len() > 1;
    page::table(
        lead,
        ratio,
        html! {
            thead {
                tr {
                    @for size in ["N", "M", "d"] { th.number scope="col" { (size) } }
                    @if case.features.is_some() { th.number scope="col" { "D" } }
                    @if has_threads { th.number scope="col" { "threads" } }
                    @for path in &paths { th.breaking scope="col" { (breakable(*path)) } }
                }
            }
            tbody {
                @for block in blocks {
                    tr {
                        @for size in [block.case.rows, block.case.candidates, block.case.classes] {
                            td.number { (number::count(size)) }
                        }
                        @if let Some(features) = block.case.features { td.number { (number::count(features)) } }
                        @if has_threads { td.number { (block.threads.unwrap_or_default()) } }
                        @for path in &paths { (cell(block, *path)) }
                    }
                }
            }
        },
    )
}

/// The name, which may break after an underscore: a column is then no wider than its numbers.
fn breakable(path: Path) -> String {
    path.name().replace('_', "_\u{200b}")
}

fn cell(block: &Block<'_>, path: Path) -> Markup {
    html! {
        td.number {
            @if let Some(measurement) = block.of(path) {
                (number::milliseconds(measurement.median_ms))
                @if let Some(ratio) = block.ratio(measurement) { span.under { (number::ratio(ratio)) } }
            } @else if block.skipped.iter().any(|skipped| skipped.path == path) {
                span.under { "skipped" }
            } @else {
                (number::MISSING)
            }
        }
    }
}
