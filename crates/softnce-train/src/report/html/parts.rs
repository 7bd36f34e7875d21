//! Parts that several sections share.

use maud::{Markup, html};
use softnce::LossKind;

use crate::report::svg::{Look, swatch};

/// A figure of panels side by side, which stack on a narrow screen.
pub(crate) fn panels(lead: &str, caption: &str, panels: &[Markup]) -> Markup {
    html! {
        figure {
            div.panels { @for panel in panels { (panel) } }
            figcaption { strong { (lead) } " " (prose(caption)) }
        }
    }
}

/// A table under its caption. Where the screen is narrower than the table, the table scrolls sideways and the caption
/// does not, which is why it is no `caption` element.
pub(crate) fn table(lead: &str, caption: &str, rows: Markup) -> Markup {
    html! {
        figure.table {
            figcaption { strong { (lead) } " " (prose(caption)) }
            div.scroll tabindex="0" role="region" aria-label=(lead) {
                table aria-label=(lead) { (rows) }
            }
        }
    }
}

/// A text whose numbers and names do not break at the end of a line.
pub(crate) fn prose(text: &str) -> String {
    [(" %", "\u{a0}%"), ("± ", "±\u{a0}"), ("op-1", "op\u{2011}1"), ("op-5", "op\u{2011}5")]
        .into_iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// The head of a row: the loss's mark, as in the figures, and its title.
pub(crate) fn loss_head(loss: LossKind) -> Markup {
    html! {
        th.loss scope="row" {
            svg.swatch viewBox="0 0 30 12" width="30" height="12" aria-hidden="true" {
                (swatch(Look::of(loss), 2.0, 6.0))
            }
            (loss.title())
        }
    }
}
