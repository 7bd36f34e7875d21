//! The figures as tables.

use maud::{Markup, html};
use softnce_metrics::Estimate;
use softnce_report::number::{count, fixed};
use softnce_report::table::Table;
use softnce_report::{page, with_interval};

use super::words;
use crate::toy::results::{Cell, ToyResults};

const HEADINGS: [&str; 8] = [
    "estimator",
    "classes",
    "samples",
    "candidates",
    "RMS to the truth",
    "RMS to theory",
    "theory to the truth",
    "ln M − L",
];

fn distance(value: Estimate) -> String {
    with_interval(value, 3, fixed)
}

/// The cells of a row.
fn columns(cell: &Cell) -> [String; 8] {
    let setting = &cell.setting;
    // A loss without candidates draws none.
    let candidates = if setting.estimator.loss.is_contrastive() { count(setting.candidates) } else { "–".into() };
    [
        setting.estimator.title(),
        count(setting.classes),
        count(setting.samples),
        candidates,
        distance(cell.to_truth),
        cell.to_prediction.map_or_else(|| "–".into(), distance),
        cell.bias.map_or_else(|| "–".into(), |bias| fixed(bias, 3)),
        cell.bound.map_or_else(|| "–".into(), distance),
    ]
}

/// Every cell.
pub(super) fn table(results: &ToyResults) -> Markup {
    let rows = html! {
        thead { tr { @for (at, heading) in HEADINGS.iter().enumerate() { th.number[at > 0] scope="col" { (heading) } } } }
        tbody {
            @for cell in &results.cells {
                tr {
                    @for (at, text) in columns(cell).iter().enumerate() {
                        @if at == 0 { th scope="row" { (text) } } @else { td.number { (text) } }
                    }
                }
            }
        }
    };
    html! {
        (page::table("All results.", &words::intervals(results), rows))
        @if let Some(text) = words::diverged(results) { p { (text) } }
    }
}

/// Every cell, in Markdown.
pub(super) fn markdown(results: &ToyResults) -> String {
    let mut table = Table::new(HEADINGS);
    results.cells.iter().for_each(|cell| table.add(columns(cell)));
    let diverged = words::diverged(results).map_or_else(String::new, |text| format!("\n{text}\n"));
    let information = fixed(results.information, 4);
    format!("{}{diverged}\nMutual information with two classes: {information} nats.\n", table.markdown())
}

/// Every training, for the CSV file.
pub(crate) fn rows(results: &ToyResults) -> Vec<[String; 10]> {
    let head = [
        "loss",
        "candidates_from",
        "corrected",
        "classes",
        "samples",
        "candidates",
        "seed",
        "rms_to_truth",
        "rms_to_theory",
        "bound",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    for cell in &results.cells {
        let setting = &cell.setting;
        let estimator = setting.estimator;
        for (run, (truth, theory)) in cell.runs.iter().zip(ToyResults::distances(cell)) {
            let known = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
            rows.push([
                estimator.loss.to_string(),
                estimator.candidates.name().to_string(),
                estimator.corrected.to_string(),
                setting.classes.to_string(),
                setting.samples.to_string(),
                setting.candidates.to_string(),
                run.seed.to_string(),
                truth.to_string(),
                known(theory),
                known(run.bound),
            ]);
        }
    }
    rows
}
