//! The metrics of a run in Markdown and for a terminal.

use softnce_metrics::Frequency;

use super::rows::{accuracy_interval, rows, share};
use crate::format;
use crate::results::RunReport;
use crate::table::Table;

/// The metrics as a table in Markdown, with the values to compare them with; then the accuracy of frequent, medium
/// and rare classes where it is known.
pub fn markdown(report: &RunReport) -> String {
    let mut text = table(report).markdown();
    text.push_str(&format!(
        "\n{} {} pictures; top-1 accuracy with its 95 % Wilson interval: {} %. Temperature {}.",
        format::count(report.result.overall.examples),
        report.split,
        accuracy_interval(&report.result),
        format::setting(report.result.temperature),
    ));
    if let Some(scaled) = &report.scaled {
        let temperature = format::temperature(scaled.fit.temperature);
        text.push_str(&format!(" After scaling: {temperature}, fitted on the validation pictures."));
    }
    text.push('\n');
    if let Some(groups) = &report.result.groups {
        let mut table = Table::new(["classes", "number", "pictures", "mean accuracy %"]);
        for frequency in Frequency::ALL {
            let group = groups.get(frequency);
            let accuracy = group.accuracy.map_or(format::MISSING.to_owned(), share);
            let name = frequency_name(frequency).to_owned();
            table.add([name, format::count(group.classes), format::count(group.examples), accuracy]);
        }
        text.push_str(&format!("\n{}", table.markdown()));
    }
    text
}

/// The metrics as a table for a terminal, with the values to compare them with.
pub fn terminal(report: &RunReport) -> String {
    table(report).ruled().to_string()
}

fn table(report: &RunReport) -> Table {
    let mut head = vec!["metric", "value"];
    head.extend(report.scaled.as_ref().map(|_| "after scaling"));
    head.push("reference");
    let reference = head.len() - 1;
    let mut table = Table::new(head).with_text(reference);
    for row in rows(report) {
        table.add(std::iter::once(row.name).chain(row.values).chain([row.reference]));
    }
    table
}

/// The name of a group of classes, with its bounds.
pub(super) fn frequency_name(frequency: Frequency) -> &'static str {
    match frequency {
        Frequency::Frequent => "frequent (> 100 training pictures)",
        Frequency::Medium => "medium (20 to 100)",
        Frequency::Rare => "rare (< 20)",
    }
}
