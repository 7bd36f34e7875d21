//! The page of the study, and its tables.

use maud::html;
use softnce::LossKind;
use softnce_report::number::{fixed, setting, signed};
use softnce_report::page::{self, section};
use softnce_report::table::Table;
use softnce_report::with_interval;

use super::plan::FeatureTask;
use super::results::{FeaturesResults, SHOWN, TaskResults};
use crate::measure::Measure;

const TITLE: &str = "The paper's claims on features of a pretrained network";

/// The files for people, each with its name.
pub(crate) fn files(results: &FeaturesResults) -> Vec<(String, String)> {
    vec![("results.md".into(), markdown(results)), ("report.html".into(), page(results))]
}

fn title(results: &FeaturesResults, task: &TaskResults) -> String {
    let known = results.config.tasks.iter().find(|other| other.name == task.task);
    let name = known.map_or(&task.task, |task: &FeatureTask| &task.title);
    format!("{name}, {}", if task.head == super::Head::Linear { "linear head" } else { "perceptron" })
}

/// The claims, as rows of a table.
fn claims(results: &FeaturesResults) -> Vec<[String; 4]> {
    let mut rows = Vec::new();
    for task in &results.tasks {
        for claim in task.claims.iter().filter(|claim| claim.measure == Measure::TOP1) {
            let difference = with_interval(claim.difference, 2, signed);
            let row = |words: String, verdict: String| [title(results, task), words, difference.clone(), verdict];
            for test in &claim.equivalence {
                let words = format!("on par with {} within {} points", claim.other.title(), setting(test.margin));
                let verdict = format!("{} (p = {})", claim.verdict(Some(test)), fixed(test.p_value, 3));
                rows.push(row(words, verdict));
            }
            if matches!(claim.other, LossKind::InfoNce | LossKind::Nll) {
                rows.push(row(format!("better than {}", claim.other.title()), claim.verdict(None).to_owned()));
            }
        }
    }
    rows
}

/// The losses side by side.
fn table(task: &TaskResults) -> Table {
    let head = ["loss".to_owned(), "settings chosen".to_owned()];
    let mut table = Table::new(head.into_iter().chain(SHOWN.iter().map(|measure| measure.label()))).with_text(1);
    for found in &task.methods {
        let open = if found.open.is_empty() { String::new() } else { format!(" (open: {})", found.open.join(", ")) };
        let mut row = vec![found.method.title(), format!("{}{open}", found.settings)];
        row.extend(SHOWN.iter().map(|&measure| {
            let value = found.values.get(&measure);
            let clear = task.claims.iter().any(|claim| {
                claim.measure == measure && claim.other == found.method.0 && claim.difference.excludes_zero()
            });
            let mark = if clear { "**" } else { "" };
            value.map_or_else(
                || "–".to_owned(),
                |value| format!("{mark}{}{mark}", with_interval(*value, measure.decimals(), fixed)),
            )
        }));
        table.add(row);
    }
    table
}

/// What the numbers are.
fn notes(results: &FeaturesResults) -> String {
    let config = &results.config;
    format!(
        "Mean ± half width of the 95 % interval over {} seeds on {} splits; bold: the difference to soft target InfoNCE, paired \
         by seed, excludes zero (not corrected for the number of comparisons). Each loss was tuned with {} trials on \
         validation rows; \"open\" names a setting of which a neighbour of the chosen value was not tried.",
        config.seeds,
        config.splits.min(config.seeds),
        config.trials
    )
}

fn markdown(results: &FeaturesResults) -> String {
    let mut text = String::new();
    let mut all = Table::new(["set, network", "claim", "difference, points", "verdict"]).with_text(1).with_text(3);
    claims(results).into_iter().for_each(|row| all.add(row));
    text.push_str(&format!("{}\n", all.markdown()));
    for task in &results.tasks {
        let [train, validation, test] = task.rows;
        text.push_str(&format!(
            "\n{}: {train} training, {validation} validation and {test} test rows\n\n{}",
            title(results, task),
            table(task).markdown()
        ));
    }
    text.push_str(&format!("\n{}\n", notes(results)));
    text
}

fn page(results: &FeaturesResults) -> String {
    let head = html! {
        header {
            h1 { (TITLE) }
            p.lead {
                "The paper claims that soft target InfoNCE is on par with soft target cross-entropy, and better than the \
                 losses of hard targets. Networks on the features of a pretrained network are trained with five losses, \
                 each tuned with the same number of trials."
            }
            p.quiet { (notes(results)) }
        }
        (page::contents([("claims", "Claims"), ("results", "Results"), ("reproduce", "Reproduce")]))
    };
    let main = html! {
        (section("claims", "The claims", html! {
            (page::table("Claims.", "Difference in test accuracy, soft target InfoNCE minus the other loss.", html! {
                thead { tr { th scope="col" { "set, network" } th scope="col" { "claim" } th.number scope="col" { "difference" } th scope="col" { "verdict" } } }
                tbody {
                    @for [set, words, difference, verdict] in claims(results) {
                        tr { th scope="row" { (set) } td { (words) } td.number { (difference) } td { (verdict) } }
                    }
                }
            }))
        }))
        (section("results", "Results on the test rows", html! {
            @for task in &results.tasks {
                (page::table(&format!("{}.", title(results, task)), "", html! {
                    (page::head(&["loss", "settings chosen"], SHOWN.iter().map(|measure| page::prose(&measure.label()))))
                    tbody {
                        @for found in &task.methods {
                            tr {
                                th scope="row" { (found.method.title()) }
                                td { (found.settings) }
                                @for measure in SHOWN {
                                    td.number {
                                        @if let Some(value) = found.values.get(&measure) {
                                            (with_interval(*value, measure.decimals(), fixed))
                                        }
                                    }
                                }
                            }
                        }
                    }
                }))
            }
        }))
        (section("reproduce", "Reproduce", html! { pre { code { (results.command) } } }))
    };
    page::page(TITLE, &results.version, head, main)
}

/// Every training that is compared, for the CSV file.
pub(super) fn rows(results: &FeaturesResults) -> Vec<[String; 6]> {
    let mut rows = vec![["set", "network", "loss", "seed", "measure", "value"].map(str::to_owned)];
    for task in &results.tasks {
        for found in &task.methods {
            for (seed, run) in found.runs.iter().enumerate() {
                for (measure, value) in run {
                    let (head, loss) = (task.head.to_string(), found.method.0.to_string());
                    rows.push([task.task.clone(), head, loss, seed.to_string(), measure.name(), value.to_string()]);
                }
            }
        }
    }
    rows
}
