//! Learning curves on the validation pictures, or on the test pictures if none were held out.

use std::collections::BTreeMap;

use maud::{Markup, html};
use softnce::LossKind;

use super::words;
use crate::drawing::{Scale, Ticks, band, extent, line, marker, swatch, tipped, tips};
use crate::figures::axes::{AREA, HEIGHT, accuracy_scale, epoch_ticks, nll_scale};
use crate::loss::look;
use crate::protocol::TestedEpoch;
use crate::results::{Comparison, CurvePoint};
use crate::{format, page};

/// Mean and range over the seeds, epoch by epoch.
struct Curve {
    loss: LossKind,
    points: Vec<Point>,
}

struct Point {
    epoch: usize,
    mean: f64,
    low: f64,
    high: f64,
    seeds: usize,
}

/// A quantity that is drawn by epoch.
struct Quantity {
    /// The title of its axis.
    axis: &'static str,
    scale: fn(f64, f64) -> (Scale, Ticks),
    /// Smaller values are drawn here, because a logarithmic scale cannot show zero.
    least: f64,
    /// A value in words.
    words: fn(f64) -> String,
}

/// What the panels of a figure share.
struct Frame<'q> {
    quantity: &'q Quantity,
    part: &'static str,
    x: Scale,
    y: Scale,
    x_ticks: Ticks,
    y_ticks: Ticks,
}

/// The curves of accuracy and of negative log likelihood.
pub(crate) fn figures(results: &Comparison) -> Markup {
    let part = words::curve_part(results);
    let pictures = if results.setting.validation > 0 { results.setting.validation } else { results.setting.test };
    let accuracy = Quantity {
        axis: "top-1 accuracy, %",
        scale: accuracy_scale,
        // The error of half a picture.
        least: 0.5 / pictures.max(1) as f64,
        words: |error| format!("{} %", format::fixed(100.0 * (1.0 - error), 2)),
    };
    let likelihood = Quantity {
        axis: "NLL, nats",
        scale: nll_scale,
        least: 1e-12,
        words: |nll| format!("{} nats", format::fixed(nll, 4)),
    };
    let errors = curves(results, |record| 1.0 - record.validation_top1);
    let nll = curves(results, |record| record.validation_nll);
    let several = if words::seeds(results) > 1 {
        "Line: mean over the seeds; band: from the smallest to the largest seed."
    } else {
        "Line: the only seed."
    };
    let others =
        if errors.len() > 1 { " Grey: the other losses. The first panel has all losses together." } else { "" };
    let capital = format::capital(part);
    html! {
        p { (introduction(results)) }
        (page::panels(
            &format!("{capital} accuracy by epoch."),
            &format!("{several}{others} The scale follows the error: from 90 % to 99 % is as far as from 0 % to 90 %."),
            &draw(&errors, part, &accuracy),
        ))
        (page::panels(
            &format!("{capital} negative log likelihood by epoch."),
            &format!("{several}{others} Logarithmic scale."),
            &draw(&nll, part, &likelihood),
        ))
    }
}

/// What the curves were used for.
fn introduction(results: &Comparison) -> String {
    let protocol = words::protocol(results);
    let mut text = String::new();
    if !results.tuning.is_empty() {
        text.push_str("The curves are those of the runs with the chosen learning rate. ");
    }
    if results.setting.validation == 0 {
        text.push_str("No pictures were held out for validation: these are curves of the test pictures. ");
    }
    match protocol.tested_epoch() {
        Some(TestedEpoch::Best) => text.push_str(
            "In each run, the epoch with the best validation accuracy was chosen (between equal accuracies, the one with \
             the lower negative log likelihood), and its weights were tested. ",
        ),
        Some(TestedEpoch::Last) if protocol.early_stop().is_none() => {
            text.push_str("No epoch was chosen by them: the weights of the last epoch were tested. ");
        }
        Some(TestedEpoch::Last) => text.push_str(
            "Each training stopped when they no longer improved, and the weights of its last epoch were tested. ",
        ),
        None => {}
    }
    text.push_str("Training losses are not drawn, because the values of different losses cannot be compared.");
    text
}

fn curves(results: &Comparison, value: impl Fn(&CurvePoint) -> f64) -> Vec<Curve> {
    results
        .summaries
        .iter()
        .map(|summary| {
            let mut epochs: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
            let records = results.runs.iter().filter(|run| run.loss == summary.loss).flat_map(|run| &run.epochs);
            for record in records {
                let value = value(record);
                if value.is_finite() {
                    epochs.entry(record.epoch).or_default().push(value);
                }
            }
            Curve { loss: summary.loss, points: epochs.into_iter().map(point).collect() }
        })
        .collect()
}

fn point((epoch, values): (usize, Vec<f64>)) -> Point {
    let (seeds, mean) = (values.len(), values.iter().sum::<f64>() / values.len() as f64);
    let (low, high) = extent(values);
    Point { epoch, mean, low, high, seeds }
}

/// The panels: all means together, then each loss before the others. `None` if no epoch was recorded.
fn draw(curves: &[Curve], part: &'static str, quantity: &Quantity) -> Vec<Markup> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let (low, high) = extent(points().flat_map(|point| [point.low, point.high]));
    let last = points().map(|point| point.epoch).max().unwrap_or(0);
    if last == 0 || low > high {
        return vec![html! { p { "No epochs were recorded." } }];
    }
    let (y, y_ticks) = (quantity.scale)(low.max(quantity.least) / 1.1, high.max(quantity.least) * 1.1);
    let x = Scale::linear((1.0, last as f64), AREA.left + 4.0, AREA.right - 6.0);
    let frame = Frame { quantity, part, x, y, x_ticks: epoch_ticks(last), y_ticks };
    let together = (curves.len() > 1).then(|| frame.together(curves));
    together.into_iter().chain((0..curves.len()).map(|index| frame.single(curves, index))).collect()
}

impl Frame<'_> {
    fn panel(&self, name: &str, heading: Markup, content: Markup) -> Markup {
        let axis = self.quantity.axis;
        crate::drawing::panel(
            HEIGHT,
            &format!("{name}, {} {axis} by epoch", self.part),
            html! {
                (heading)
                (crate::drawing::y_axis(AREA, self.y, &self.y_ticks, axis))
                (crate::drawing::x_axis(AREA, self.x, &self.x_ticks, "epoch"))
                (content)
            },
        )
    }

    fn together(&self, curves: &[Curve]) -> Markup {
        let heading = html! { text.heading x="0" y="15" { "all losses" } };
        let content = html! {
            @for curve in curves.iter().rev() {
                @let look = look(curve.loss);
                (tipped(curve.loss.title(), line(&self.path(curve, |point| point.mean), "mean", look.colour, look.dash)))
                (self.tips(curve))
            }
            @for curve in curves.iter().rev() { (self.end(curve)) }
        };
        self.panel("All losses", heading, content)
    }

    fn single(&self, curves: &[Curve], index: usize) -> Markup {
        let curve = &curves[index];
        let look = look(curve.loss);
        let heading = html! {
            (swatch(look, 0.0, 11.0))
            text.heading x="34" y="15" { (curve.loss.title()) }
        };
        let others = curves.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, other)| other);
        let content = html! {
            @for other in others {
                @let path = self.path(other, |point| point.mean);
                (tipped(other.loss.title(), line(&path, "context", "#c9c9c9", "none")))
            }
            @if curve.points.iter().any(|point| point.seeds > 1) {
                @let (lower, upper) = (self.path(curve, |point| point.low), self.path(curve, |point| point.high));
                (tipped("smallest to largest seed", band(&lower, &upper, look.colour)))
            }
            (tipped(curve.loss.title(), line(&self.path(curve, |point| point.mean), "mean", look.colour, look.dash)))
            (self.tips(curve))
            (self.end(curve))
        };
        self.panel(&format::capital(curve.loss.title()), heading, content)
    }

    fn at(&self, point: &Point, value: f64) -> (f64, f64) {
        (self.x.at(point.epoch as f64), self.y.at(value.max(self.quantity.least)))
    }

    fn path(&self, curve: &Curve, value: fn(&Point) -> f64) -> Vec<(f64, f64)> {
        curve.points.iter().map(|point| self.at(point, value(point))).collect()
    }

    /// A tooltip at each epoch.
    fn tips(&self, curve: &Curve) -> Markup {
        tips(curve.points.iter().map(|point| {
            let (x, y) = self.at(point, point.mean);
            (x, y, self.words(curve, point))
        }))
    }

    fn words(&self, curve: &Curve, point: &Point) -> String {
        let words = self.quantity.words;
        let mean = format!("{}, epoch {}: {}", curve.loss.title(), format::count(point.epoch), words(point.mean));
        match point.seeds {
            0 | 1 => mean,
            seeds => {
                // The accuracy is drawn by its error: the smallest error is the largest accuracy.
                let [one, other] = [words(point.low), words(point.high)];
                format!("{mean}, mean of {seeds} seeds from {one} to {other}")
            }
        }
    }

    /// The mark of the loss at its last epoch.
    fn end(&self, curve: &Curve) -> Markup {
        html! {
            @if let Some(last) = curve.points.last() {
                @let (x, y) = self.at(last, last.mean);
                (tipped(&self.words(curve, last), marker(look(curve.loss), x, y, 4.0)))
            }
        }
    }
}
