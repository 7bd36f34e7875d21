//! The figures, with their captions.

use maud::{Markup, html};
use softnce_report::page;

use crate::Path;
use crate::report::figures::{Plot, Quantity, panel};
use crate::report::look::look;

const MARKS: &str = "Both axes are logarithmic: where cost grows in proportion to a size, the line climbs one decade \
                     in a decade. The grey text above a panel gives the sizes that stay the same. A path that was \
                     skipped at a size has no mark there.";

/// For each number of threads: time, extra memory, time with a linear head.
pub(crate) fn figures(plots: &[Plot]) -> Markup {
    let same = |left: &Plot, right: &Plot| {
        (left.kind.quantity, left.kind.head, left.threads) == (right.kind.quantity, right.kind.head, right.threads)
    };
    html! { @for plots in plots.chunk_by(same) { (figure(plots)) } }
}

fn figure(plots: &[Plot]) -> Markup {
    let Some(first) = plots.first() else { return html! {} };
    let (lead, what) = match (first.kind.quantity, first.kind.head) {
        (Quantity::Time, false) => ("Time of a call.", "Mark: median; upright stroke: the quartiles, where they show."),
        (Quantity::Time, true) => {
            ("Time of a call with a linear head.", "Mark: median; upright stroke: the quartiles, where they show.")
        }
        (Quantity::Memory, _) => {
            ("Extra memory of a call.", "Sizes up to 1 KiB, none at all among them, are drawn at 1 KiB.")
        }
    };
    let drawn =
        Path::ALL.iter().copied().filter(|path| plots.iter().any(|plot| plot.paths().any(|other| other == *path)));
    let legend = page::legend(drawn.map(|path| (look(path), path.name())));
    let panels: Vec<Markup> = std::iter::once(legend).chain(plots.iter().map(panel)).collect();
    page::panels(lead, &format!("{what} {MARKS}"), &panels)
}
