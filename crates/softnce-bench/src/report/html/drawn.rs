//! The figures, with their captions.

use maud::{Markup, html};
use softnce_report::page;

use crate::Path;
use crate::report::figures::{Plot, Quantity, panel};
use crate::report::look::look;

const TIMES: &str =
    "Mark: median. Upright stroke: from the lower to the upper quartile, if it is longer than the mark.";
const MARKS: &str = "Both axes are logarithmic: where the cost is proportional to a size, the line rises by one decade per \
                     decade. The grey text above a panel gives the sizes that stay the same.";

/// For each number of threads: time, extra memory, time with a linear head.
pub(crate) fn figures(plots: &[Plot], skipped: bool) -> Markup {
    let same = |left: &Plot, right: &Plot| {
        (left.kind.quantity, left.kind.head, left.threads) == (right.kind.quantity, right.kind.head, right.threads)
    };
    html! { @for plots in plots.chunk_by(same) { (figure(plots, skipped)) } }
}

fn figure(plots: &[Plot], skipped: bool) -> Markup {
    let Some(first) = plots.first() else { return html! {} };
    let (lead, what) = match (first.kind.quantity, first.kind.head) {
        (Quantity::Time, false) => ("Time of a call.", TIMES),
        (Quantity::Time, true) => ("Time of a call with a linear head.", TIMES),
        (Quantity::Memory, _) => ("Extra memory of a call.", "Less than 1 KiB, or none, is drawn at 1 KiB."),
    };
    let drawn =
        Path::ALL.iter().copied().filter(|path| plots.iter().any(|plot| plot.paths().any(|other| other == *path)));
    let legend = page::legend(drawn.map(|path| (look(path), path.name())));
    let panels: Vec<Markup> = std::iter::once(legend).chain(plots.iter().map(panel)).collect();
    let gaps = if skipped { " A path that was skipped at a size has no mark there." } else { "" };
    page::panels(lead, &format!("{what} {MARKS}{gaps}"), &panels)
}
