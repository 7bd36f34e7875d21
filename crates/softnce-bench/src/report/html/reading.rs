//! What the numbers are, and what the paths compute.

use maud::{Markup, html};
use softnce_report::page;

use crate::report::look::look;
use crate::{Path, Results};

/// What the numbers mean and what they do not.
pub(crate) fn points() -> Markup {
    let meaning = [
        "Every path of a loss computes the loss and its gradient with respect to the logits (with a linear head: to \
         the features and the weights), under the mean, at temperature 1 and with uniform noise. The paths reference, \
         dense, recognised and compact compute the same number in different ways; before anything was timed, their \
         losses and gradients were compared.",
        "The data is made up and the same in every run: normal logits; targets as MixUp makes them, one weight a row, \
         with label smoothing 0.1.",
        "A sample is one call, or as many as last a millisecond. The paths of a case take turns, so that what the \
         machine does besides hits all alike. The median and the quartiles are those of the samples.",
        "Extra memory is the most that a call has allocated at once, less what was there before and the results that \
         it gives back.",
        "The ratio is a path's median over that of soft_cross_entropy at the same case: below 1 it is faster.",
    ];
    let limits = [
        "Times depend on the machine and its other work. Compare them within this page.",
        "The paths hard and nll read hard labels, and hard computes another loss than compact: their times say what a \
         loss costs, not which one to train with.",
        "A call's data lies in the processor's caches where it fits there, because calls follow each other. In a \
         training step it may not.",
        "Making targets out of labels is not timed. Checking dense targets is, where a path of softnce reads them: it \
         is given the bare matrix.",
    ];
    page::claims(("What the numbers are", &meaning), ("Their limits", &limits))
}

/// A paragraph for each path that was asked for.
pub(crate) fn paths(results: &Results) -> Markup {
    let asked = Path::ALL.iter().copied().filter(|path| results.settings.paths.contains(path));
    html! {
        @for path in asked {
            p { (page::swatch(look(path))) strong { (path) } ": " (page::prose(path.description())) }
        }
    }
}
