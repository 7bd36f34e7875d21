//! The page of the study, and its tables.

use maud::{Markup, html};
use serde::Serialize;
use softnce_report::number::{self, count, fixed, plural, signed};
use softnce_report::page::{self, section};
use softnce_report::table::Table;
use softnce_report::{look, with_interval};

use super::classes;
use super::results::{GraphsResults, MEASURES, Row, SOURCES};
use super::trial::{Found, Tested};
use super::unit::{Source, Unit};
use crate::diverged::left_out;
use crate::measure::Measure;

/// The files for people, each with its name.
pub(crate) fn files(results: &GraphsResults) -> Vec<(String, String)> {
    vec![("results.md".into(), markdown(results)), ("report.html".into(), page(results))]
}

/// The page: setting, results, learning rates.
fn page(results: &GraphsResults) -> String {
    let config = &results.config;
    let entries =
        [("setting", "Setting"), ("results", "Results"), ("rates", "Learning rates"), ("reproduce", "Reproduce")];
    let chosen = match results.tuning.is_empty() {
        true => format!(", at the learning rate {}", number::setting(config.rates[0])),
        false => ", with the learning rate of each loss chosen on the validation nodes".to_owned(),
    };
    let head = html! {
        header {
            h1 { "Node classification" }
            p.lead {
                "A graph convolutional network of two layers, trained with each loss from "
                (plural(config.seeds as usize, "seed", "seeds")) (chosen) ". The loss is not limited to pictures."
            }
            p.quiet {
                "Network, splits and settings: Kipf and Welling, arXiv 1609.02907, and Yang, Cohen and Salakhutdinov, arXiv \
                 1603.08861. The two kinds of targets are our own design."
            }
        }
        (page::contents(entries))
    };
    let main = html! {
        (section("setting", "Setting", setting(results)))
        (section("results", "Results on the test nodes", html! {
            @for (graph, _) in &results.sizes {
                @for source in SOURCES { (table(results, graph, source)) }
                (classes::table(results, graph))
            }
            @if let Some(text) = diverged(results) { p { (text) } }
            p { (classes::WHY) }
        }))
        (section("rates", "Learning rates", rates(results)))
        (section("reproduce", "Reproduce", html! { pre { code { (results.command) } } }))
    };
    page::page("Node classification", &results.version, head, main)
}

fn setting(results: &GraphsResults) -> Markup {
    let config = &results.config;
    let smoothed = if config.smoothing > 0.0 {
        format!(
            ", with label smoothing {0} for the losses that take soft targets. Theory predicts only small differences here: \
             where all classes have the same number of labelled nodes and all of these are candidates, InfoNCE has the same \
             gradient as NLL, and with smoothing {0} soft target InfoNCE is the NLL of {1} times the \
             logits, so that its logits become larger by the factor 1 / {1}",
            number::setting(config.smoothing),
            number::setting(((1.0 - config.smoothing) * 1e9).round() / 1e9),
        )
    } else {
        String::new()
    };
    html! {
        p { "Targets from labels: the labels of the labelled nodes" (smoothed) "." }
        p {
            "Targets from a teacher: every node has the probabilities that a network trained on the labels with NLL gives it; \
             the labelled nodes keep their labels. The hard losses are trained on the most probable class of the teacher."
        }
        p {
            "Hidden width " (count(config.hidden)) ", dropout " (number::setting(config.dropout)) ", L2 penalty "
            (number::setting(config.weight_decay)) " on the first layer, Adam, "
            (plural(config.epochs, "step", "steps")) " over the whole graph, without early stopping; the results are those \
             after the last step. The candidates of a step are its targets: those of the labelled nodes, or those of all nodes."
        }
        p {
            "Soft target InfoNCE is also trained with classes in place of the targets as candidates. With all of them, weighted by \
             their frequencies, it has the gradient of soft target cross-entropy. Drawn classes: that number at each step, from the \
             class frequencies, the same for all nodes. Unlike the library, the study does not keep the classes of the targets in \
             the sum: a confident target then has no finite optimum."
        }
        (page::table("Graphs.", "", html! {
            (page::head(&["graph"], ["nodes", "features", "classes", "labelled", "validation", "test"]))
            tbody {
                @for (name, sizes) in &results.sizes {
                    tr { th scope="row" { (name) } @for &size in sizes { td.number { (count(size)) } } }
                }
            }
        }))
    }
}

/// The losses on one graph.
fn table(results: &GraphsResults, graph: &str, source: Source) -> Markup {
    let lead = format!("{graph}, {}.", words(source));
    let caption = match results.config.seeds {
        1 => {
            "One seed, so no intervals. Below: the difference from soft target cross-entropy. Scaled: after temperature scaling on \
             the validation nodes."
        }
        _ => {
            "Mean ± half width of the 95 % interval over the seeds. Below: the difference from soft target cross-entropy, paired \
             by seed, with its interval; bold where it excludes zero (not corrected for the number of comparisons). Scaled: after \
             temperature scaling on the validation nodes. All seeds have the same split: the intervals do not cover the choice \
             of nodes."
        }
    };
    let measures = MEASURES.iter().map(|measure| page::prose(&measure.label()));
    page::table(
        &lead,
        caption,
        html! {
            (page::head(&["loss"], std::iter::once("rate".to_owned()).chain(measures)))
            tbody {
                @for row in results.of(graph, source) {
                    tr {
                        th.loss scope="row" {
                            (page::swatch(look(row.unit.loss))) (row.unit.title())
                            @let diverged = row.runs.iter().filter(|run| run.diverged).count();
                            @if diverged > 0 {
                                span.under { (diverged) " of " (row.runs.len()) " diverged" }
                            }
                        }
                        td.number { (number::setting(row.unit.rate)) }
                        @for (at, value) in row.values.iter().enumerate() {
                            td.number {
                                (with_interval(*value, MEASURES[at].decimals(), fixed))
                                @if let Some(differences) = &row.differences {
                                    @let clear = differences[at].excludes_zero();
                                    span.under.clear[clear] { (with_interval(differences[at], MEASURES[at].decimals(), signed)) }
                                }
                            }
                        }
                    }
                }
            }
        },
    )
}

/// Accuracy on the validation nodes at each rate.
fn rates(results: &GraphsResults) -> Markup {
    if results.tuning.is_empty() {
        return html! { p { "All losses have the learning rate " (number::setting(results.config.rates[0])) "." } };
    }
    let mean = |row: &Row, rate: f64| {
        let mut those =
            results.tuning.iter().filter(|(unit, _)| *unit == Unit { rate, tuning: true, ..row.unit.clone() });
        let runs = those.next().map_or(&[][..], |(_, runs)| runs);
        let mean = 100.0 * runs.iter().map(|run| run.validation_top1).sum::<f64>() / runs.len().max(1) as f64;
        match runs {
            [] => "–".to_owned(),
            runs if runs.iter().any(|run| run.diverged) => "diverged".to_owned(),
            _ => fixed(mean, 1),
        }
    };
    let lead = "Accuracy on the validation nodes, %.";
    page::table(
        lead,
        &format!(
            "From {}, used for nothing else. Framed: the chosen rate.",
            plural(results.config.tuning_seeds as usize, "seed", "seeds"),
        ),
        html! {
            (page::head(&["graph, targets, loss"], results.config.rates.iter().map(|&rate| number::setting(rate))))
            tbody {
                @for row in &results.rows {
                    tr {
                        th scope="row" { (row.unit.graph) ", " (words(row.unit.source)) ", " (row.unit.title()) }
                        @for &rate in &results.config.rates {
                            td.number.chosen[rate == row.unit.rate] { (mean(row, rate)) }
                        }
                    }
                }
            }
        },
    )
}

/// The compared trainings that diverged; `None` if there are none.
fn diverged(results: &GraphsResults) -> Option<String> {
    let each = results.diverged.iter().map(|(unit, run)| {
        let (targets, loss) = (words(unit.source), unit.title());
        format!("{}, {targets}, {loss}, {}", unit.graph, run.reason.as_deref().unwrap_or_default())
    });
    left_out(&each.collect::<Vec<_>>())
}

fn words(source: Source) -> &'static str {
    match source {
        Source::Labels => "targets from labels",
        Source::Teacher => "targets from a teacher",
    }
}

/// The same tables in Markdown.
fn markdown(results: &GraphsResults) -> String {
    let head = ["graph, targets", "loss"].map(str::to_owned).into_iter().chain(MEASURES.map(Measure::label));
    let mut table = Table::new(head).with_text(1);
    for row in &results.rows {
        let unit = &row.unit;
        let first = [format!("{}, {}", unit.graph, words(unit.source)), unit.title()];
        let values = row.values.iter().enumerate().map(|(at, value)| {
            let bold = row.differences.is_some_and(|differences| differences[at].excludes_zero());
            let mark = if bold { "**" } else { "" };
            format!("{mark}{}{mark}", with_interval(*value, MEASURES[at].decimals(), fixed))
        });
        table.add(first.into_iter().chain(values));
    }
    let mut text = table.markdown();
    if results.config.seeds > 1 {
        text.push_str(
            "\nBold: the paired difference from soft target cross-entropy has a 95 % interval that excludes zero (not corrected \
             for the number of comparisons).\n",
        );
    }
    if let Some(diverged) = diverged(results) {
        text.push_str(&format!("\n{diverged}\n"));
    }
    text.push_str(&classes::markdown(results));
    text
}

/// Every training that is compared, for the CSV file.
pub(crate) fn rows(results: &GraphsResults) -> impl Iterator<Item = Line<'_>> {
    results.rows.iter().flat_map(|row| {
        let Unit { graph, source, loss, candidates, rate, .. } = &row.unit;
        row.runs.iter().map(move |run| {
            let Found { seed, validation_top1, validation_nll, test, .. } = run;
            let of = |measure: fn(&Tested) -> f64| test.as_ref().map(measure);
            let distilled = test.as_ref().and_then(|test| test.distilled.as_ref());
            Line {
                graph,
                source: source.name(),
                loss: loss.name(),
                candidates: candidates.name(),
                rate: *rate,
                seed: *seed,
                validation_top1: *validation_top1,
                validation_nll: *validation_nll,
                top1: of(|test| test.top1),
                nll: of(|test| test.nll),
                ece: of(|test| test.ece),
                scaled_nll: of(|test| test.scaled_nll),
                scaled_ece: of(|test| test.scaled_ece),
                agreement: distilled.map(|found| found.network.agreement),
            }
        })
    })
}

/// A line of the CSV file.
#[derive(Serialize)]
pub(crate) struct Line<'a> {
    graph: &'a str,
    source: &'static str,
    loss: &'static str,
    candidates: String,
    rate: f64,
    seed: u64,
    validation_top1: f64,
    validation_nll: f64,
    top1: Option<f64>,
    nll: Option<f64>,
    ece: Option<f64>,
    scaled_nll: Option<f64>,
    scaled_ece: Option<f64>,
    agreement: Option<f64>,
}
