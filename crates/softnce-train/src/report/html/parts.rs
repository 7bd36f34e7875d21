//! Parts that several sections share.

use maud::{Markup, html};
use softnce::LossKind;
use softnce_plot::swatch;

use crate::report::look::look;

/// The head of a row: the loss's mark, as in the figures, and its title.
pub(crate) fn loss_head(loss: LossKind) -> Markup {
    html! {
        th.loss scope="row" {
            svg.swatch viewBox="0 0 30 12" width="30" height="12" aria-hidden="true" {
                (swatch(look(loss), 2.0, 6.0))
            }
            (loss.title())
        }
    }
}
