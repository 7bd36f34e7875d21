//! Rows with sparse or dense inputs and weighted labels: files, text, and generated rows.
