//! Why a report could not be written.

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The results hold no finished loss.
    #[error("the results hold nothing to report: no loss has finished")]
    Empty,
    /// The figures could not be written as JSON.
    #[error("cannot write the figures as JSON")]
    Json(#[from] serde_json::Error),
    /// The classes have more or fewer names than there are.
    #[error("class_names: {found} names, expected {expected}, one a class")]
    ClassNames {
        /// The number of names.
        found: usize,
        /// The number of classes.
        expected: usize,
    },
    /// A picture is not a PNG file.
    #[error("{list}[{index}]: not a PNG file, expected one to stand in the page")]
    Picture {
        /// The list that it is in.
        list: &'static str,
        /// Its place there.
        index: usize,
    },
}
