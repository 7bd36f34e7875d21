//! The main tables: every metric with the value to compare it with, and the figures of the run.

use maud::{Markup, html};
use softnce_metrics::Metric;

use super::rows::{Row, accuracy_interval, rows};
use crate::results::RunReport;
use crate::{format, page};

/// The metrics, then the run.
pub(super) fn tables(report: &RunReport) -> Markup {
    html! { (metrics(report)) (run(report)) }
}

fn metrics(report: &RunReport) -> Markup {
    let scaled = match &report.scaled {
        Some(scaled) => format!(
            " After scaling: with the temperature {} instead of {}, fitted on the validation split (Guo et al. 2017); \
             it changes no prediction.",
            format::fixed(scaled.fit.temperature, 4),
            format::setting(report.result.temperature),
        ),
        None => String::new(),
    };
    let rows = rows(report);
    let metrics: Vec<Metric> = rows.iter().map(|row| row.metric).collect();
    let caption = format!(
        "{} A tie counts as a wrong prediction. The calibration errors are over {} bins. Reference: what guessing, the uniform \
         posterior, or a perfectly calibrated model of the same confidences would show; the last is not zero.{scaled}",
        format::meanings(&metrics),
        report.result.overall.reliability.len(),
    );
    page::table(
        &format!("Metrics on the {} pictures.", report.split),
        &caption,
        html! {
            thead {
                tr {
                    th scope="col" { "Metric" }
                    th.number scope="col" { "Value" }
                    @if report.scaled.is_some() { th.number scope="col" { "After scaling" } }
                    th scope="col" { "Reference" }
                    th scope="col" { "Better" }
                }
            }
            tbody { @for (index, row) in rows.iter().enumerate() { (line(report, row, index == 0)) } }
        },
    )
}

fn line(report: &RunReport, row: &Row, is_accuracy: bool) -> Markup {
    html! {
        tr {
            th scope="row" { (row.name) }
            @for value in &row.values {
                td.number {
                    (value)
                    @if is_accuracy { span.under { "95 %: " (accuracy_interval(&report.result)) } }
                }
            }
            td { (row.reference) }
            td.meaning { (row.metric.direction.word()) }
        }
    }
}

fn run(report: &RunReport) -> Markup {
    let mut figures = vec![("Trainable parameters", format::count(report.parameters))];
    if let Some(last) = report.curves.last() {
        let speeds: Vec<f64> = report.curves.iter().map(|point| point.samples_per_second).collect();
        let speed =
            softnce_metrics::median(&speeds).map_or(format::MISSING.to_owned(), |speed| format::fixed(speed, 0));
        figures.push(("Epochs", last.epoch.to_string()));
        figures.push(("Wall time of the training", format::duration(report.wall_seconds)));
        figures.push(("Pictures per second, median over the epochs", speed));
    }
    figures.push(("Classes", format::count(report.result.classes.len())));
    figures.push(("Pictures evaluated", format::count(report.result.overall.examples)));
    figures.push(("Temperature of the posterior", format::setting(report.result.temperature)));
    if let Some(scaled) = &report.scaled {
        let bound = if scaled.fit.at_bound { ", at the end of the range searched" } else { "" };
        let fit = format!("{}{bound}", format::fixed(scaled.fit.temperature, 4));
        figures.push(("Temperature fitted on the validation split", fit));
        let nll = [scaled.fit.nll_before, scaled.fit.nll_after].map(|nll| format::fixed(nll, 4));
        figures.push(("Validation NLL before and after the fit, nats", nll.join(" and ")));
    }
    page::table(
        "The run.",
        "Times depend on the machine and its other work.",
        html! { tbody { @for (name, value) in figures { tr { th scope="row" { (name) } td.number { (value) } } } } },
    )
}
