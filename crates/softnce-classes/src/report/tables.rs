//! The last evaluation as tables, in Markdown and for a terminal.

use softnce_metrics::Frequency;
use softnce_report::number::{count, fixed};
use softnce_report::table::Table;

use super::setting;
use super::values::{
    GROUP, RANKING, WHOLE, frequency_name, groups_in_words, metrics_in_words, percent, ranking_in_words,
};
use crate::results::{Evaluation, RunResults};

/// The last evaluation as tables for a terminal.
pub fn terminal(results: &RunResults) -> String {
    let tables = results.history.last().map(|last| tables(results, last)).unwrap_or_default();
    let tables: Vec<String> = tables.iter().map(|(table, _)| table.to_string()).collect();
    tables.join("\n\n")
}

/// What was trained, and the last evaluation.
pub(super) fn markdown(results: &RunResults) -> String {
    let mut text = format!("# {}\n\n{}\n\n", results.recipe.name, setting::sentence(results));
    results.warnings.iter().for_each(|warning| text.push_str(&format!("**Warning:** {warning}.\n\n")));
    let mut run = Table::new(["run", "softnce"]).with_text(1);
    run.add(["version", &*results.version]);
    setting::entries(results).into_iter().for_each(|(name, value)| run.add([name.to_owned(), value]));
    text.push_str(&run.markdown());
    for (table, words) in results.history.last().map(|last| tables(results, last)).unwrap_or_default() {
        text.push_str(&format!("\n{}\n{words}\n", table.markdown()));
    }
    text
}

/// The tables of an evaluation, each with what it shows.
fn tables(results: &RunResults, evaluation: &Evaluation) -> Vec<(Table, String)> {
    let mut metrics = Table::new(["metric", "value", "uniform"]);
    for whole in &WHOLE {
        if let Some(value) = whole.shown(evaluation) {
            metrics.add([whole.title.to_owned(), value, whole.reference(results)]);
        }
    }
    let mut ranking = Table::new(std::iter::once("k").chain(RANKING.iter().map(|(_, title, _)| *title)));
    let mut groups =
        Table::new(["classes", "k", "number", "labels"].into_iter().chain(GROUP.iter().map(|(_, title, _)| *title)));
    let mut has_groups = false;
    for at in &evaluation.ranking.at {
        ranking.add(std::iter::once(count(at.k)).chain(RANKING.iter().map(|(_, _, of)| percent(of(at)))));
        for frequency in Frequency::ALL {
            if let Some(group) = at.groups.as_ref().map(|groups| groups.get(frequency)) {
                let sizes = [count(at.k), count(group.classes), fixed(group.labels, 0)];
                let values = GROUP.iter().map(|(_, _, of)| percent(of(group)));
                groups.add(std::iter::once(frequency_name(frequency).to_owned()).chain(sizes).chain(values));
                has_groups = true;
            }
        }
    }
    let mut tables = vec![(metrics, metrics_in_words(evaluation)), (ranking, ranking_in_words(evaluation))];
    if has_groups {
        tables.push((groups, groups_in_words(results)));
    }
    tables
}
