//! What several tables of the page share.

use maud::{Markup, html};
use softnce_report::page;

use crate::report::look::look;
use crate::{Path, Results};

/// The paths that were measured anywhere.
pub(super) fn measured(results: &Results) -> impl Iterator<Item = Path> {
    Path::ALL.iter().copied().filter(|path| results.measurements.iter().any(|measurement| measurement.path == *path))
}

/// The head of a row: the path's mark, as in the figures, and its name.
pub(super) fn path_head(path: Path) -> Markup {
    html! { th.loss scope="row" { (page::swatch(look(path))) (path) } }
}
