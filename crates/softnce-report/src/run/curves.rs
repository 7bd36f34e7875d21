//! Learning curves of one run.

use maud::{Markup, html};

use crate::drawing::{Look, SERIES, Scale, Ticks, extent, line, marker, spread};
use crate::figures::axes::{AREA, HEIGHT, accuracy_scale, epoch_ticks, nll_scale};
use crate::results::{EpochRecord, RunReport};
use crate::{format, page};

/// How the training batches are drawn.
const TRAINING: Look = SERIES[0];
/// How the validation split is drawn.
const VALIDATION: Look = SERIES[1];

/// One line of a panel, by epoch; gaps are left out.
type Curve = (Look, Vec<(usize, f64)>);

/// The panels, then their numbers; none where no epoch was recorded.
pub(super) fn figure(report: &RunReport) -> Option<Markup> {
    let points = &report.curves;
    let last = points.iter().map(|point| point.epoch).max()?;
    // An accuracy of 100 % has no place on a scale of errors: it is drawn where one picture in 2,000 would be wrong.
    let error = |top1: f64| (1.0 - top1).max(5e-4);
    let loss = curve(TRAINING, points, |point| Some(point.train_loss));
    let nll = curve(VALIDATION, points, |point| point.validation.map(|validation| validation.nll));
    let train = curve(TRAINING, points, |point| Some(error(point.train_top1)));
    let validation = curve(VALIDATION, points, |point| point.validation.map(|validation| error(validation.top1)));
    let top5 = curve(VALIDATION, points, |point| point.validation.map(|validation| error(validation.top5)));
    let rate = curve(TRAINING, points, |point| Some(point.learning_rate));
    let speed = curve(TRAINING, points, |point| Some(point.samples_per_second));
    let mut panels = vec![page::legend([(TRAINING, "training"), (VALIDATION, "validation")])];
    panels.extend(panel("Training loss", last, &[loss], linear_up));
    panels.extend(panel("Validation NLL, nats", last, &[nll], logarithmic));
    panels.extend(panel("Top-1 accuracy, %", last, &[train, validation], by_error));
    if report.result.classes.len() > 5 {
        panels.extend(panel("Top-5 accuracy, %", last, &[top5], by_error));
    }
    panels.extend(panel("Learning rate", last, &[rate], linear_up));
    panels.extend(panel("Pictures per second", last, &[speed], from_zero));
    Some(html! {
        (page::panels(
            "Learning curves by epoch.",
            "The training loss is that of the recipe's loss; losses of different kinds do not compare, and it is \
             no likelihood. The negative log likelihood stands on a logarithmic scale. The scales of the \
             accuracies follow the error: from 90 % to 99 % is as far as from 0 % to 90 %. The accuracy on the training \
             batches is that of pictures as they were trained on, mixed and distorted, under weights still changing.",
            &panels,
        ))
        (page::details("The curves as a table", table(points)))
    })
}

fn curve(look: Look, points: &[EpochRecord], value: impl Fn(&EpochRecord) -> Option<f64>) -> Curve {
    let values = points.iter().filter_map(|point| Some((point.epoch, value(point).filter(|value| value.is_finite())?)));
    (look, values.collect())
}

/// A panel of curves; none where nothing was recorded.
fn panel(name: &str, last: usize, curves: &[Curve], scale: fn(&[f64]) -> (Scale, Ticks)) -> Option<Markup> {
    let values: Vec<f64> = curves.iter().flat_map(|(_, points)| points).map(|(_, value)| *value).collect();
    if values.is_empty() {
        return None;
    }
    let (y, y_ticks) = scale(&values);
    let x = Scale::linear((1.0, last as f64), AREA.left + 4.0, AREA.right - 6.0);
    let drawn = curves.iter().filter(|(_, points)| !points.is_empty()).map(|(look, points)| {
        (look, points.iter().map(|(epoch, value)| (x.at(*epoch as f64), y.at(*value))).collect::<Vec<_>>())
    });
    Some(crate::drawing::panel(
        HEIGHT,
        &format!("{name} by epoch"),
        html! {
            text.heading x="0" y="15" { (name) }
            (crate::drawing::y_axis(AREA, y, &y_ticks))
            (crate::drawing::x_axis(AREA, x, &epoch_ticks(last), "epoch"))
            @for (look, points) in drawn {
                (line(&points, "mean", look.colour, look.dash))
                @if let Some((x, y)) = points.last() { (marker(*look, *x, *y, 4.0)) }
            }
        },
    ))
}

fn linear_up(values: &[f64]) -> (Scale, Ticks) {
    let largest = values.iter().copied().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    let span = spread(values.iter().copied(), (0.05 * largest).max(f64::MIN_POSITIVE));
    // What is never negative is drawn from zero where that is near.
    let span = if span.0 < 0.3 * span.1 { (span.0.min(0.0), span.1) } else { span };
    (Scale::linear(span, AREA.bottom, AREA.top), ticks(span))
}

fn from_zero(values: &[f64]) -> (Scale, Ticks) {
    let span = (0.0, values.iter().copied().fold(f64::MIN_POSITIVE, f64::max) * 1.05);
    (Scale::linear(span, AREA.bottom, AREA.top), ticks(span))
}

/// Round ticks, written short where they are small: a learning rate of 0.00025 is 2.5e-4.
fn ticks(span: (f64, f64)) -> Ticks {
    let ticks = crate::drawing::ticks(span, 5);
    if span.1.abs() >= 0.01 {
        return ticks;
    }
    let short = |value: f64| if value == 0.0 { "0".to_owned() } else { format!("{value:.1e}").replace(".0e", "e") };
    Ticks::new(ticks.values.iter().map(|&value| (value, short(value))))
}

fn logarithmic(values: &[f64]) -> (Scale, Ticks) {
    let (low, high) = extent(values.iter().map(|value| value.max(1e-12)));
    nll_scale(low / 1.1, high * 1.1)
}

fn by_error(values: &[f64]) -> (Scale, Ticks) {
    let (low, high) = extent(values.iter().copied());
    accuracy_scale(low / 1.1, high * 1.1)
}

fn table(points: &[EpochRecord]) -> Markup {
    let share = |value: Option<f64>| value.map_or(format::MISSING.to_owned(), |value| format::fixed(100.0 * value, 2));
    page::table(
        "Epoch by epoch.",
        "",
        html! {
            (page::head(&[], [
                "Epoch", "Training loss", "Training top-1, %", "Validation top-1, %", "Validation top-5, %",
                "Validation NLL, nats", "Learning rate", "Pictures per second",
            ]))
            tbody {
                @for point in points {
                    tr {
                        th.number scope="row" { (point.epoch) }
                        td.number { (format::fixed(point.train_loss, 4)) }
                        td.number { (share(Some(point.train_top1))) }
                        td.number { (share(point.validation.map(|validation| validation.top1))) }
                        td.number { (share(point.validation.map(|validation| validation.top5))) }
                        td.number {
                            (point.validation.map_or(format::MISSING.to_owned(), |validation| format::fixed(validation.nll, 4)))
                        }
                        td.number { (rate(point.learning_rate)) }
                        td.number { (format::fixed(point.samples_per_second, 0)) }
                    }
                }
            }
        },
    )
}

/// Three digits.
fn rate(value: f64) -> String {
    if value.is_finite() { format!("{value:.2e}") } else { format::MISSING.to_owned() }
}
