//! The metrics of a run for a terminal.

use comfy_table::CellAlignment;

use super::RunReport;
use super::rows::rows;
use crate::report::table::{table, tightened};

/// The metrics as a table for a terminal, with the values to hold them against.
pub fn terminal(report: &RunReport) -> String {
    let mut shown = table();
    let mut head = vec!["metric", "value"];
    head.extend(report.scaled.as_ref().map(|_| "after scaling"));
    head.push("reference");
    let numbers = 1..head.len() - 1;
    shown.set_header(head);
    for row in rows(report) {
        let mut cells = vec![row.name.to_owned()];
        cells.extend(row.values);
        cells.push(row.reference);
        shown.add_row(cells);
    }
    for number in numbers {
        if let Some(column) = shown.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    tightened(shown)
}
