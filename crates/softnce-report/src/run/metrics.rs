//! The main tables: every metric with the value to compare it with, and the figures of the run.

use maud::{Markup, html};
use softnce_metrics::Metric;

use super::rows::{Row, accuracy_interval, rows};
use crate::protocol::{Protocol, TestedEpoch};
use crate::results::{EpochRecord, RunReport};
use crate::{format, page};

/// The metrics, then the run.
pub(super) fn tables(report: &RunReport) -> Markup {
    html! { (metrics(report)) (run(report)) }
}

fn metrics(report: &RunReport) -> Markup {
    let scaled = match &report.scaled {
        Some(scaled) => format!(
            " After scaling: with the temperature {} instead of {}, fitted on the validation pictures (Guo et al. 2017). This \
             changes no prediction.",
            format::temperature(scaled.fit.temperature),
            format::setting(report.result.temperature),
        ),
        None => String::new(),
    };
    let rows = rows(report);
    let metrics: Vec<Metric> = rows.iter().map(|row| row.metric).collect();
    let caption = format!(
        "{} A tie counts as a wrong prediction. The calibration errors have {}. Reference: the value of a model that guesses \
         (\"chance\"), of one that gives every class the same probability (\"uniform\"), or of a perfectly calibrated one with \
         the same confidences (\"calibrated\"), whose calibration error is above zero by chance.{scaled}",
        format::meanings(&metrics),
        format::plural(report.result.overall.reliability.len(), "bin", "bins"),
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
    let protocol = Protocol::read(&report.recipe_toml);
    let mut figures = vec![("Trainable parameters", format::count(report.parameters))];
    if let Some(last) = report.curves.last() {
        let speeds: Vec<f64> = report.curves.iter().map(|point| point.samples_per_second).collect();
        let speed =
            softnce_metrics::median(&speeds).map_or(format::MISSING.to_owned(), |speed| format::fixed(speed, 0));
        figures.push(("Epochs", format::count(last.epoch)));
        figures.extend(tested(&protocol, &report.curves).map(|epoch| ("Epoch whose weights were tested", epoch)));
        figures.push(("Wall time of the training", format::duration(report.wall_seconds)));
        figures.push(("Pictures a second, median over the epochs", speed));
    }
    figures.push(("Classes", format::count(report.result.classes.len())));
    figures.push(("Pictures evaluated", format::count(report.result.overall.examples)));
    figures.extend(protocol.test_origin().map(|origin| ("Test pictures", origin)));
    figures.push(("Temperature of the posterior", format::setting(report.result.temperature)));
    if let Some(scaled) = &report.scaled {
        let bound = if scaled.fit.at_bound { ", at the end of the range searched" } else { "" };
        let fit = format!("{}{bound}", format::temperature(scaled.fit.temperature));
        figures.push(("Temperature fitted on the validation pictures", fit));
        let nll = [scaled.fit.nll_before, scaled.fit.nll_after].map(|nll| format::fixed(nll, 4));
        figures.push(("Validation NLL before and after the fit, nats", nll.join(" and ")));
    }
    let times = if report.curves.is_empty() { "" } else { "Times depend on the machine and its other work." };
    page::table(
        "The run.",
        times,
        html! { tbody { @for (name, value) in figures { tr { th scope="row" { (name) } td.breaking { (value) } } } } },
    )
}

/// The epoch whose weights were tested, and how it was chosen.
fn tested(protocol: &Protocol, epochs: &[EpochRecord]) -> Option<String> {
    let averaged = if protocol.averages_weights() { "; averaged weights" } else { "" };
    let (epoch, why) = match protocol.tested_epoch()? {
        TestedEpoch::Last => (epochs.last()?.epoch, "the last"),
        TestedEpoch::Best => (best_epoch(epochs)?, "the best validation accuracy"),
    };
    Some(format!("{}, {why}{averaged}", format::count(epoch)))
}

/// The first epoch that no other one beats on the validation pictures.
fn best_epoch(epochs: &[EpochRecord]) -> Option<usize> {
    let validated = epochs.iter().filter_map(|record| Some((record.epoch, record.validation?.score())));
    let best = validated.reduce(|best, other| if other.1.beats(&best.1) { other } else { best });
    best.map(|(epoch, _)| epoch)
}
