//! The results as tables for a terminal.

use softnce_report::table::wrapped;

use super::block::{Block, blocks};
use super::row::{note, table};
use crate::Results;

/// A table for each case and number of threads, and below it what was skipped there and why.
pub fn terminal(results: &Results) -> String {
    let mut text: String = blocks(results).iter().map(block).collect();
    text.push_str(&wrapped(&note(results), ""));
    text.push('\n');
    text
}

fn block(block: &Block<'_>) -> String {
    let mut text = format!("{}\n", block.title());
    if !block.measured.is_empty() {
        text.push_str(&format!("{}\n", table(block)));
    }
    for skipped in &block.skipped {
        text.push_str(&format!("{}\n", wrapped(&format!("{} skipped: {}", skipped.path, skipped.reason), "  ")));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn every_block_has_its_numbers_and_its_gaps() {
        let mut results = fixture::small();
        results.measurements[0].median_ms = 0.123_45;
        let text = terminal(&results);
        for title in ["N=128, M=128, d=10, 2 threads\n", "N=1,024, M=1,024, d=10,000, D=256, 1 thread\n"] {
            assert!(text.contains(title), "{text}");
        }
        assert!(text.contains("0.123") && text.contains("n/a"), "{text}");
        assert!(
            text.contains("  reference skipped: its N x M x d tensor takes 50.0 MiB, more than the cap of 1.0 MiB")
        );
        for measurement in &results.measurements {
            assert!(text.contains(measurement.path.name()), "{text}");
        }
    }

    #[test]
    fn the_tables_fit() {
        let text = terminal(&fixture::whole());
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|widest| widest <= 110), "{widest:?}:\n{text}");
        // Title, frame, head and a blank line besides the measurements, and the note at the end.
        let (tables, note) = text.rsplit_once("\n\n").unwrap();
        let blocks = blocks(&fixture::whole()).len();
        assert_eq!(tables.lines().count() + 1, fixture::whole().measurements.len() + 6 * blocks, "{text}");
        assert!(note.starts_with("Times are those of a call."), "{note}");
    }
}
