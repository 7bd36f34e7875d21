//! What the numbers are, and what the paths compute.

use maud::{Markup, html};
use softnce_report::{number, page};

use crate::report::look::look;
use crate::{Path, Results};

/// What was measured, in a phrase.
pub(super) fn subject(results: &Results) -> String {
    let asked = |path: &Path| results.settings.paths.contains(path);
    let is_other = |path: &Path| matches!(path, Path::Hard | Path::SoftCrossEntropy | Path::Nll);
    let has = |of: &dyn Fn(&Path) -> bool| Path::ALL.iter().any(|path| asked(path) && of(path));
    let parts = [
        (has(&|path| *path == Path::Reference), "soft target InfoNCE by the paper's reference algorithm"),
        (
            has(&|path| *path == Path::Head || *path != Path::Reference && path.is_soft_target_info_nce()),
            "soft target InfoNCE by the paths of softnce",
        ),
        (has(&is_other), "other losses"),
        (has(&|path| *path == Path::Products), "the bare matrix products"),
        (has(&|path| *path == Path::Copy), "a copy of the logits"),
    ];
    let asked = parts.into_iter().filter(|(is_there, _)| *is_there);
    let parts: Vec<String> = asked.map(|(_, part)| part.to_owned()).collect();
    number::enumerate(&parts)
}

/// What the numbers mean and what they do not.
pub(crate) fn points(results: &Results) -> Markup {
    let asked = |path: Path| results.settings.paths.contains(&path);
    let names = |of: fn(Path) -> bool| -> Vec<String> {
        Path::ALL.iter().filter(|path| asked(**path) && of(**path)).map(|path| path.name().to_owned()).collect()
    };
    let head = if asked(Path::Head) { " (with a linear head: to the features and the weights)" } else { "" };
    let mut first = format!(
        "Every path of a loss computes the loss and its gradient with respect to the logits{head}, averaged over the rows, at \
         temperature 1 and with uniform noise."
    );
    let same = names(Path::is_soft_target_info_nce);
    if same.len() > 1 {
        first.push_str(&format!(
            " The paths {} compute the same number in different ways; before anything was timed, their losses and gradients \
             were compared.",
            number::enumerate(&same)
        ));
    }
    let mut meaning = vec![
        first,
        "The data is made up and the same in every run: normal logits, and targets as MixUp makes them, with one weight for each \
         row and label smoothing 0.1."
            .to_owned(),
        "A sample is one call, or as many calls as take a millisecond. The paths of a case take turns, so that other work of the \
         machine affects all of them alike. The median and the quartiles are those of the samples."
            .to_owned(),
        "Extra memory is the most that a call has allocated at once, minus what was allocated before it and the results that it \
         returns."
            .to_owned(),
    ];
    if asked(Path::BASELINE) {
        meaning.push(format!(
            "The ratio is the median of a path divided by that of {} at the same case: below 1 the path is faster.",
            Path::BASELINE
        ));
    }
    let mut limits =
        vec!["Times depend on the machine and on its other work. Compare them within this page only.".to_owned()];
    if asked(Path::Hard) || asked(Path::Nll) {
        let hard = names(|path| matches!(path, Path::Hard | Path::Nll));
        let (noun, verb) = if hard.len() == 1 { ("path", "computes") } else { ("paths", "compute") };
        limits.push(format!(
            "The {noun} {} {verb} another loss, on hard labels. Their times show what a loss costs, not which one to train with.",
            number::enumerate(&hard)
        ));
    }
    limits.push(
        "The data of a call lies in the caches of the processor if it fits there, because calls follow each other. In a \
         training step it may not."
            .to_owned(),
    );
    let reads_dense = if results.settings.paths.iter().any(|path| path.reads_dense()) {
        " The check of dense targets is timed in the paths of softnce that read them, because they are given the bare matrix."
    } else {
        ""
    };
    limits.push(format!("Making targets from labels is not timed.{reads_dense}"));
    page::claims(("What the numbers are", &meaning), ("Limits", &limits))
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
