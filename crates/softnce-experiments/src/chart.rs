//! A chart of lines over numbers, as every study draws them.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use softnce_metrics::Estimate;
use softnce_report::number::{count, fixed, setting};
use softnce_report::{
    Area, Look, SERIES, Scale, Shape, Ticks, WIDTH, band, extent, line, log_ticks, marker, panel, ticks, tipped, tips,
    whisker, x_axis, y_axis,
};

/// How the prediction of theory is drawn.
pub(crate) const REFERENCE: Look = Look { colour: "#777777", dash: "none", shape: Shape::None };

/// The styles of the lines of a drawing, in their order.
pub(crate) const LOOKS: [Look; 6] = [
    SERIES[0],
    SERIES[2],
    SERIES[1],
    SERIES[4],
    SERIES[3],
    Look { colour: "#882255", dash: "4 2", shape: Shape::Cross },
];

const AREA: Area = Area { left: 64.0, right: WIDTH - 10.0, top: 30.0, bottom: 210.0 };
/// Height of a chart.
pub(crate) const HEIGHT: f64 = 250.0;

/// One line of a chart.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// Its name, for tooltips.
    pub(crate) name: String,
    pub(crate) look: Look,
    /// `(x, y)`, in the order of x.
    pub(crate) points: Vec<(f64, f64)>,
    /// The interval or the range of each point: from, to. Empty for none.
    pub(crate) ranges: Vec<(f64, f64)>,
}

/// Where a variant is drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drawn {
    /// Nowhere.
    No,
    /// At a value on the line of a series.
    At {
        /// The series.
        series: String,
        /// Where along the axis.
        x: f64,
    },
    /// As a level along the whole axis.
    Level,
}

/// The lines of variants, each with its name, where it is drawn, and its value: one for each series, then the levels.
pub(crate) fn lines<'v>(variants: impl Iterator<Item = (&'v str, &'v Drawn, Option<Estimate>)>) -> Vec<Series> {
    type Line<'v> = (&'v str, Vec<(f64, Option<Estimate>)>);
    let mut lines: Vec<Line<'v>> = Vec::new();
    let mut levels = Vec::new();
    for (name, drawn, value) in variants {
        match drawn {
            Drawn::No => {}
            Drawn::Level => levels.push((name, value)),
            Drawn::At { series, x } => match lines.iter_mut().find(|(name, _)| name == series) {
                Some((_, points)) => points.push((*x, value)),
                None => lines.push((series, vec![(*x, value)])),
            },
        }
    }
    let ends = extent(lines.iter().flat_map(|(_, points)| points.iter().map(|point| point.0)));
    lines.extend(levels.into_iter().map(|(name, value)| (name, vec![(ends.0, value), (ends.1, value)])));
    let series = lines.into_iter().zip(LOOKS.iter().cycle()).map(|((name, points), look)| {
        let there: Vec<_> = points.into_iter().filter_map(|(x, value)| Some((x, value?))).collect();
        Series {
            name: name.to_owned(),
            look: *look,
            points: there.iter().map(|(x, value)| (*x, value.mean)).collect(),
            ranges: there.iter().map(|(_, value)| value.span().into()).collect(),
        }
    });
    series.collect()
}

/// How a chart counts along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spacing {
    Even,
    /// By powers; the values are above 0.
    Log,
}

/// A chart of its own.
#[derive(Debug, Clone)]
pub(crate) struct Chart<'a> {
    pub(crate) title: &'a str,
    pub(crate) x: (&'a str, Spacing),
    pub(crate) y: (&'a str, Spacing),
    /// Decimals of the values, in tooltips.
    pub(crate) decimals: usize,
    /// A name and a line, drawn thin and grey below the others.
    pub(crate) references: Vec<(&'a str, Vec<(f64, f64)>)>,
    pub(crate) series: Vec<Series>,
    /// Whether points are marked and their ranges drawn as strokes; else lines with bands.
    pub(crate) marked: bool,
}

impl Chart<'_> {
    /// What it shows, in words.
    pub(crate) fn name(&self) -> String {
        format!("{}: {} by {}", self.title, self.y.0, self.x.0)
    }

    /// The entries of its legend.
    pub(crate) fn looks(&self) -> Vec<(Look, &str)> {
        self.series.iter().map(|series| (series.look, series.name.as_str())).collect()
    }

    /// The drawing.
    pub(crate) fn panel(&self) -> Markup {
        let all = || {
            self.series
                .iter()
                .flat_map(|series| &series.points)
                .chain(self.references.iter().flat_map(|(_, line)| line))
        };
        let ranges = || self.series.iter().flat_map(|series| &series.ranges);
        let heights = all().map(|point| point.1).chain(ranges().flat_map(|range| [range.0, range.1]));
        let (across, across_ticks) =
            axis(all().map(|point| point.0), self.x.1, (AREA.left + 6.0, AREA.right - 8.0), 0.0);
        let (up, up_ticks) = axis(heights, self.y.1, (AREA.bottom, AREA.top), 0.06);
        // The room at either end may lie beyond the range of a share.
        let up_ticks = if self.y.0.ends_with(", %") { up_ticks.within(0.0, 100.0) } else { up_ticks };
        let place = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
            points.iter().map(|&(x, y)| (across.at(x), up.at(y))).collect()
        };
        panel(
            HEIGHT,
            &self.name(),
            html! {
                text.heading x="0" y="15" { (self.title) }
                (y_axis(AREA, up, &up_ticks, self.y.0))
                (x_axis(AREA, across, &across_ticks, self.x.0))
                @for (name, reference) in &self.references {
                    (tipped(name, line(&place(reference), "context", REFERENCE.colour, REFERENCE.dash)))
                }
                @for series in self.series.iter().rev() {
                    @let look = series.look;
                    @let points = place(&series.points);
                    @if !self.marked && !series.ranges.is_empty() {
                        @let edge = |pick: fn(&(f64, f64)) -> f64| -> Vec<(f64, f64)> {
                            points.iter().zip(&series.ranges).map(|(point, range)| (point.0, up.at(pick(range)))).collect()
                        };
                        (tipped(
                            &format!("{}: range of the seeds", series.name),
                            band(&edge(|range| range.0), &edge(|range| range.1), look.colour),
                        ))
                    }
                    (tipped(&series.name, line(&points, "mean", look.colour, look.dash)))
                    @if self.marked {
                        @for (at, &(x, y)) in points.iter().enumerate() {
                            (tipped(&self.tip(series, at), html! {
                                @if let Some(&(from, to)) = series.ranges.get(at) {
                                    (whisker(look, x, (up.at(from), up.at(to))))
                                }
                                (marker(look, x, y, 3.6))
                            }))
                        }
                    } @else {
                        (tips(points.iter().enumerate().map(|(at, &(x, y))| (x, y, self.tip(series, at)))))
                    }
                }
            },
        )
    }

    /// A point in words.
    fn tip(&self, series: &Series, at: usize) -> String {
        let (x, y) = series.points[at];
        let value = |value: f64| fixed(value, self.decimals);
        let x = if x >= 1000.0 && x.fract() == 0.0 { count(x as usize) } else { setting((x * 1e6).round() / 1e6) };
        let mean = format!("{}; {} {x}: {} {}", series.name, self.x.0, self.y.0, value(y));
        match series.ranges.get(at) {
            Some((from, to)) if from < to => format!("{mean}, {} to {}", value(*from), value(*to)),
            _ => mean,
        }
    }
}

/// A scale over all values, with its ticks; `room` is left at either end, as a share of the span.
fn axis(values: impl Iterator<Item = f64>, spacing: Spacing, (from, to): (f64, f64), room: f64) -> (Scale, Ticks) {
    let log = spacing == Spacing::Log;
    let values = values.filter(|value| value.is_finite() && (!log || *value > 0.0));
    let (low, high) = extent(values);
    let (low, high) = if low <= high { (low, high) } else { (1.0, 1.0) };
    if log {
        let factor = (high / low).powf(room).max(1.0 + room);
        let span = (low / factor, high * factor);
        (Scale::log(span, from, to), apart(log_ticks(span)))
    } else {
        let rest = room * if high > low { high - low } else { 1.0 };
        let span = (low - rest, high + rest);
        (Scale::linear(span, from, to), ticks(span, 5))
    }
}

/// The powers of ten alone where the ticks would stand too close.
fn apart(ticks: Ticks) -> Ticks {
    const MOST: usize = 6;
    let is_power = |value: f64| value.log10().fract().abs() < 1e-9;
    let all: Vec<(f64, String)> = ticks.labelled().map(|(value, label)| (value, label.to_owned())).collect();
    let many = all.len() > MOST && all.iter().filter(|(value, _)| is_power(*value)).count() > 1;
    Ticks::new(all.into_iter().filter(|(value, _)| !many || is_power(*value)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_chart_is_well_formed_whatever_its_values() {
        let look = Look { colour: "#000000", dash: "none", shape: Shape::Circle };
        for (points, spacing) in [
            (vec![], Spacing::Even),
            (vec![(1.0, 1.0)], Spacing::Log),
            (vec![(1.0, f64::NAN), (2.0, 3.0)], Spacing::Even),
            (vec![(2.0, 1e-3), (4096.0, 10.0)], Spacing::Log),
        ] {
            for marked in [true, false] {
                let ranges = points.iter().map(|&(_, y)| (0.9 * y, 1.1 * y)).collect();
                let series = vec![Series { name: "c & d".into(), look, points: points.clone(), ranges }];
                let (x, y) = (("x", spacing), ("y", spacing));
                let references = vec![("theory", points.clone())];
                let chart = Chart { title: "a < b", x, y, decimals: 3, references, series, marked };
                let text = chart.panel().into_string();
                roxmltree::Document::parse(&text).unwrap();
                assert!(!text.contains("inf"), "{text}");
            }
        }
    }
}
