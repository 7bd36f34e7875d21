//! The results as Markdown, for a README.

use super::block::{Block, blocks};
use super::html::how_long;
use super::row::{note, table};
use crate::Results;

/// What was measured on what, then a table for each case and number of threads.
pub fn markdown(results: &Results) -> String {
    let (version, machine) = (&results.version, &results.machine);
    let mut text = format!("softnce {version} on {machine}; {}. {}\n", how_long(&results.settings), note(results));
    for part in blocks(results) {
        text.push_str(&block(&part));
    }
    text
}

fn block(block: &Block<'_>) -> String {
    let mut text = format!("\n### {}\n", block.title());
    if !block.measured.is_empty() {
        text.push_str(&format!("\n{}", table(block).markdown()));
    }
    if !block.skipped.is_empty() {
        text.push('\n');
    }
    for skipped in &block.skipped {
        text.push_str(&format!("- {} skipped: {}\n", skipped.path, skipped.reason));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::report::row::HEADS;

    #[test]
    fn rows_have_as_many_cells_as_their_head() {
        let results = fixture::small();
        let text = markdown(&results);
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert!(rows.iter().all(|row| row.matches('|').count() == HEADS.len() + 2), "{text}");
        assert_eq!(rows.len(), results.measurements.len() + 2 * blocks(&results).len());
    }

    #[test]
    fn it_says_what_was_measured_and_what_was_not() {
        let text = markdown(&fixture::small());
        assert!(text.starts_with("softnce 0.1.0 on A processor, 2 cores, AVX2 instructions, linux x86_64; "), "{text}");
        assert!(text.contains("\n### N=128, M=128, d=10, 2 threads\n\n| path | median, ms |"), "{text}");
        assert!(text.contains("\n- reference skipped: its N x M x d tensor takes 50.0 MiB,"), "{text}");
    }
}
