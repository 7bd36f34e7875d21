//! The figures.

use maud::{Markup, html};
use softnce::LossKind;
use softnce_metrics::Estimate;
use softnce_report::{Look, Shape, extent, page, sheet};

use super::words;
use crate::chart::{Chart, HEIGHT, REFERENCE, Series, Spacing};
use crate::toy::plan::{COMPARED, COUNTED, UNBALANCED};
use crate::toy::results::{ToyResults, truth};
use crate::toy::trial::points;
use crate::toy::{Candidates, Cell, Estimator, Setting};

/// Each estimator's curves against the truth, with what theory predicts.
pub(super) fn curves(results: &ToyResults, classes: usize) -> Markup {
    let panels = each(results, classes, &COMPARED);
    let lead = if classes == 2 { "Two classes." } else { "Three classes, first class against the last." };
    page::panels(lead, &words::curve_caption(results), &panels)
}

/// The same of two classes, as a file of its own.
pub(super) fn standalone(results: &ToyResults) -> String {
    let name = "True and estimated parameter under each loss, with two classes";
    let looks = [(TRUTH, "the true parameter"), (REFERENCE, "the prediction of theory")];
    sheet(name, 3, HEIGHT, &each(results, 2, &COMPARED), &looks)
}

/// A panel an estimator.
fn each(results: &ToyResults, classes: usize, estimators: &[Estimator]) -> Vec<Markup> {
    let truth = truth(classes);
    let cells = estimators.iter().filter_map(|&estimator| results.cell(&results.config.usual(classes, estimator)));
    cells.map(|cell| curve(cell, &truth)).collect()
}

/// One estimator: truth and prediction thin, mean over the seeds with their range.
fn curve(cell: &Cell, truth: &[f64]) -> Markup {
    let at = points();
    let first = |curve: &[f64]| -> Vec<(f64, f64)> { at.iter().copied().zip(curve.iter().copied()).collect() };
    let each = |point: usize| cell.runs.iter().map(move |run| f64::from(run.curve[point]));
    let mean = |point: usize| each(point).sum::<f64>() / cell.runs.len().max(1) as f64;
    let estimator = cell.setting.estimator;
    let true_line = Series { name: "the true parameter".into(), look: TRUTH, points: first(truth), ranges: Vec::new() };
    let found = Series {
        name: estimator.title(),
        look: look(estimator),
        points: at.iter().enumerate().map(|(point, &x)| (x, mean(point))).collect(),
        ranges: (0..at.len()).map(|point| extent(each(point))).collect(),
    };
    let chart = Chart {
        title: &estimator.title(),
        x: ("x", Spacing::Even),
        y: ("parameter", Spacing::Even),
        decimals: 3,
        references: cell.predicted.iter().map(|curve| ("theory", first(curve))).collect(),
        series: vec![found, true_line],
        marked: false,
    };
    chart.panel()
}

/// How the truth is drawn.
const TRUTH: Look = Look { colour: "#c9c9c9", dash: "2 2.5", shape: Shape::None };

/// The axis of distances between curves.
const DISTANCE: (&str, Spacing) = ("root mean square distance", Spacing::Log);

/// The error against the number of training samples.
pub(super) fn samples(results: &ToyResults) -> Markup {
    let over = |pick: fn(&Cell) -> Option<Estimate>| {
        let at = |samples, estimator| Setting { samples, ..results.config.usual(2, estimator) };
        lines(results, &COMPARED, &results.config.samples, at, pick)
    };
    let x = ("training samples", Spacing::Log);
    let panels = [
        legend(&COMPARED),
        chart("Distance to the truth", x, DISTANCE, over(|cell| Some(cell.to_truth))),
        chart("Distance to the prediction of theory", x, DISTANCE, over(|cell| cell.to_prediction)),
    ];
    page::panels("Error by training samples.", &words::intervals(results), &panels)
}

/// The error against the number of candidates.
pub(super) fn candidates(results: &ToyResults) -> Markup {
    let x = ("candidates of a row", Spacing::Log);
    let panels = [
        legend(&COUNTED),
        chart("Distance to the truth", x, DISTANCE, counted(results, |cell| Some(cell.to_truth))),
        chart("Distance to the prediction of theory", x, DISTANCE, counted(results, |cell| cell.to_prediction)),
    ];
    page::panels("Error by candidates.", &words::intervals(results), &panels)
}

/// Unbalanced noise, with the correction and without.
pub(super) fn noise(results: &ToyResults) -> Markup {
    page::panels("Unbalanced noise.", &words::curve_caption(results), &each(results, 2, &UNBALANCED))
}

/// `ln M - L` against the mutual information.
pub(super) fn bounds(results: &ToyResults) -> Markup {
    let series = counted(results, |cell| cell.bound);
    let ends = sorted(&results.config.candidates).into_iter().map(|count| (count as f64, results.information));
    let chart = Chart {
        title: "Bound of the mutual information",
        x: ("candidates M", Spacing::Log),
        y: ("ln M − L, nats", Spacing::Even),
        decimals: 3,
        references: vec![("mutual information", ends.collect())],
        series,
        marked: true,
    };
    page::single("The bound by candidates.", words::BOUND_CAPTION, Some(legend(&COUNTED)), chart.panel())
}

/// One line for each source of candidates, over their number.
fn counted(results: &ToyResults, pick: fn(&Cell) -> Option<Estimate>) -> Vec<Series> {
    let at = |candidates, estimator| Setting { candidates, ..results.config.usual(2, estimator) };
    lines(results, &COUNTED, &results.config.candidates, at, pick)
}

/// One line for each estimator, over what its setting varies.
fn lines(
    results: &ToyResults,
    estimators: &[Estimator],
    over: &[usize],
    setting: impl Fn(usize, Estimator) -> Setting,
    pick: fn(&Cell) -> Option<Estimate>,
) -> Vec<Series> {
    let over = sorted(over);
    let line = |&estimator: &Estimator| {
        let value = |&x: &usize| Some((x as f64, pick(results.cell(&setting(x, estimator))?)?));
        let values: Vec<(f64, Estimate)> = over.iter().filter_map(value).collect();
        Series {
            name: estimator.title(),
            look: look(estimator),
            points: values.iter().map(|(x, estimate)| (*x, estimate.mean)).collect(),
            ranges: values.iter().map(|(_, value)| value.span().into()).collect(),
        }
    };
    estimators.iter().map(line).collect()
}

fn sorted(values: &[usize]) -> Vec<usize> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values
}

fn chart(title: &str, x: (&str, Spacing), y: (&str, Spacing), series: Vec<Series>) -> Markup {
    Chart { title, x, y, decimals: 3, references: Vec::new(), series, marked: true }.panel()
}

fn legend(estimators: &[Estimator]) -> Markup {
    let names: Vec<(Look, String)> = estimators.iter().map(|&estimator| (look(estimator), estimator.title())).collect();
    html! { (page::legend(names.iter().map(|(look, name)| (*look, name.as_str())))) }
}

/// The look of an estimator: of its loss where the candidates are those of the batch.
fn look(estimator: Estimator) -> Look {
    match (estimator.candidates, estimator.corrected) {
        (Candidates::Batch, _) => softnce_report::look(estimator.loss),
        (Candidates::Density, _) => Look { colour: "#882255", dash: "none", shape: Shape::Star },
        (Candidates::Training, _) => softnce_report::look(LossKind::SoftTargetInfoNce),
        (Candidates::Skewed, true) => Look { colour: "#882255", dash: "none", shape: Shape::Star },
        (Candidates::Skewed, false) => Look { colour: "#6b4a2b", dash: "7 3", shape: Shape::Cross },
    }
}
