//! Which class is predicted for which.

use maud::{Markup, html};
use softnce_metrics::ConfusionMatrix;

use super::caption::name;
use super::labels;
use super::rows::share;
use crate::drawing::{Area, Scale, Ticks, px};
use crate::results::RunReport;
use crate::{format, page};

/// Largest number of classes whose matrix is drawn.
const DRAWN: usize = 100;
/// Largest number of classes whose matrix is also a table, and whose names are at the axes.
const NAMED: usize = 20;
/// Largest number of classes whose counts are written into the cells.
const COUNTED: usize = 12;
/// Pairs of classes listed.
const PAIRS: usize = 15;
/// Colours of right and wrong predictions, and their largest opacity: numbers are written on them.
const RIGHT: &str = "#0072b2";
const WRONG: &str = "#d55e00";
const OPAQUE: f64 = 0.65;

/// The matrix, if it can be drawn, and the most confused pairs.
pub(super) fn section(report: &RunReport) -> Markup {
    let matrix = &report.result.confusion;
    html! {
        @if matrix.classes <= DRAWN { (figure(report, matrix)) }
        (pairs(report, matrix))
    }
}

fn figure(report: &RunReport, matrix: &ConfusionMatrix) -> Markup {
    let twin = if matrix.classes <= NAMED { "" } else { " The counts are in metrics.json." };
    html! {
        (page::single(
            "Confusion matrix.",
            &format!(
                "A row for each class, a column for each predicted class. Blue: correct; orange: wrong. The blue is \
                 stronger the larger the share of the row's pictures, the orange with the square root of that share, so \
                 that rare confusions can be seen.{twin}"
            ),
            None,
            drawing(report, matrix),
        ))
        @if matrix.classes <= NAMED { (page::details("The matrix as a table", table(report, matrix))) }
    }
}

fn drawing(report: &RunReport, matrix: &ConfusionMatrix) -> Markup {
    let named = matrix.classes <= NAMED;
    let area = if named {
        Area { left: 116.0, right: 336.0, top: 4.0, bottom: 224.0 }
    } else {
        Area { left: 52.0, right: 336.0, top: 4.0, bottom: 288.0 }
    };
    let side = (area.right - area.left) / matrix.classes as f64;
    let place = |class: usize| side * class as f64;
    let right: usize = report.result.classes.iter().map(|class| class.correct).sum();
    let summary = format!(
        "Confusion matrix: {} of {} correct",
        format::count(right),
        format::count(report.result.overall.examples)
    );
    crate::drawing::panel(
        area.bottom + if named { 116.0 } else { 40.0 },
        &summary,
        html! {
            @for &[label, predicted, count] in &matrix.entries {
                @let (x, y) = (area.left + place(predicted), area.top + place(label));
                @let share = count as f64 / report.result.classes[label].examples.max(1) as f64;
                @let (colour, shade) = if label == predicted { (RIGHT, share) } else { (WRONG, share.sqrt()) };
                rect x=(px(x)) y=(px(y)) width=(px(side)) height=(px(side)) fill=(colour)
                    fill-opacity=(format!("{:.2}", OPAQUE * shade)) {
                    title { (pair_title(report, label, predicted, count)) }
                }
                @if matrix.classes <= COUNTED {
                    text.cell x=(px(x + side / 2.0)) y=(px(y + side / 2.0 + 3.2)) text-anchor="middle" {
                        (format::count(count))
                    }
                }
            }
            (frame(area))
            @if named { (names(report, area, side)) } @else { (numbers(matrix.classes, area)) }
        },
    )
}

fn frame(area: Area) -> Markup {
    let (width, height) = (area.right - area.left, area.bottom - area.top);
    html! {
        rect.axis x=(px(area.left)) y=(px(area.top)) width=(px(width)) height=(px(height)) fill="none" {}
    }
}

fn names(report: &RunReport, area: Area, side: f64) -> Markup {
    let names: Vec<String> = (0..report.class_names.len()).map(|class| name(&report.class_names, class)).collect();
    let (shown, middle) = (labels::shortened(&names), px((area.top + area.bottom) / 2.0));
    let middle_of = |class: usize| side * (class as f64 + 0.5);
    html! {
        text.label text-anchor="middle" transform=(format!("translate(9 {middle}) rotate(-90)")) { "class" }
        g.ticks {
            @for (class, shown) in shown.iter().enumerate() {
                text.tick x=(px(area.left - 6.0)) y=(px(area.top + middle_of(class) + 3.8)) text-anchor="end" { (shown) }
            }
        }
        g.ticks {
            @for (class, shown) in shown.iter().enumerate() {
                @let (x, y) = (px(area.left + middle_of(class) + 3.8), px(area.bottom + 6.0));
                text.tick x=(x) y=(y) text-anchor="end" transform=(format!("rotate(-90 {x} {y})")) { (shown) }
            }
        }
        text.label x=(px((area.left + area.right) / 2.0)) y=(px(area.bottom + 110.0)) text-anchor="middle" {
            "predicted class"
        }
    }
}

fn numbers(classes: usize, area: Area) -> Markup {
    // A tick at the middle of a class's cells.
    let round = crate::drawing::ticks((0.0, classes as f64 - 1.0), 5).values;
    let ticks = || Ticks::new(round.iter().map(|&class| (class + 0.5, format::fixed(class, 0))));
    let span = (0.0, classes as f64);
    let middle = px((area.top + area.bottom) / 2.0);
    html! {
        text.label text-anchor="middle" transform=(format!("translate(9 {middle}) rotate(-90)")) { "number of the class" }
        g.ticks {
            @for (value, label) in ticks().labelled() {
                @let y = Scale::linear(span, area.top, area.bottom).at(value);
                text.tick x=(px(area.left - 6.0)) y=(px(y + 3.8)) text-anchor="end" { (label) }
            }
        }
        (crate::drawing::x_axis(
            area,
            Scale::linear(span, area.left, area.right),
            &ticks(),
            "number of the predicted class",
        ))
    }
}

fn pair_title(report: &RunReport, label: usize, predicted: usize, count: usize) -> String {
    let (label, predicted) = (name(&report.class_names, label), name(&report.class_names, predicted));
    if label == predicted {
        format!("{label}: {} correct", format::count(count))
    } else {
        format!("{label} predicted as {predicted}: {}", format::count(count))
    }
}

fn table(report: &RunReport, matrix: &ConfusionMatrix) -> Markup {
    let dense = matrix.dense();
    page::table(
        "Confusion matrix in numbers.",
        "A row for each class, a column for each predicted class.",
        html! {
            (page::head(&["Class"], (0..matrix.classes).map(|class| name(&report.class_names, class))))
            tbody {
                @for (class, counts) in dense.rows().into_iter().enumerate() {
                    tr {
                        th scope="row" { (name(&report.class_names, class)) }
                        @for &count in counts { td.number { (format::count(count)) } }
                    }
                }
            }
        },
    )
}

fn pairs(report: &RunReport, matrix: &ConfusionMatrix) -> Markup {
    let pairs = matrix.most_confused(PAIRS);
    if pairs.is_empty() {
        return html! { p { "No prediction was wrong." } };
    }
    page::table(
        "Most confused pairs.",
        "The pairs of a class and a wrong prediction with the most pictures. Share: of the pictures of the class. The \
         other way: pictures of the second class that are predicted as the first.",
        html! {
            (page::head(&["Class", "Predicted as"], ["Pictures", "Share, %", "The other way"]))
            tbody {
                @for [label, predicted, count] in pairs {
                    tr {
                        th scope="row" { (name(&report.class_names, label)) }
                        td { (name(&report.class_names, predicted)) }
                        td.number { (format::count(count)) }
                        td.number {
                            (share(count as f64 / report.result.classes[label].examples.max(1) as f64))
                        }
                        td.number { (format::count(matrix.count(predicted, label))) }
                    }
                }
            }
        },
    )
}
