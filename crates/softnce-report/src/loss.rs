//! How each loss is drawn: colour, dash and marker, so that no figure depends on colour alone.

use maud::{Markup, html};
use softnce::LossKind;

use crate::drawing::{Look, Shape};
use crate::page;

/// One look for each loss, in their order; beyond these they repeat.
const LOOKS: [Look; 6] = [
    Look { colour: "#d55e00", dash: "none", shape: Shape::Circle },
    Look { colour: "#0072b2", dash: "7 3", shape: Shape::Square },
    Look { colour: "#009e73", dash: "2 2.5", shape: Shape::Triangle },
    Look { colour: "#cc79a7", dash: "9 3 2 3", shape: Shape::Diamond },
    Look { colour: "#000000", dash: "5 2 1.5 2 1.5 2", shape: Shape::Wedge },
    Look { colour: "#56b4e9", dash: "1 3", shape: Shape::Circle },
];

/// The same look for a loss wherever it appears, whichever others stand beside it.
pub fn look(loss: LossKind) -> Look {
    LOOKS[loss as usize % LOOKS.len()]
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
