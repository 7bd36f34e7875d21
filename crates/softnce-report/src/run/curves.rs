//! Learning curves of one run.

use maud::{Markup, html};
use softnce_metrics::TOP5;

use crate::drawing::{Look, SERIES, Scale, Ticks, extent, line, marker, spread, tipped, tips};
use crate::figures::axes::{AREA, HEIGHT, accuracy_scale, epoch_ticks, nll_scale};
use crate::number::enumerate;
use crate::protocol::Protocol;
use crate::results::{EpochRecord, RunReport, ValidationPoint};
use crate::{format, page};

/// How the training batches are drawn.
const TRAINING: Look = SERIES[0];
/// How the validation pictures are drawn.
const VALIDATION: Look = SERIES[1];

/// One line of a panel, by epoch; gaps are left out.
struct Curve {
    look: Look,
    name: &'static str,
    points: Vec<(usize, f64)>,
}

/// A quantity over the epochs.
struct Panel {
    title: String,
    axis: &'static str,
    scale: fn(&[f64]) -> (Scale, Ticks),
    words: fn(f64) -> String,
}

/// The panels, then their numbers; `None` if no epoch was recorded.
pub(super) fn figure(report: &RunReport) -> Option<Markup> {
    let points = &report.curves;
    let last = points.iter().map(|point| point.epoch).max()?;
    let protocol = Protocol::read(&report.recipe_toml);
    // The name of the pictures that the epochs were evaluated on.
    let held = if protocol.has_validation() == Some(false) { "test" } else { "validation" };
    let training = |value: fn(&EpochRecord) -> f64| curve(TRAINING, "training", points, |point| Some(value(point)));
    let of_held = |value: fn(&ValidationPoint) -> f64| {
        curve(VALIDATION, held, points, |point| point.validation.as_ref().map(value))
    };
    let top1 = [training(|point| 1.0 - point.train_top1), of_held(|found| 1.0 - found.top1)];
    let panel = |title: &str, axis, scale, words| Panel { title: title.to_owned(), axis, scale, words };
    let capital = format::capital(held);
    let accuracy: fn(f64) -> String = |error| format!("{} %", format::fixed(100.0 * (1.0 - error), 2));
    let nats: fn(f64) -> String = |nll| format!("{} nats", format::fixed(nll, 4));
    let mut panels = vec![page::legend([(TRAINING, "training"), (VALIDATION, held)])];
    let loss = panel("Training loss", "loss", linear_up, |loss| format::fixed(loss, 4));
    panels.extend(draw(&loss, last, &[training(|point| point.train_loss)]));
    let nll = panel(&format!("{capital} NLL"), "NLL, nats", logarithmic, nats);
    panels.extend(draw(&nll, last, &[of_held(|found| found.nll)]));
    panels.extend(draw(&panel("Top-1 accuracy", "accuracy, %", by_error, accuracy), last, &top1));
    let has_top5 = has_top5(report);
    if has_top5 {
        panels.extend(draw(
            &panel("Top-5 accuracy", "accuracy, %", by_error, accuracy),
            last,
            &[of_held(|found| 1.0 - found.top5)],
        ));
    }
    let rate = panel("Learning rate", "learning rate", linear_up, format::rate);
    panels.extend(draw(&rate, last, &[training(|point| point.learning_rate)]));
    let speed = panel("Training speed", "pictures a second", from_zero, |speed| format::fixed(speed, 0));
    panels.extend(draw(&speed, last, &[training(|point| point.samples_per_second)]));
    Some(html! {
        (page::panels("Learning curves by epoch.", &caption(&protocol, held), &panels))
        (page::details("The curves as a table", table(points, &capital, has_top5)))
    })
}

/// What the panels show, and how the training differs from the evaluation.
fn caption(protocol: &Protocol, held: &str) -> String {
    let changes: Vec<String> = protocol.changes_of_training_pictures().into_iter().map(str::to_owned).collect();
    let on = if changes.is_empty() { String::new() } else { format!("on {} pictures and ", enumerate(&changes)) };
    let none_held =
        if held == "test" { " No pictures were held out: the epochs were evaluated on the test pictures." } else { "" };
    format!(
        "The training loss is the value of the recipe's loss, which cannot be compared with that of another loss and is no \
         likelihood. The negative log likelihood has a logarithmic scale. The scales of the accuracies follow the error: \
         from 90 % to 99 % is as far as from 0 % to 90 %. The training accuracy is measured during the epoch, {on}while the \
         weights still change.{none_held}"
    )
}

fn curve(look: Look, name: &'static str, points: &[EpochRecord], value: impl Fn(&EpochRecord) -> Option<f64>) -> Curve {
    let values = points.iter().filter_map(|point| Some((point.epoch, value(point).filter(|value| value.is_finite())?)));
    Curve { look, name, points: values.collect() }
}

/// A panel of curves; `None` if nothing was recorded.
fn draw(panel: &Panel, last: usize, curves: &[Curve]) -> Option<Markup> {
    let values: Vec<f64> = curves.iter().flat_map(|curve| &curve.points).map(|(_, value)| *value).collect();
    if values.is_empty() {
        return None;
    }
    let (y, y_ticks) = (panel.scale)(&values);
    let x = Scale::linear((1.0, last as f64), AREA.left + 4.0, AREA.right - 6.0);
    let drawn = curves.iter().filter(|curve| !curve.points.is_empty()).map(|curve| {
        let places: Vec<(f64, f64)> =
            curve.points.iter().map(|(epoch, value)| (x.at(*epoch as f64), y.at(*value))).collect();
        (curve, places)
    });
    let words = |curve: &Curve, (epoch, value): (usize, f64)| {
        format!("{}, epoch {}: {}", curve.name, format::count(epoch), (panel.words)(value))
    };
    Some(crate::drawing::panel(
        HEIGHT,
        &format!("{} by epoch", panel.title),
        html! {
            text.heading x="0" y="15" { (panel.title) }
            (crate::drawing::y_axis(AREA, y, &y_ticks, panel.axis))
            (crate::drawing::x_axis(AREA, x, &epoch_ticks(last), "epoch"))
            @for (curve, places) in drawn {
                (tipped(curve.name, line(&places, "mean", curve.look.colour, curve.look.dash)))
                (tips(places.iter().zip(&curve.points).map(|(&(x, y), &point)| (x, y, words(curve, point)))))
                @if let (Some((x, y)), Some(&point)) = (places.last(), curve.points.last()) {
                    (tipped(&words(curve, point), marker(curve.look, *x, *y, 4.0)))
                }
            }
        },
    ))
}

fn linear_up(values: &[f64]) -> (Scale, Ticks) {
    let largest = values.iter().copied().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    let span = spread(values.iter().copied(), (0.05 * largest).max(f64::MIN_POSITIVE));
    // The axis starts at zero if that is near.
    let span = if span.0 < 0.3 * span.1 { (span.0.min(0.0), span.1) } else { span };
    (Scale::linear(span, AREA.bottom, AREA.top), ticks(span))
}

fn from_zero(values: &[f64]) -> (Scale, Ticks) {
    let span = (0.0, values.iter().copied().fold(f64::MIN_POSITIVE, f64::max) * 1.05);
    (Scale::linear(span, AREA.bottom, AREA.top), ticks(span))
}

fn ticks(span: (f64, f64)) -> Ticks {
    crate::drawing::ticks(span, 5)
}

fn logarithmic(values: &[f64]) -> (Scale, Ticks) {
    let (low, high) = extent(values.iter().map(|value| value.max(1e-12)));
    nll_scale(low / 1.1, high * 1.1)
}

fn by_error(values: &[f64]) -> (Scale, Ticks) {
    // A logarithmic scale of errors cannot show 100 %: it is drawn as an error of one picture in 2,000.
    let (low, high) = extent(values.iter().map(|error| error.max(5e-4)));
    accuracy_scale(low / 1.1, high * 1.1)
}

/// Whether the top-5 accuracy says anything: with five classes or fewer it is always 100 %.
fn has_top5(report: &RunReport) -> bool {
    (TOP5.of)(&report.result).is_some()
}

fn table(points: &[EpochRecord], held: &str, has_top5: bool) -> Markup {
    let share = |value: Option<f64>| value.map_or(format::MISSING.to_owned(), |value| format::fixed(100.0 * value, 2));
    page::table(
        "Epoch by epoch.",
        "",
        html! {
            (page::head(&[], [
                Some("Epoch".to_owned()), Some("Training loss".to_owned()), Some("Training top-1, %".to_owned()),
                Some(format!("{held} top-1, %")), has_top5.then(|| format!("{held} top-5, %")),
                Some(format!("{held} NLL, nats")), Some("Learning rate".to_owned()),
                Some("Pictures a second".to_owned()),
            ].into_iter().flatten()))
            tbody {
                @for point in points {
                    tr {
                        th.number scope="row" { (format::count(point.epoch)) }
                        td.number { (format::fixed(point.train_loss, 4)) }
                        td.number { (share(Some(point.train_top1))) }
                        td.number { (share(point.validation.map(|validation| validation.top1))) }
                        @if has_top5 {
                            td.number { (share(point.validation.map(|validation| validation.top5))) }
                        }
                        td.number {
                            (point.validation.map_or(format::MISSING.to_owned(), |validation| format::fixed(validation.nll, 4)))
                        }
                        td.number { (format::rate(point.learning_rate)) }
                        td.number { (format::fixed(point.samples_per_second, 0)) }
                    }
                }
            }
        },
    )
}
