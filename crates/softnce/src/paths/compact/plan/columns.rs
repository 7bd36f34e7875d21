//! The columns of the logits (classes) to which the kernel gives a line: all of them, or only those that have a weight
//! in a candidate.

/// The columns of the logits that have a line in the kernel's cells.
pub(crate) enum Columns {
    /// All of this many columns; a column's line is its index.
    All(usize),
    /// These columns, in ascending order; a column's line is its place in the list.
    Listed(Vec<u32>),
}

impl Columns {
    /// Number of lines.
    pub(crate) fn len(&self) -> usize {
        match self {
            Columns::All(classes) => *classes,
            Columns::Listed(classes) => classes.len(),
        }
    }

    /// The column that has a line.
    pub(crate) fn class(&self, line: usize) -> usize {
        match self {
            Columns::All(_) => line,
            Columns::Listed(classes) => classes[line] as usize,
        }
    }
}
