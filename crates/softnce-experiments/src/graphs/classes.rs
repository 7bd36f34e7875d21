//! The classes that the test nodes are given by what learned from a teacher, as a table.

use std::fmt::Write;

use maud::{Markup, html};
use softnce_metrics::Estimate;
use softnce_report::number::{fixed, signed};
use softnce_report::{page, plus_minus};

use super::results::{ClassedSummary, GraphsResults};

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
                @for Line { name, figures, over_teacher } in &given.lines {
                    tr {
                        th scope="row" { (name) }
                        @for (at, figure) in figures.iter().enumerate() {
                            td.number {
                                (figure)
                                @if let (0, Some(over_teacher)) = (at, over_teacher) { span.under { (over_teacher) } }
                            }
                        }
                    }
                }
            }
        },
    )
}

/// Why soft target InfoNCE gives other classes than its targets have.
pub(super) const WHY: &str = "With all nodes' targets for candidates, soft target InfoNCE is least where the candidates w, each weighed by \
    exp(s . w), have the node's own target for their mean; the logits are the scores s plus the logarithm of the class \
    frequencies. Of hard candidates those take out exactly how frequent each class is; of soft ones only a part, both of how \
    frequent a class is and of how sure its targets are. The largest logit need not then be the target's largest class: nodes in \
    doubt tend to go to classes that are rarer, or whose targets are less sure; the two can cancel. The tables of classes put \
    that optimum, reckoned node by node, beside the networks.";

/// What the figures of a table of classes are.
const MEANING: &str = "Test nodes, mean ± half width of the 95 % interval over the seeds, %: those whose label is given, those given \
    the teacher's class, and those given each class. Confidence: the probability that the teacher gives its class, mean over the \
    nodes of that class. Below the accuracy or in parentheses: points over the teacher's, paired by seed. Optimum: that of soft \
    target InfoNCE on the teacher's probabilities, node by node, with a slight penalty on large scores.";

/// Which classes are given by whom.
struct Given {
    headings: Vec<String>,
    lines: Vec<Line>,
}

struct Line {
    name: String,
    figures: Vec<String>,
    /// Accuracy over that of the teacher, for what learned from it.
    over_teacher: Option<String>,
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
        let tight = |value: &Estimate, number| plus_minus(*value, 1, number, "±");
        let share = |value: &Estimate| tight(value, fixed);
        let figures = |found: &ClassedSummary| -> Vec<String> {
            [found.top1, found.agreement].iter().chain(&found.shares).map(share).collect()
        };
        let line = |name: &str, found: &ClassedSummary| {
            let (name, figures) = (name.to_owned(), figures(found));
            Line { name, figures, over_teacher: Some(tight(&found.over_teacher, signed)) }
        };
        let given = |name, found| Line { over_teacher: None, ..line(name, found) };
        let none = || "–".to_owned();
        let confidence = first.confidence.iter().map(|sure| sure.as_ref().map_or_else(none, share));
        let confidence = [none(), none()].into_iter().chain(confidence).collect();
        let mut lines = vec![
            given("the labels", &first.labels),
            given("the teacher", &first.teacher),
            Line { name: "the teacher's confidence".into(), figures: confidence, over_teacher: None },
        ];
        let optimum = found().filter_map(|(loss, found)| Some((loss, found.optimum.as_ref()?)));
        lines.extend(optimum.map(|(loss, found)| line(&format!("the optimum of {}", loss.title()), found)));
        lines.extend(found().map(|(loss, found)| line(loss.title(), &found.network)));
        Some(Given { headings, lines })
    }
}

/// The tables of all graphs in Markdown.
pub(super) fn markdown(results: &GraphsResults) -> String {
    let mut text = String::new();
    let tables = results.sizes.iter().filter_map(|(graph, _)| Some((graph, Given::of(results, graph)?)));
    for (at, (graph, Given { headings, lines })) in tables.enumerate() {
        if at == 0 {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n{WHY}\n\n{MEANING}\n");
        }
        let _ = writeln!(text, "\n{graph}\n\n| {} |", headings.join(" | "));
        let _ = writeln!(text, "| --- |{}", " ---: |".repeat(headings.len() - 1));
        for Line { name, mut figures, over_teacher } in lines {
            if let (Some(first), Some(over_teacher)) = (figures.first_mut(), over_teacher) {
                let _ = write!(first, " ({over_teacher})");
            }
            let _ = writeln!(text, "| {name} | {} |", figures.join(" | "));
        }
    }
    text
}
