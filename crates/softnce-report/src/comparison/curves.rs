//! Learning curves on the validation pictures.

use std::collections::BTreeMap;

use maud::{Markup, html};
use softnce::LossKind;

use crate::drawing::{Scale, Ticks, band, extent, line, marker, px, swatch};
use crate::figures::axes::{AREA, HEIGHT, accuracy_scale, epoch_ticks, nll_scale};
use crate::loss::look;
use crate::page;
use crate::results::{Comparison, CurvePoint};

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
}

/// What the panels of a figure share.
struct Frame {
    measure: &'static str,
    x: Scale,
    y: Scale,
    x_ticks: Ticks,
    y_ticks: Ticks,
}

/// The curves of accuracy and of negative log likelihood.
pub(crate) fn figures(results: &Comparison) -> Markup {
    // An accuracy of 100 % has no place on a scale of errors: it is drawn where half a picture would be wrong.
    let least = 0.5 / results.setting.validation.max(1) as f64;
    let errors = curves(results, |record| (1.0 - record.validation_top1).max(least));
    let nll = curves(results, |record| record.validation_nll.max(f64::MIN_POSITIVE));
    let others = if errors.len() > 1 {
        " Grey: the means of the other losses. The first panel shows the means alone."
    } else {
        ""
    };
    let band = format!("Line: mean over the seeds; band: smallest to largest seed.{others}");
    html! {
        p {
            "The curves are for the learning rate chosen; they played no part in choosing the epoch, which is always \
            the last. Training losses are not drawn: those of different kinds do not compare."
        }
        (page::panels(
            "Validation accuracy by epoch.",
            &format!("{band} The scale follows the error: from 90 % to 99 % is as far as from 0 % to 90 %."),
            &draw(&errors, "top-1, %", accuracy_scale),
        ))
        (page::panels(
            "Validation negative log likelihood by epoch.",
            &format!("{band} Logarithmic scale."),
            &draw(&nll, "NLL, nats", nll_scale),
        ))
    }
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
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let (low, high) = extent(values);
    Point { epoch, mean, low, high }
}

/// The panels: all means together, then each loss before the others. None where no epoch was recorded.
fn draw(curves: &[Curve], measure: &'static str, scale: fn(f64, f64) -> (Scale, Ticks)) -> Vec<Markup> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let (low, high) = extent(points().flat_map(|point| [point.low, point.high]));
    let last = points().map(|point| point.epoch).max().unwrap_or(0);
    if last == 0 || low > high {
        return vec![html! { p { "No epochs were recorded." } }];
    }
    let (y, y_ticks) = scale(low / 1.1, high * 1.1);
    let x = Scale::linear((1.0, last as f64), AREA.left + 4.0, AREA.right - 6.0);
    let frame = Frame { measure, x, y, x_ticks: epoch_ticks(last), y_ticks };
    let together = (curves.len() > 1).then(|| frame.together(curves));
    together.into_iter().chain((0..curves.len()).map(|index| frame.single(curves, index))).collect()
}

impl Frame {
    fn panel(&self, name: &str, heading: Markup, content: Markup) -> Markup {
        crate::drawing::panel(
            HEIGHT,
            &format!("{name}, validation {} by epoch", self.measure),
            html! {
                (heading)
                text.tick x=(px(AREA.right)) y="15" text-anchor="end" { (self.measure) }
                (crate::drawing::y_axis(AREA, self.y, &self.y_ticks))
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
                (line(&self.path(curve, |point| point.mean), "mean", look.colour, look.dash))
                (self.end(curve))
            }
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
                (line(&self.path(other, |point| point.mean), "context", "#c9c9c9", "none"))
            }
            (band(&self.path(curve, |point| point.low), &self.path(curve, |point| point.high), look.colour))
            (line(&self.path(curve, |point| point.mean), "mean", look.colour, look.dash))
            (self.end(curve))
        };
        self.panel(&super::claims::capital(curve.loss.title()), heading, content)
    }

    fn path(&self, curve: &Curve, value: fn(&Point) -> f64) -> Vec<(f64, f64)> {
        curve.points.iter().map(|point| (self.x.at(point.epoch as f64), self.y.at(value(point)))).collect()
    }

    /// The loss's mark on its last epoch.
    fn end(&self, curve: &Curve) -> Markup {
        html! {
            @if let Some(last) = curve.points.last() {
                (marker(look(curve.loss), self.x.at(last.epoch as f64), self.y.at(last.mean), 4.0))
            }
        }
    }
}
