//! Describes a row or a value of a file in errors: by its line in a table, by its indices in an array.

/// A row of a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    /// A row of an array, counted from 0.
    Array(usize),
    /// A line of a table, counted from 1, with the names of the classes (which may be left out where no value is named).
    Line(u64, &'a [String]),
}

impl Place<'_> {
    /// The row, as a part of an error: `, line 3`.
    pub(super) fn row(self) -> String {
        match self {
            Place::Array(row) => format!(", row {row} (counted from 0)"),
            Place::Line(line, _) => format!(", line {line}"),
        }
    }

    /// The value of a class in the row.
    pub(super) fn value(self, class: usize) -> String {
        match self {
            Place::Array(row) => format!(", row {row}, column {class} (counted from 0)"),
            Place::Line(line, classes) => {
                format!(", line {line}, class '{}'", classes.get(class).map_or("", String::as_str))
            }
        }
    }
}
