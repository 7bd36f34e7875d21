//! The main tables as text: for a terminal and for a README.

use softnce_metrics::Metric;

use super::{claims, scaled, words};
use crate::format::{self, Verdict};
use crate::results::{Comparison, LossSummary, MetricSummary};
use crate::table::{Table, wrapped};

const INTERVAL: &str = "Mean ± half width of the 95 % interval over the seeds. ";
const CALIBRATED: &str = "cal.: what a perfectly calibrated model would show by chance.";
const DIFFERENCE_NOTE: &str = "Difference from soft target cross-entropy, paired by seed.";

/// The results as tables for a terminal, in its width: the metrics, then the differences from soft target cross-entropy
/// where there are any, then what diverged.
pub fn terminal(results: &Comparison) -> String {
    let mut metrics = table(results);
    for summary in &results.summaries {
        let first = format!("{}\n  lr {}, {}", summary.loss.title(), rate(summary), seeds(summary));
        metrics.add(row(results, first, summary, terminal_value));
    }
    let several = words::seeds(results) > 1;
    let interval = if several { INTERVAL } else { "" };
    let mut text = format!("{metrics}\n{}\n", wrapped(&format!("{interval}{CALIBRATED}"), ""));
    if claims::has_differences(results) {
        let mut differences = table(results);
        for summary in results.summaries.iter().filter(|summary| summary.is_compared()) {
            differences.add(row(results, summary.loss.title().to_owned(), summary, terminal_difference));
        }
        let star = if several { " * its 95 % interval excludes zero (not corrected)." } else { "" };
        text.push_str(&format!("\n{differences}\n{}\n", wrapped(&format!("{DIFFERENCE_NOTE}{star}"), "")));
    }
    for sentence in claims::divergence(results) {
        text.push_str(&format!("{}\n", wrapped(&sentence, "")));
    }
    text
}

/// The same tables in Markdown, for a README.
pub fn markdown(results: &Comparison) -> String {
    let heads = || heads(results.metrics());
    let mut values = Table::new(["loss", "seeds"].into_iter().chain(heads()));
    for summary in &results.summaries {
        let first = [summary.loss.title().to_owned(), summary.seeds.to_string()];
        values.add(first.into_iter().chain(cells(results, summary, markdown_value)));
    }
    let several = words::seeds(results) > 1;
    let interval = if several { INTERVAL } else { "" };
    let mut text = format!(
        "{}\n{interval}In parentheses: the calibration error that a perfectly calibrated model would show by chance.\n{}",
        values.markdown(),
        scaled(results),
    );
    if claims::has_differences(results) {
        let mut differences = Table::new(["loss, difference"].into_iter().chain(heads()));
        for summary in results.summaries.iter().filter(|summary| summary.is_compared()) {
            differences.add(row(results, summary.loss.title().to_owned(), summary, markdown_difference));
        }
        text.push_str(&format!("\n{}\n", differences.markdown()));
        text.push_str(match several {
            true => {
                "Difference from soft target cross-entropy, paired by seed, with the half width of its 95 % interval. \
                 Bold: the interval excludes zero. The intervals are not corrected for their number.\n"
            }
            false => "Difference from soft target cross-entropy.\n",
        });
    }
    for sentence in claims::divergence(results) {
        text.push_str(&format!("\n{sentence}\n"));
    }
    text
}

/// The metrics after temperature scaling in Markdown; empty without them.
fn scaled(results: &Comparison) -> String {
    if !scaled::is_there(results) {
        return String::new();
    }
    let mut table = Table::new(["loss, scaled", "temperature"].into_iter().chain(heads(results.scaled_metrics())));
    for (summary, scaled) in results.summaries.iter().filter_map(|summary| Some((summary, summary.scaled.as_ref()?))) {
        let missing = || format::MISSING.to_owned();
        let cell = |metric| scaled.metric(metric).map_or_else(missing, |entry| with_reference(entry, metric));
        let first = [summary.loss.title().to_owned(), format::with_interval(scaled.temperature, 3, format::fixed)];
        table.add(first.into_iter().chain(results.scaled_metrics().into_iter().map(cell)));
    }
    format!("\n{}\nAfter temperature scaling, fitted on the validation pictures.\n", table.markdown())
}

/// An empty table with its head: the loss, then a column a metric.
fn table(results: &Comparison) -> Table {
    Table::new(std::iter::once("loss").chain(heads(results.metrics()))).ruled()
}

fn heads(metrics: Vec<Metric>) -> Vec<&'static str> {
    metrics.into_iter().map(|metric| metric.head).collect()
}

/// Writes a metric of a loss.
type CellText = fn(&LossSummary, Metric) -> String;

fn row(results: &Comparison, first: String, summary: &LossSummary, cell: CellText) -> Vec<String> {
    std::iter::once(first).chain(cells(results, summary, cell)).collect()
}

fn cells(results: &Comparison, summary: &LossSummary, cell: CellText) -> Vec<String> {
    results.metrics().into_iter().map(|metric| cell(summary, metric)).collect()
}

fn rate(summary: &LossSummary) -> String {
    format::setting(summary.learning_rate)
}

fn seeds(summary: &LossSummary) -> String {
    format::plural(summary.seeds, "seed", "seeds")
}

fn terminal_value(summary: &LossSummary, metric: Metric) -> String {
    let Some(entry) = summary.metric(metric) else { return format::MISSING.to_owned() };
    let half = entry.value.finite_half_width().map(|half| format!("\n±{}", format::value(half, metric)));
    let reference = entry.calibrated_reference.map(|reference| format!("\ncal. {}", format::value(reference, metric)));
    format!("{}{}{}", format::mean(entry.value, metric), half.unwrap_or_default(), reference.unwrap_or_default())
}

fn terminal_difference(summary: &LossSummary, metric: Metric) -> String {
    let Some(difference) = summary.difference(metric) else { return format::MISSING.to_owned() };
    // A space instead of the star aligns the digits of a column.
    let star = if is_clear(format::verdict(difference, metric)) { "*" } else { " " };
    let mean = format::mean_difference(difference, metric);
    match difference.finite_half_width() {
        Some(half) => format!("{mean}{star}\n±{} ", format::value(half, metric)),
        None => mean,
    }
}

fn markdown_value(summary: &LossSummary, metric: Metric) -> String {
    summary.metric(metric).map_or(format::MISSING.to_owned(), |entry| with_reference(entry, metric))
}

fn with_reference(entry: &MetricSummary, metric: Metric) -> String {
    let value = format::estimate(entry.value, metric);
    match entry.calibrated_reference {
        Some(reference) => format!("{value} ({})", format::value(reference, metric)),
        None => value,
    }
}

fn markdown_difference(summary: &LossSummary, metric: Metric) -> String {
    let Some(difference) = summary.difference(metric) else { return format::MISSING.to_owned() };
    let text = format::difference(difference, metric);
    if is_clear(format::verdict(difference, metric)) { format!("**{text}**") } else { text }
}

fn is_clear(verdict: Option<Verdict>) -> bool {
    matches!(verdict, Some(Verdict::Better | Verdict::Worse))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use softnce::LossKind;
    use softnce_metrics::Estimate;

    use super::*;
    use crate::comparison::fixture;

    #[test]
    fn the_terminal_table_fits() {
        for (losses, seeds) in [(LossKind::ALL, 5), (LossKind::ALL, 1), (&LossKind::ALL[..1], 3)] {
            let text = terminal(&fixture::made_up(losses, seeds, 2));
            for line in text.lines() {
                assert!(line.chars().count() <= 110, "{} columns:\n{text}", line.chars().count());
            }
        }
    }

    #[test]
    fn both_tables_hold_the_numbers() {
        let results = fixture::small();
        let (terminal, markdown) = (terminal(&results), markdown(&results));
        for summary in &results.summaries {
            assert!(terminal.contains(summary.loss.title()) && markdown.contains(summary.loss.title()));
            for entry in &summary.metrics {
                assert!(terminal.contains(&format::mean(entry.value, entry.metric)), "{terminal}");
                let half = entry.value.half_width.unwrap();
                assert!(terminal.contains(&format!("±{}", format::value(half, entry.metric))), "{terminal}");
                assert!(markdown.contains(&format::estimate(entry.value, entry.metric)), "{markdown}");
            }
        }
    }

    #[test]
    fn only_clear_differences_are_marked() {
        let mut results = fixture::small();
        for entry in results.summaries.iter_mut().flat_map(|summary| &mut summary.metrics) {
            entry.difference = entry.difference.map(|_| Estimate { mean: 0.001, half_width: Some(0.002) });
        }
        assert!(!markdown(&results).contains("**"));
        assert!(!terminal(&results).contains("0.10*"));
        results.summaries[0].metrics[0].difference = Some(Estimate { mean: 0.003, half_width: Some(0.002) });
        assert!(markdown(&results).contains("**+0.30 ± 0.20**"));
        assert!(terminal(&results).contains("+0.30*") && !terminal(&results).contains("+0.10*"));
    }

    #[test]
    fn without_the_reference_there_are_no_differences() {
        let results = fixture::made_up(&[LossKind::Nll], 3, 2);
        assert!(!terminal(&results).contains("Difference"));
        assert!(!markdown(&results).contains("difference"));
    }

    #[test]
    fn rows_of_the_markdown_table_have_as_many_cells_as_its_head() {
        let text = markdown(&fixture::small());
        for block in text.split("\n\n").filter(|block| block.starts_with('|')) {
            let columns: Vec<usize> = block.trim().lines().map(|line| line.matches('|').count()).collect();
            assert!(columns.windows(2).all(|pair| pair[0] == pair[1]), "{block}");
        }
    }
}
