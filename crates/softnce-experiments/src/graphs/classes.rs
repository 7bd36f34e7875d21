//! The classes that networks trained on a teacher's targets predict for the test nodes, as a table.

use maud::{Markup, html};
use softnce_metrics::Estimate;
use softnce_report::number::{fixed, signed};
use softnce_report::table::Table;
use softnce_report::{page, plus_minus};

use super::results::{ClassedSummary, GraphsResults};

/// On a page; nothing where no network was trained on a teacher's targets.
pub(super) fn table(results: &GraphsResults, graph: &str) -> Markup {
    let Some(given) = Given::of(results, graph) else { return html! {} };
    page::table(
        &format!("{graph}, predicted classes."),
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

/// Why soft target InfoNCE predicts other classes than its targets have.
pub(super) const WHY: &str = "Take the targets of all nodes as candidates. The loss of a node is smallest where the mean of the \
    candidates w, weighted by exp(s . w), equals the node's own target; the logits are the scores s plus the logarithm of the class \
    frequencies. For hard candidates this correction removes the effect of the class frequencies exactly. For soft candidates it \
    removes only a part: the scores still depend on how frequent each class is and on how confident its targets are. The largest \
    logit is then not always at the largest class of the target. Uncertain nodes tend to be assigned to classes that are rarer or \
    whose targets are less confident; the two effects can cancel. The tables of predicted classes compare the networks with this \
    optimum, computed node by node.";

/// What the numbers of a table of classes are.
const MEANING: &str = "Test nodes in %, mean ± half width of the 95 % interval over the seeds: nodes whose prediction is the label \
    (top-1), nodes whose prediction is that of the teacher, and nodes with each predicted class. Confidence: the mean probability \
    that the teacher gives its class, over the nodes of that class. Below the accuracy or in parentheses: difference from the \
    accuracy of the teacher in points, paired by seed. Optimum: that of soft target InfoNCE on the teacher's probabilities, node by \
    node, with a small penalty on large scores.";

/// Which classes are predicted by whom.
struct Given {
    headings: Vec<String>,
    lines: Vec<Line>,
}

struct Line {
    name: String,
    figures: Vec<String>,
    /// Accuracy minus that of the teacher, for what was trained on its targets.
    over_teacher: Option<String>,
}

impl Given {
    /// On a graph, if networks were trained on a teacher's targets.
    fn of(results: &GraphsResults, graph: &str) -> Option<Self> {
        let of = || results.rows.iter().filter(|row| row.unit.graph == graph);
        let found = || of().filter_map(|row| Some((row.unit.title(), row.distilled.as_ref()?)));
        let (_, first) = found().next()?;
        let classes = first.teacher.shares.len();
        let headings = ["predictions of", "top-1", "same as the teacher"].map(str::to_owned);
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
        let optimum = found().filter_map(|(title, found)| Some((title, found.optimum.as_ref()?)));
        lines.extend(optimum.map(|(title, found)| line(&format!("the optimum of {title}"), found)));
        lines.extend(found().map(|(title, found)| line(&title, &found.network)));
        Some(Given { headings, lines })
    }
}

/// The tables of all graphs in Markdown.
pub(super) fn markdown(results: &GraphsResults) -> String {
    let mut text = String::new();
    let tables = results.sizes.iter().filter_map(|(graph, _)| Some((graph, Given::of(results, graph)?)));
    for (at, (graph, Given { headings, lines })) in tables.enumerate() {
        if at == 0 {
            text.push_str(&format!("\n{WHY}\n\n{MEANING}\n"));
        }
        let mut table = Table::new(headings);
        for Line { name, mut figures, over_teacher } in lines {
            if let (Some(first), Some(over_teacher)) = (figures.first_mut(), over_teacher) {
                first.push_str(&format!(" ({over_teacher})"));
            }
            table.add(std::iter::once(name).chain(figures));
        }
        text.push_str(&format!("\n{graph}\n\n{}", table.markdown()));
    }
    text
}
