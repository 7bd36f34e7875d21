//! How each loss is drawn: colour, dash and marker, so that no figure depends on colour alone.

use maud::{Markup, html};
use softnce::LossKind;

use crate::drawing::{Look, Shape};
use crate::page;

/// The look of a loss, the same in every figure.
pub fn look(loss: LossKind) -> Look {
    let (colour, dash, shape) = match loss {
        LossKind::SoftTargetInfoNce => ("#d55e00", "none", Shape::Circle),
        LossKind::SoftTargetCrossEntropy => ("#0072b2", "7 3", Shape::Square),
        LossKind::SoftDistributionInfoNce => ("#009e73", "2 2.5", Shape::Triangle),
        LossKind::InfoNce => ("#cc79a7", "9 3 2 3", Shape::Diamond),
        LossKind::Nll => ("#000000", "5 2 1.5 2 1.5 2", Shape::Wedge),
    };
    Look { colour, dash, shape }
}

/// The head of a table's row: the loss's mark, as in the figures, and its title.
pub(crate) fn row_head(loss: LossKind) -> Markup {
    html! {
        th.loss scope="row" {
            (page::swatch(look(loss)))
            (loss.title())
        }
    }
}
