//! Tables for a terminal and in Markdown, and text for a terminal, in its width.

use std::fmt;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Width, presets};

/// A column of text is not made narrower than this, nor is the first column wider than a third of the table.
const LEAST_TEXT: usize = 12;

/// A table for a terminal or in Markdown. Its columns hold numbers, aligned to the right; the first holds text, aligned to
/// the left.
///
/// If the terminal is too narrow, columns of text wrap; if that is not enough, the table is printed in several parts
/// that repeat the first column. Numbers are never broken.
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

    /// The table in Markdown, with a line break at its end. Cells must hold one line and no `|`.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = |column| if self.text.contains(&column) { "---" } else { "---:" }.to_owned();
        let rules: Vec<String> = (0..self.head.len()).map(rule).collect();
        [&self.head, &rules].into_iter().chain(&self.rows).map(|cells| line(cells)).collect()
    }

    /// The lines of the table, without blanks at their ends and without a line break after the last; as wide as it needs
    /// without a width in columns.
    pub fn within(&self, width: Option<usize>) -> String {
        let mut widths: Vec<usize> = (0..self.head.len()).map(|column| self.natural_width(column)).collect();
        let Some(width) = width else { return self.part(&(0..widths.len()).collect::<Vec<_>>(), &widths) };
        // Make the widest column of text narrower, one character at a time, until the table fits.
        let shrinks = |widths: &[usize]| {
            let texts = self.text.iter().copied().filter(|&column| widths[column] > LEAST_TEXT);
            texts.max_by_key(|&column| widths[column])
        };
        while total(&widths) > width
            && let Some(column) = shrinks(&widths)
        {
            widths[column] -= 1;
        }
        let parts: Vec<String> = parts(&widths, width).iter().map(|columns| self.part(columns, &widths)).collect();
        parts.join("\n\n")
    }

    fn natural_width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column)).chain([&self.head[column]]);
        cells.flat_map(|cell| cell.lines()).map(textwrap::core::display_width).max().unwrap_or(0)
    }

    /// These columns as a table.
    fn part(&self, columns: &[usize], widths: &[usize]) -> String {
        let style = presets::UTF8_HORIZONTAL_ONLY;
        let style = if self.ruled { style } else { style.row_separator(LineStyle::none()) };
        let mut table = comfy_table::Table::new();
        table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic);
        let pick = |row: &[String]| -> Vec<String> {
            columns.iter().map(|&column| row.get(column).cloned().unwrap_or_default()).collect()
        };
        table.set_header(pick(&self.head)).add_rows(self.rows.iter().map(|row| pick(row)));
        for (place, &column) in table.column_iter_mut().zip(columns) {
            let side = if self.text.contains(&column) { CellAlignment::Left } else { CellAlignment::Right };
            let width = u16::try_from(widths[column] + 1).unwrap_or(u16::MAX);
            place.set_padding((0, 1)).set_cell_alignment(side);
            place.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
        }
        table.trim_fmt()
    }
}

/// The width of columns beside each other: a blank after each, and one between them.
fn total(widths: &[usize]) -> usize {
    (widths.iter().sum::<usize>() + 2 * widths.len()).saturating_sub(1)
}

/// The columns of each part: the first, and as many of the others as there is room for, one at least.
fn parts(widths: &[usize], width: usize) -> Vec<Vec<usize>> {
    let mut parts: Vec<Vec<usize>> = Vec::new();
    for column in 1..widths.len() {
        let fits = |part: &Vec<usize>| {
            let with: Vec<usize> = part.iter().chain([&column]).map(|&column| widths[column]).collect();
            total(&with) <= width
        };
        match parts.last_mut().filter(|part| fits(part)) {
            Some(part) => part.push(column),
            None => parts.push(vec![0, column]),
        }
    }
    if parts.is_empty() { vec![(0..widths.len()).collect()] } else { parts }
}

/// In the width of the terminal.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.within(terminal_width()))
    }
}

/// Columns of the terminal on standard output; those of `$COLUMNS` where it is set to a number above 0. `None` without
/// either.
pub fn terminal_width() -> Option<usize> {
    let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
    let found = || terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    set.or_else(found).filter(|&columns| columns > 0)
}

/// Longer lines are hard to read.
const MOST_PROSE: usize = 110;

/// Text in lines of the terminal's width, at most 110 columns, each after the same indent.
pub fn wrapped(text: &str, indent: &str) -> String {
    wrapped_in(text, indent, terminal_width())
}

fn wrapped_in(text: &str, indent: &str, width: Option<usize>) -> String {
    let width = width.map_or(MOST_PROSE, |width| width.min(MOST_PROSE));
    textwrap::fill(text, textwrap::Options::new(width).initial_indent(indent).subsequent_indent(indent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(["path", "ms", "reading"]).with_text(2);
        table.add(["dense", "1.25", "slow"]);
        table.add(["hard labels", "10.5", "fast"]);
        table
    }

    #[test]
    fn numbers_stand_to_the_right_and_text_to_the_left() {
        let text = sample().within(None);
        let lines: Vec<&str> = text.lines().filter(|line| line.chars().any(char::is_alphabetic)).collect();
        assert_eq!(lines, ["path           ms  reading", "dense        1.25  slow", "hard labels  10.5  fast"]);
        assert_eq!(text.lines().count(), 6, "{text}");
        let ruled = sample().ruled().within(None);
        assert_eq!(ruled.lines().count(), 7, "{ruled}");
        assert!(ruled.contains("dense        1.25  slow"), "{ruled}");
        assert_eq!(sample().within(Some(200)), text);
        let markdown =
            "| path | ms | reading |\n| --- | ---: | --- |\n| dense | 1.25 | slow |\n| hard labels | 10.5 | fast |\n";
        assert_eq!(sample().markdown(), markdown);
    }

    #[test]
    fn a_table_fits_the_width_and_keeps_every_number() {
        let mut table = Table::new(["class", "pictures", "accuracy, %", "precision, %", "share, %"]).ruled();
        let long = "a class with a rather long name, and averylongwordwithoutanybreakthatgoeson";
        table.add([long, "1,234", "97.85\n±0.12", "98.10", "0.0001"]);
        table.add(["\u{5e9}\u{5dc}\u{5d5}\u{5dd} 鳥 e\u{301}", "56", "n/a", "100.00", "12.5"]);
        for width in [30, 40, 60, 80, 120] {
            let text = table.within(Some(width));
            for line in text.lines() {
                assert!(textwrap::core::display_width(line) <= width, "{width}: {line}\n{text}");
            }
            for number in ["1,234", "97.85", "±0.12", "98.10", "0.0001", "100.00", "pictures", "precision, %"] {
                assert!(text.contains(number), "{width}: {number}\n{text}");
            }
        }
        // One number too wide for any line is printed all the same.
        assert!(table.within(Some(1)).contains("precision, %"));
    }

    #[test]
    fn text_fits_the_width_and_keeps_every_word() {
        let text = "One lambda for each picture, a_word_that_is_longer_than_the_whole_line, and the rest of the words.";
        for width in [20, 40, 80] {
            let wrapped = wrapped_in(text, "    ", Some(width));
            assert!(wrapped.lines().all(|line| line.starts_with("    ") && line.len() <= width), "{wrapped}");
            let letters = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(letters(&wrapped), letters(text));
        }
        assert_eq!(wrapped_in("a b", "", None), "a b");
    }

    #[test]
    fn a_table_of_one_column_or_none_is_printed() {
        let mut table = Table::new(["class"]);
        table.add(["a"]);
        assert!(table.within(Some(5)).contains("class"));
        assert!(Table::new([""; 0]).within(Some(5)).len() < 5);
    }
}
