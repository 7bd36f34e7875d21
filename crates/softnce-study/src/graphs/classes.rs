//! The classes that the test nodes are given by what learned from a teacher, as a table.

use std::fmt::Write;

use maud::{Markup, html};
use softnce_plot::number::fixed;
use softnce_plot::page;
use softnce_train::compare::Estimate;

use super::results::{ClassedSummary, GraphsResults};
use crate::estimate::estimate;

/// On a page; nothing where nothing learned from a teacher.
pub(super) fn table(results: &GraphsResults, graph: &str) -> Markup {
    let Some(given) = Given::of(results, graph) else { return html! {} };
    page::table(
        &format!("{graph}, classes given."),
        MEANING,
        html! {
            thead { tr { @for (at, heading) in given.headings.iter().enumerate() {
                th.number[at > 0] scope="col" { (heading) }
            } } }
            tbody {
                @for (name, figures) in &given.rows {
                    tr {
                        th scope="row" { (name) }
                        @for figure in figures { td.number { (figure) } }
                    }
                }
            }
        },
    )
}

/// Why soft target InfoNCE gives other classes than its targets have.
pub(super) const WHY: &str = "With all nodes' targets for candidates, soft target InfoNCE is least where the candidates w, each weighed by \
    exp(s . w), have the node's own target for their mean; the logits are the scores s plus the logarithm of the class \
    frequencies. Of hard candidates those take out exactly how frequent each class is; of soft ones only a part, and not how \
    sure they are of it. The largest logit need not then be the target's largest class: nodes in doubt go to the class that is \
    rarer, or whose targets are less sure. The tables of classes put that optimum, reckoned node by node, beside the networks.";

/// What the figures of a table of classes are.
const MEANING: &str = "Test nodes, mean ± half width of the 95 % interval over the seeds, %: those whose label is given, those given \
    the teacher's class, and those given each class. Sureness: the probability that the teacher gives its class, mean over the \
    nodes of that class. Optimum: that of soft target InfoNCE on the teacher's probabilities, node by node, with a slight penalty \
    on large scores.";

/// Which classes are given by whom.
struct Given {
    headings: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
}

impl Given {
    /// On a graph, where something learned from a teacher.
    fn of(results: &GraphsResults, graph: &str) -> Option<Self> {
        let of = || results.rows.iter().filter(|row| row.unit.graph == graph);
        let found = || of().filter_map(|row| Some((row.unit.loss, row.distilled.as_ref()?)));
        let (_, first) = found().next()?;
        let classes = first.teacher.shares.len();
        let headings = ["given by", "top-1", "as teacher"].map(str::to_owned);
        let headings = headings.into_iter().chain((0..classes).map(|class| format!("class {class}"))).collect();
        // Without spaces: there are many classes.
        let share = |value: &Estimate| estimate(*value, 1, fixed).replace(" ± ", "±");
        let figures = |found: &ClassedSummary| -> Vec<String> {
            [found.top1, found.agreement].iter().chain(&found.shares).map(share).collect()
        };
        let none = || "–".to_owned();
        let sureness = first.sureness.iter().map(|sure| sure.as_ref().map_or_else(none, share));
        let mut rows = vec![
            ("the labels".to_owned(), figures(&first.labels)),
            ("the teacher".to_owned(), figures(&first.teacher)),
            ("the teacher's sureness".to_owned(), [none(), none()].into_iter().chain(sureness).collect()),
        ];
        let optimum = found().filter_map(|(loss, found)| Some((loss, found.optimum.as_ref()?)));
        rows.extend(optimum.map(|(loss, found)| (format!("the optimum of {}", loss.title()), figures(found))));
        rows.extend(found().map(|(loss, found)| (loss.title().to_owned(), figures(&found.network))));
        Some(Given { headings, rows })
    }
}

/// The tables of all graphs in Markdown.
pub(super) fn markdown(results: &GraphsResults) -> String {
    let mut text = String::new();
    let tables = results.sizes.iter().filter_map(|(graph, _)| Some((graph, Given::of(results, graph)?)));
    for (at, (graph, Given { headings, rows })) in tables.enumerate() {
        if at == 0 {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n{WHY}\n\n{MEANING}\n");
        }
        let _ = writeln!(text, "\n{graph}\n\n| {} |", headings.join(" | "));
        let _ = writeln!(text, "| --- |{}", " ---: |".repeat(headings.len() - 1));
        for (name, figures) in &rows {
            let _ = writeln!(text, "| {name} | {} |", figures.join(" | "));
        }
    }
    text
}
