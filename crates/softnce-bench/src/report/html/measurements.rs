//! Every number, and what is missing.

use maud::{Markup, html};
use softnce_report::page;

use super::parts::path_head;
use crate::Results;
use crate::report::block::{Block, blocks};
use crate::report::row::{HEADS, cells, note};

/// A group of rows for each case and number of threads.
pub(crate) fn table(results: &Results) -> Markup {
    page::table(
        "All cases.",
        &note(results),
        html! {
            (page::head(&["path"], HEADS))
            @for block in blocks(results) { (group(&block)) }
        },
    )
}

fn group(block: &Block<'_>) -> Markup {
    html! {
        tbody {
            tr.rows { th colspan=(HEADS.len() + 1) scope="rowgroup" { (block.title()) } }
            @for measurement in block.measured {
                tr {
                    (path_head(measurement.path))
                    @for cell in cells(block, measurement) { td.number { (cell) } }
                }
            }
            @for skipped in &block.skipped {
                tr { (path_head(skipped.path)) td colspan=(HEADS.len()) { "skipped: " (skipped.reason) } }
            }
        }
    }
}

/// What was skipped, and why.
pub(crate) fn skipped(results: &Results) -> Markup {
    page::table(
        "Skipped paths.",
        "",
        html! {
            (page::head(&["Case", "Path", "Reason"], [""; 0]))
            tbody {
                @for skipped in &results.skipped {
                    tr { th scope="row" { (skipped.case) } td { (skipped.path) } td { (skipped.reason) } }
                }
            }
        },
    )
}
