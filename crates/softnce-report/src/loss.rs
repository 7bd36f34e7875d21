//! How each loss is drawn: colour, dash and marker, so that no figure depends on colour alone.

use maud::{Markup, html};
use softnce::LossKind;

use crate::drawing::{Look, SERIES};
use crate::page;

/// One look for each loss, the same wherever it appears; beyond those that there are they repeat.
pub fn look(loss: LossKind) -> Look {
    SERIES[loss as usize % SERIES.len()]
}

/// The head of a table's row: the loss's mark, as in the figures, and its title.
pub fn row_head(loss: LossKind) -> Markup {
    html! {
        th.loss scope="row" {
            (page::swatch(look(loss)))
            (loss.title())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_losses_look_alike() {
        // A loss more needs a look more, at the end of `SERIES`.
        assert!(SERIES.len() >= LossKind::ALL.len(), "{} looks for {} losses", SERIES.len(), LossKind::ALL.len());
        for (at, &loss) in LossKind::ALL.iter().enumerate() {
            assert!(LossKind::ALL[..at].iter().all(|&other| look(other) != look(loss)), "{loss}");
        }
    }
}
