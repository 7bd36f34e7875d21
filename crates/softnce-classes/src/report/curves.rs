//! Likelihood and precision against steps and seconds.

use maud::{Markup, html};
use softnce_report::number::{count, duration, fixed};
use softnce_report::{
    Area, SERIES, Scale, Ticks, WIDTH, extent, line, log_ticks, marker, panel, sheet, spread, ticks, tipped, tips,
    x_axis, y_axis,
};

use crate::results::{Evaluation, RunResults};

const AREA: Area = Area { left: 64.0, right: WIDTH - 10.0, top: 30.0, bottom: 200.0 };
const HEIGHT: f64 = 240.0;

/// What the panels by steps show.
pub(super) const CAPTION: &str =
    "Each point is an evaluation over all classes. The negative log likelihood has a logarithmic scale.";
/// What the panels by seconds show.
pub(super) const SECONDS: &str = "The same by seconds of training, without the evaluations.";

/// The panels in a file of its own.
pub(super) fn file(results: &RunResults) -> String {
    let panels: Vec<Markup> = [Axis::Steps, Axis::Seconds].into_iter().flat_map(|axis| panels(results, axis)).collect();
    sheet("Likelihood and precision by steps and seconds", 2, HEIGHT, &panels, &[])
}

/// A panel for each quantity.
pub(super) fn panels(results: &RunResults, axis: Axis) -> Vec<Markup> {
    [likelihood(results, axis), precision(results, axis)].into_iter().flatten().collect()
}

/// What an evaluation is drawn against.
#[derive(Debug, Clone, Copy)]
pub(super) enum Axis {
    /// Steps.
    Steps,
    /// Seconds of training.
    Seconds,
}

impl Axis {
    fn of(self, evaluation: &Evaluation) -> f64 {
        match self {
            Axis::Steps => evaluation.step as f64,
            Axis::Seconds => evaluation.seconds,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Axis::Steps => "steps",
            Axis::Seconds => "seconds",
        }
    }

    fn ticks(self, last: f64) -> Ticks {
        let found = ticks((0.0, last), 5);
        match self {
            // Few steps have ticks between them.
            Axis::Steps if found.values.iter().any(|value| value.fract() != 0.0) => {
                let whole = found.values.into_iter().filter(|value| value.fract() == 0.0);
                Ticks::new(whole.map(|value| (value, fixed(value, 0))))
            }
            _ => found,
        }
    }
}

fn likelihood(results: &RunResults, axis: Axis) -> Option<Markup> {
    let values: Vec<f64> = results.history.iter().map(|evaluation| evaluation.nll).collect();
    let (low, high) = extent(values.iter().map(|value| value.max(1e-12)));
    let span = (low / 1.1, high * 1.1);
    let y = (Scale::log(span, AREA.bottom, AREA.top), log_ticks(span));
    draw(results, axis, ("Negative log likelihood", "nats"), &values, y, |nll| format!("{} nats", fixed(nll, 4)))
}

/// The precision at the smallest k.
fn precision(results: &RunResults, axis: Axis) -> Option<Markup> {
    let least = |evaluation: &Evaluation| evaluation.ranking.at.iter().min_by_key(|at| at.k).copied();
    let found: Vec<_> = results.history.iter().filter_map(least).collect();
    let title = format!("Precision at {}", found.first()?.k);
    let values: Vec<f64> = found.iter().map(|at| 100.0 * at.precision).collect();
    let (low, high) = spread(values.iter().copied(), 1.0);
    let span = (low.max(0.0), high.min(100.0));
    let y = (Scale::linear(span, AREA.bottom, AREA.top), ticks(span, 5));
    draw(results, axis, (&title, "%"), &values, y, |precision| format!("{} %", fixed(precision, 2)))
}

/// A panel of a value for each evaluation; `None` without any.
fn draw(
    results: &RunResults,
    axis: Axis,
    (title, unit): (&str, &str),
    values: &[f64],
    (y, y_ticks): (Scale, Ticks),
    words: fn(f64) -> String,
) -> Option<Markup> {
    let last = results.history.iter().map(|evaluation| axis.of(evaluation)).fold(0.0, f64::max);
    let x = Scale::linear((0.0, last), AREA.left + 4.0, AREA.right - 6.0);
    let points = results.history.iter().zip(values).filter(|(_, value)| value.is_finite());
    let marks: Vec<(f64, f64, String)> = points
        .map(|(evaluation, &value)| {
            let (step, time) = (count(evaluation.step as usize), duration(evaluation.seconds));
            (x.at(axis.of(evaluation)), y.at(value), format!("step {step}, {time}: {}", words(value)))
        })
        .collect();
    let places: Vec<(f64, f64)> = marks.iter().map(|&(x, y, _)| (x, y)).collect();
    let (end_x, end_y, end) = marks.last()?.clone();
    let look = SERIES[0];
    Some(panel(
        HEIGHT,
        &format!("{title} by {}", axis.title()),
        html! {
            text.heading x="0" y="15" { (title) }
            (y_axis(AREA, y, &y_ticks, unit))
            (x_axis(AREA, x, &axis.ticks(last), axis.title()))
            (tipped(title, line(&places, "mean", look.colour, look.dash)))
            (tips(marks))
            (tipped(&end, marker(look, end_x, end_y, 4.0)))
        },
    ))
}
