//! The page of the study, its tables and its figure.

use maud::{Markup, html};
use softnce::LossKind;
use softnce_metrics::Estimate;
use softnce_report::number::{count, fixed, setting, signed};
use softnce_report::page::{self, section};
use softnce_report::table::Table;
use softnce_report::{look, row_head, sheet, with_interval};

use super::plan::{FeatureTask, Head, Method};
use super::results::{Claim, FeaturesResults, MethodResults, SHOWN, TaskResults};
use crate::forest::{Block, Forest, Row};
use crate::measure::Measure;
use crate::verdict::{Verdict, p_value};

const TITLE: &str = "The paper's claims on features of a pretrained network";

/// The files for people, each with its name.
pub(crate) fn files(results: &FeaturesResults) -> Vec<(String, String)> {
    let forests = forests(results);
    let height = forests.iter().map(Forest::height).fold(0.0, f64::max);
    let panels: Vec<Markup> = forests.iter().map(Forest::panel).collect();
    let figure = sheet("The claims on features, loss by loss", 2, height, &panels, &[]);
    vec![
        ("results.md".into(), markdown(results)),
        ("claims.svg".into(), figure),
        ("report.html".into(), page(results, &panels)),
    ]
}

fn title(results: &FeaturesResults, task: &TaskResults) -> String {
    let known = results.config.tasks.iter().find(|other| other.name == task.task);
    let name = known.map_or(&task.task, |task: &FeatureTask| &task.title);
    format!("{name}, {}", if task.head == Head::Linear { "linear head" } else { "perceptron" })
}

/// The claims about test accuracy with their sets.
fn accuracy(results: &FeaturesResults) -> impl Iterator<Item = (&TaskResults, &Claim)> {
    let claims = results.tasks.iter().flat_map(|task| task.claims.iter().map(move |claim| (task, claim)));
    claims.filter(|(_, claim)| claim.measure == Measure::TOP1)
}

/// The differences in accuracy, one drawing for each other loss.
fn forests(results: &FeaturesResults) -> Vec<Forest> {
    let drawing = |other: LossKind| {
        let claims = accuracy(results).filter(|(_, claim)| claim.other == other);
        let row = |(task, claim): (&TaskResults, &Claim)| Row {
            words: title(results, task),
            look: look(other),
            difference: claim.difference,
            is_tested: !claim.equivalence.is_empty(),
        };
        let block = Block { title: format!("against {}", Method(other).title()), rows: claims.map(row).collect() };
        Forest { blocks: vec![block], margins: results.config.margins.clone() }
    };
    let others = Method::ALL.iter().skip(1).map(|method| drawing(method.0));
    others.filter(|forest| forest.blocks.iter().any(|block| !block.rows.is_empty())).collect()
}

/// The claims, as rows of a table.
fn claims(results: &FeaturesResults) -> Vec<[String; 4]> {
    let mut rows = Vec::new();
    for (task, claim) in accuracy(results) {
        let difference = with_interval(claim.difference, 2, signed);
        let row = |words: String, verdict: String| [title(results, task), words, difference.clone(), verdict];
        for test in &claim.equivalence {
            let words = format!("on par with {} within {} points", claim.other.title(), setting(test.margin));
            let verdict = Verdict::on_par(test, &claim.difference).name();
            rows.push(row(words, format!("{verdict} ({})", p_value(test.p_value))));
        }
        if matches!(claim.other, LossKind::InfoNce | LossKind::Nll) {
            let verdict = Verdict::better(&claim.difference).name();
            rows.push(row(format!("better than {}", claim.other.title()), verdict.to_owned()));
        }
    }
    rows
}

/// The difference of soft target InfoNCE from another loss.
fn difference(task: &TaskResults, found: &MethodResults, measure: Measure) -> Option<Estimate> {
    let is_it = |claim: &&Claim| claim.measure == measure && claim.other == found.method.0;
    task.claims.iter().find(is_it).map(|claim| claim.difference)
}

/// The settings chosen for a loss, and those whose neighbours were not all tried.
fn settings(found: &MethodResults) -> String {
    let diverged = found.runs.iter().filter(|run| run.is_empty()).count();
    let open = if found.open.is_empty() {
        String::new()
    } else {
        format!(" (a neighbour untried: {})", found.open.join(", "))
    };
    let diverged = if diverged == 0 { String::new() } else { format!(" ({diverged} of the seeds diverged)") };
    format!("{}{open}{diverged}", found.settings)
}

fn value(found: &MethodResults, measure: Measure) -> String {
    let value = found.values.get(&measure);
    value.map_or_else(|| "–".to_owned(), |value| with_interval(*value, measure.decimals(), fixed))
}

/// The losses side by side.
fn table(task: &TaskResults) -> Table {
    let head = ["loss".to_owned(), "settings chosen".to_owned()];
    let mut table = Table::new(head.into_iter().chain(SHOWN.iter().map(|measure| measure.label()))).with_text(1);
    for found in &task.methods {
        let mut row = vec![found.method.title(), settings(found)];
        row.extend(SHOWN.iter().map(|&measure| {
            let clear = difference(task, found, measure).is_some_and(|difference| difference.excludes_zero());
            let mark = if clear { "**" } else { "" };
            format!("{mark}{}{mark}", value(found, measure))
        }));
        table.add(row);
    }
    table
}

/// What the numbers are.
fn notes(results: &FeaturesResults) -> String {
    let config = &results.config;
    format!(
        "Mean ± half width of the 95 % interval over {} seeds, each with its own split into training and validation rows; bold: the difference to soft target InfoNCE, paired \
         by seed, excludes zero (not corrected for the number of comparisons). Each loss was tuned with {} trials on \
         validation rows; \"a neighbour untried\" names the settings whose best value may lie beyond what was tried.",
        config.seeds, config.trials
    )
}

fn markdown(results: &FeaturesResults) -> String {
    let mut text = String::new();
    let mut all = Table::new(["set, network", "claim", "difference, points", "verdict"]).with_text(1).with_text(3);
    claims(results).into_iter().for_each(|row| all.add(row));
    text.push_str(&format!("{}\n", all.markdown()));
    for task in &results.tasks {
        text.push_str(&format!("\n{}: {}\n\n{}", title(results, task), rows_in_words(task), table(task).markdown()));
    }
    text.push_str(&format!("\n{}\n", notes(results)));
    text
}

fn rows_in_words(task: &TaskResults) -> String {
    let [train, validation, test] = task.rows.map(count);
    format!("{train} training, {validation} validation and {test} test rows")
}

fn page(results: &FeaturesResults, panels: &[Markup]) -> String {
    let head = html! {
        header {
            h1 { (TITLE) }
            p.lead {
                "The paper claims that soft target InfoNCE is on par with soft target cross-entropy, and better than the \
                 losses of hard targets. Networks on the features of a pretrained network are trained with five losses, \
                 each tuned with the same number of trials."
            }
            p.quiet { (page::prose(&notes(results))) }
        }
        (page::contents([("claims", "Claims"), ("results", "Results"), ("reproduce", "Reproduce")]))
    };
    let main = html! {
        (section("claims", "The claims", html! {
            (page::panels(
                "The claims drawn.",
                "Difference in test accuracy, soft target InfoNCE minus the other loss: mean and 95 % interval over the seeds.",
                panels,
            ))
            (page::table("Claims.", "The tests are not corrected for the number of claims.", html! {
                thead { tr { th scope="col" { "set, network" } th scope="col" { "claim" } th.number scope="col" { "difference" } th scope="col" { "verdict" } } }
                tbody {
                    @for [set, words, difference, verdict] in claims(results) {
                        tr { th scope="row" { (set) } td { (words) } td.number { (difference) } td { (verdict) } }
                    }
                }
            }))
        }))
        (section("results", "Results on the test rows", html! {
            @for task in &results.tasks { (task_table(results, task)) }
        }))
        (section("reproduce", "Reproduce", html! { pre { code { (results.command) } } }))
    };
    page::page(TITLE, &results.version, head, main)
}

/// The losses side by side, each value above the difference of soft target InfoNCE from it.
fn task_table(results: &FeaturesResults, task: &TaskResults) -> Markup {
    let caption = format!("{}. Below each value: soft target InfoNCE minus it.", rows_in_words(task));
    page::table(
        &format!("{}.", title(results, task)),
        &caption,
        html! {
            (page::head(&["loss", "settings chosen"], SHOWN.iter().map(|measure| page::prose(&measure.label()))))
            tbody {
                @for found in &task.methods {
                    tr {
                        (row_head(found.method.0))
                        td { (settings(found)) }
                        @for &measure in &SHOWN {
                            td.number {
                                (value(found, measure))
                                @if let Some(difference) = difference(task, found, measure) {
                                    span.under.clear[difference.excludes_zero()] {
                                        (with_interval(difference, measure.decimals(), signed))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        },
    )
}

/// Every training that is compared, for the CSV file.
pub(super) fn rows(results: &FeaturesResults) -> Vec<[String; 6]> {
    let mut rows = vec![["set", "network", "loss", "seed", "measure", "value"].map(str::to_owned)];
    for task in &results.tasks {
        for found in &task.methods {
            for (seed, run) in found.runs.iter().enumerate() {
                let row = |measure: String, value: String| {
                    let (head, loss) = (task.head.to_string(), found.method.0.to_string());
                    [task.task.clone(), head, loss, seed.to_string(), measure, value]
                };
                rows.extend(run.iter().map(|(measure, value)| row(measure.name(), value.to_string())));
                if run.is_empty() {
                    rows.push(row("diverged".to_owned(), "1".to_owned()));
                }
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use super::*;
    use crate::features::FeaturesConfig;
    use crate::features::results::MethodRuns;

    /// Made-up results of two networks on one set, in which NLL is worse by a point and cross-entropy is equal.
    fn made_up() -> FeaturesResults {
        let config = FeaturesConfig { tasks: FeatureTask::named(&["cifar100".into()]).unwrap(), ..Default::default() };
        let methods = || {
            Method::ALL.map(|method| {
                let of_seed = |seed: u32| {
                    let noise = 0.01 * f64::from(seed % 3) * if method.0 == LossKind::Nll { 1.0 } else { -1.0 };
                    let top1 = 70.0 - if method.0 == LossKind::Nll { 1.0 } else { 0.0 } + noise;
                    BTreeMap::from([(Measure::TOP1, top1), (Measure::NLL, 1.0 + noise)])
                };
                let mut runs: Vec<_> = (0..4).map(of_seed).collect();
                if method.0 == LossKind::InfoNce {
                    runs.push(BTreeMap::new());
                }
                let open = if method.mixes() { vec!["mixing.mixup".to_owned()] } else { Vec::new() };
                MethodRuns { method, settings: "learning_rate 0.01".into(), open, validation: 0.7, runs }
            })
        };
        let task = |head| {
            let methods = methods().into_iter().collect();
            TaskResults::new("cifar100", head, [45_000, 5_000, 10_000], methods, &config.margins).unwrap()
        };
        let tasks = Head::ALL.map(task).to_vec();
        FeaturesResults { version: "0.1.0".into(), command: "the command".into(), config, tasks }
    }

    #[test]
    fn the_files_show_what_is_in_the_results() {
        let results = made_up();
        let files: BTreeMap<String, String> = files(&results).into_iter().collect();
        let text = &files["results.md"];
        assert!(text.contains("better than NLL | +0.98 ± 0.03 | shown |"), "{text}");
        assert!(text.contains("within 0.25 points | 0.00 ± 0.00 | shown (p < 0.001) |"), "{text}");
        assert!(text.contains("45,000 training, 5,000 validation and 10,000 test rows"), "{text}");
        // Bold where the difference is significant; the settings that are open; the seeds that diverged.
        assert!(
            text.contains("| **69.01 ± 0.02** |") && text.contains("(a neighbour untried: mixing.mixup)"),
            "{text}"
        );
        assert!(text.contains("(1 of the seeds diverged)"), "{text}");
        let figure = roxmltree::Document::parse(&files["claims.svg"]).unwrap();
        let marks = figure.descendants().filter(|node| node.attribute("class") == Some("marker")).count();
        assert_eq!(marks, 2 * (Method::ALL.len() - 1), "two networks against four losses");
        assert!(files["report.html"].contains("the command"));
        let diverged = rows(&results).iter().filter(|row| row[2..5] == ["infonce", "4", "diverged"]).count();
        assert_eq!(diverged, 2, "one for each network");
    }
}
