//! `report.html`: one page in one file.

use maud::{Markup, html};
use softnce_metrics::Frequency;
use softnce_report::number::{MISSING, count, fixed, plural, setting as number};
use softnce_report::page::{self, section};

use super::curves::Axis;
use super::values::{
    GROUP, RANKING, WHOLE, frequency_name, groups_in_words, metrics_in_words, percent, ranking_in_words,
};
use super::{curves, setting};
use crate::ClassesError;
use crate::results::{Evaluation, RunResults};

/// The page: what was trained, the last evaluation, frequent and rare classes, curves, and the recipe.
///
/// # Errors
/// A recipe that TOML cannot hold.
pub(super) fn page(results: &RunResults) -> Result<String, ClassesError> {
    let recipe = toml::to_string(&results.recipe)
        .map_err(|error| ClassesError::Recipe { name: results.recipe.name.clone(), reason: error.to_string() })?;
    let last = results.history.last();
    let sections: Vec<(&str, &str, Markup)> = [
        last.map(|last| ("evaluation", "Evaluation", evaluation(results, last))),
        last.and_then(|last| frequencies(results, last))
            .map(|content| ("frequency", "Frequent and rare classes", content)),
        last.map(|_| ("curves", "Curves", figures(results))),
        Some(("run", "Run", run(results))),
        Some(("recipe", "Recipe", self::recipe(results, &recipe))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let head = html! {
        header {
            h1 { (results.recipe.name) }
            p.lead { (page::prose(&setting::sentence(results))) }
            @for warning in &results.warnings { p { strong { "Warning: " } (page::prose(warning)) "." } }
        }
        (page::contents(sections.iter().map(|(id, title, _)| (*id, *title))))
    };
    let main = html! { @for (id, title, content) in sections { (section(id, title, content)) } };
    Ok(page::page(&results.recipe.name, &results.version, head, main))
}

fn evaluation(results: &RunResults, last: &Evaluation) -> Markup {
    let caption = format!(
        "On {} after {}. {} The temperature is {}.",
        plural(last.ranking.examples, "test row", "test rows"),
        plural(last.step as usize, "step", "steps"),
        metrics_in_words(last),
        number(last.temperature),
    );
    html! {
        (page::table("Likelihood.", &caption, html! {
            (page::head(&["Metric"], ["Value", "Uniform"]))
            tbody {
                @for whole in &WHOLE {
                    @if let Some(value) = whole.shown(last) {
                        tr {
                            th scope="row" { (whole.title) }
                            td.number { (value) }
                            td.number { (whole.reference(results)) }
                        }
                    }
                }
            }
        }))
        (page::table("Lists of the best classes.", &ranking_in_words(last), html! {
            (page::head(&[], std::iter::once("k").chain(RANKING.iter().map(|(_, title, _)| *title))))
            tbody {
                @for at in &last.ranking.at {
                    tr {
                        th.number scope="row" { (count(at.k)) }
                        @for (_, _, of) in &RANKING { td.number { (percent(of(at))) } }
                    }
                }
            }
        }))
    }
}

/// The classes by their frequency; `None` where it is not known.
fn frequencies(results: &RunResults, last: &Evaluation) -> Option<Markup> {
    let known: Vec<_> = last.ranking.at.iter().filter_map(|at| Some((at.k, at.groups.as_ref()?))).collect();
    if known.is_empty() {
        return None;
    }
    let caption = format!("In %. {}", groups_in_words(results));
    let numbers = ["k", "number", "labels"].into_iter().chain(GROUP.iter().map(|(_, title, _)| *title));
    Some(page::table(
        "Precision and recall by frequency in training.",
        &caption,
        html! {
            (page::head(&["Classes"], numbers))
            tbody {
                @for (k, groups) in known {
                    @for frequency in Frequency::ALL {
                        @let group = groups.get(frequency);
                        tr {
                            th scope="row" { (frequency_name(frequency)) }
                            td.number { (count(k)) }
                            td.number { (count(group.classes)) }
                            td.number { (fixed(group.labels, 0)) }
                            @for (_, _, of) in &GROUP { td.number { (percent(of(group))) } }
                        }
                    }
                }
            }
        },
    ))
}

fn figures(results: &RunResults) -> Markup {
    html! {
        (page::panels("By steps.", curves::CAPTION, &curves::panels(results, Axis::Steps)))
        (page::panels("By seconds.", curves::SECONDS, &curves::panels(results, Axis::Seconds)))
        (page::details("The evaluations as a table", history(results)))
    }
}

fn history(results: &RunResults) -> Markup {
    let first = results.history.first();
    let ks: Vec<usize> = first.map(|first| first.ranking.at.iter().map(|at| at.k).collect()).unwrap_or_default();
    let heads = ["Step", "Seconds", "Training loss", "NLL, nats", "Divergence, nats", "Temperature"];
    let precisions = ks.iter().map(|k| format!("Precision at {k}, %"));
    let known = |value: Option<f64>| value.map_or_else(|| MISSING.to_owned(), |value| fixed(value, 4));
    let caption = "Training loss: mean over the steps since the evaluation before; it depends on the candidates and \
                   cannot be compared with that of other candidates.";
    page::table(
        "The evaluations.",
        caption,
        html! {
            (page::head(&[], heads.into_iter().map(str::to_owned).chain(precisions)))
            tbody {
                @for evaluation in &results.history {
                    tr {
                        th.number scope="row" { (count(evaluation.step as usize)) }
                        td.number { (fixed(evaluation.seconds, 1)) }
                        td.number { (known(evaluation.train_loss)) }
                        td.number { (fixed(evaluation.nll, 4)) }
                        td.number { (known(evaluation.divergence)) }
                        td.number { (fixed(evaluation.temperature, 4)) }
                        @for at in &evaluation.ranking.at { td.number { (percent(Some(at.precision))) } }
                    }
                }
            }
        },
    )
}

fn run(results: &RunResults) -> Markup {
    page::table(
        "The run.",
        "Times depend on the machine and its other work.",
        html! {
            tbody {
                @for (name, value) in setting::entries(results) {
                    tr { th scope="row" { (name) } td.breaking { (page::prose(&value)) } }
                }
            }
        },
    )
}

fn recipe(results: &RunResults, text: &str) -> Markup {
    html! {
        p { "All settings of the run, with softnce " (results.version) "." }
        (page::recipe(text))
    }
}
