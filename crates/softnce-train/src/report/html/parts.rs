//! Parts that several sections share.

use maud::{Markup, html};
use softnce::LossKind;
use softnce_report::page;

use crate::report::look::look;

/// The head of a row: the loss's mark, as in the figures, and its title.
pub(crate) fn loss_head(loss: LossKind) -> Markup {
    html! {
        th.loss scope="row" {
            (page::swatch(look(loss)))
            (loss.title())
        }
    }
}
