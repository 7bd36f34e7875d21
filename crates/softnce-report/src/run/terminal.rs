//! The metrics of a run for a terminal.

use super::rows::rows;
use crate::results::RunReport;
use crate::table::Table;

/// The metrics as a table for a terminal, with the values to compare them with.
pub fn terminal(report: &RunReport) -> String {
    let mut head = vec!["metric", "value"];
    head.extend(report.scaled.as_ref().map(|_| "after scaling"));
    head.push("reference");
    let reference = head.len() - 1;
    let mut table = Table::new(head).with_text(reference).ruled();
    for row in rows(report) {
        table.add(std::iter::once(row.name).chain(row.values).chain([row.reference]));
    }
    table.to_string()
}
