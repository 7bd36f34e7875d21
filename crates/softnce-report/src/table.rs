//! Tables for a terminal, in the one style that every program uses.

use std::fmt;

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, presets};

/// A table for a terminal. Its columns hold numbers, aligned to the right; the first holds text, aligned to the left.
#[derive(Debug, Clone)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    text: Vec<usize>,
    ruled: bool,
}

impl Table {
    /// A table of these columns, with a line below its head and none between its rows.
    pub fn new<S: Into<String>>(head: impl IntoIterator<Item = S>) -> Self {
        Table { head: head.into_iter().map(Into::into).collect(), rows: Vec::new(), text: vec![0], ruled: false }
    }

    /// The same with lines between the rows, for cells of several lines.
    #[must_use]
    pub fn ruled(self) -> Self {
        Table { ruled: true, ..self }
    }

    /// The same with text in another column too, counted from 0.
    #[must_use]
    pub fn with_text(mut self, column: usize) -> Self {
        self.text.push(column);
        self
    }

    /// Adds a row.
    pub fn add<S: Into<String>>(&mut self, row: impl IntoIterator<Item = S>) {
        self.rows.push(row.into_iter().map(Into::into).collect());
    }
}

/// The lines of the table, without blanks at their ends and without a line break after the last.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = presets::UTF8_HORIZONTAL_ONLY;
        let style = if self.ruled { style } else { style.row_separator(LineStyle::none()) };
        let mut table = comfy_table::Table::new();
        table.load_style(style).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(&self.head).add_rows(&self.rows);
        for (index, column) in table.column_iter_mut().enumerate() {
            let side = if self.text.contains(&index) { CellAlignment::Left } else { CellAlignment::Right };
            column.set_padding((0, 1)).set_cell_alignment(side);
        }
        f.write_str(&table.trim_fmt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right_and_text_to_the_left() {
        let mut table = Table::new(["path", "ms", "reading"]).with_text(2);
        table.add(["dense", "1.25", "slow"]);
        table.add(["hard labels", "10.5", "fast"]);
        let text = table.to_string();
        let lines: Vec<&str> = text.lines().filter(|line| line.chars().any(char::is_alphabetic)).collect();
        assert_eq!(lines, ["path           ms  reading", "dense        1.25  slow", "hard labels  10.5  fast"]);
        assert_eq!(text.lines().count(), 6, "{text}");
        let ruled = table.ruled().to_string();
        assert_eq!(ruled.lines().count(), 7, "{ruled}");
        assert!(ruled.contains("dense        1.25  slow"), "{ruled}");
    }
}
