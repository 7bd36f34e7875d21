//! A figure as a panel: a line with markers and whiskers for each path, on logarithmic axes.

use maud::{Markup, html};
use softnce_report::{
    Area, Scale, Ticks, WIDTH, byte_ticks, extent, line, log_ticks, marker, number, tipped, whisker, x_axis, y_axis,
};

use super::plot::{LEAST_BYTES, Plot, Point, Quantity};
use crate::report::look::look;

/// Height of a panel.
pub(crate) const HEIGHT: f64 = 306.0;
const AREA: Area = Area { left: 66.0, right: WIDTH - 24.0, top: 44.0, bottom: 266.0 };
/// The width of a letter of a label, and the gap between two labels.
const LETTER: f64 = 6.4;
const GAP: f64 = 6.0;

/// The panel for a page.
pub(crate) fn panel(plot: &Plot) -> Markup {
    softnce_report::panel(HEIGHT, &name(plot), content(plot))
}

/// What the figure shows, in words: its range for each path.
pub(crate) fn name(plot: &Plot) -> String {
    let ranges = plot.series.iter().filter_map(|(path, points)| {
        let (first, last) = (points.first()?, points.last()?);
        Some(format!("{path} {} to {}", shown(plot, first.value), shown(plot, last.value)))
    });
    format!("{} at {}: {}", heading(plot), plot.held(), ranges.collect::<Vec<_>>().join("; "))
}

/// The drawing alone.
pub(crate) fn content(plot: &Plot) -> Markup {
    let (x, y) = (x_scale(plot), y_scale(plot));
    let ticks = match plot.kind.quantity {
        Quantity::Time => log_ticks(y_span(plot)),
        Quantity::Memory => byte_ticks(y_span(plot), 7),
    };
    let at = |point: &Point| (x.at(point.size as f64), y.at(point.value));
    html! {
        text.heading x="0" y="15" { (heading(plot)) }
        text.tick x="0" y="31" { (plot.held()) }
        (y_axis(AREA, y, &ticks, axis(plot)))
        (x_axis(AREA, x, &x_ticks(plot, x), &plot.kind.axis.title()))
        // The first path lies on top.
        @for (path, points) in plot.series.iter().rev() {
            @let look = look(*path);
            (tipped(path.name(), line(&points.iter().map(at).collect::<Vec<_>>(), "mean", look.colour, look.dash)))
            @for point in points {
                @let (across, up) = at(point);
                (tipped(&tip(plot, path.name(), point), html! {
                    @if point.high > point.low { (whisker(look, across, (y.at(point.low), y.at(point.high)))) }
                    (marker(look, across, up, 3.6))
                }))
            }
        }
    }
}

/// A point in words.
fn tip(plot: &Plot, path: &str, point: &Point) -> String {
    let letter = plot.kind.axis.letter();
    let place = format!("{path}, {letter} = {}: {}", number::count(point.size), shown(plot, point.value));
    match plot.kind.quantity {
        Quantity::Time => {
            let [low, high] = [point.low, point.high].map(number::milliseconds);
            format!("{place} ms, quartiles {low} to {high} ms")
        }
        Quantity::Memory => place,
    }
}

fn heading(plot: &Plot) -> String {
    let quantity = match plot.kind.quantity {
        Quantity::Time => "Time",
        Quantity::Memory => "Extra memory",
    };
    format!("{quantity} by {}", plot.kind.axis.title())
}

fn axis(plot: &Plot) -> &'static str {
    match plot.kind.quantity {
        Quantity::Time => "time of a call, ms",
        Quantity::Memory => "extra memory of a call",
    }
}

fn shown(plot: &Plot, value: f64) -> String {
    match plot.kind.quantity {
        Quantity::Time => number::milliseconds(value),
        Quantity::Memory if value <= LEAST_BYTES => format!("at most {}", number::bytes(LEAST_BYTES as u64)),
        Quantity::Memory => number::bytes(value as u64),
    }
}

fn x_scale(plot: &Plot) -> Scale {
    let sizes = plot.sizes();
    let ends = (sizes.first().copied().unwrap_or(1) as f64, sizes.last().copied().unwrap_or(1) as f64);
    Scale::log(ends, AREA.left + 10.0, AREA.right - 10.0)
}

/// At the sizes that were measured, without those whose labels would overlap the one before.
fn x_ticks(plot: &Plot, scale: Scale) -> Ticks {
    let mut end = f64::NEG_INFINITY;
    let sizes = plot.sizes().into_iter().filter_map(|size| {
        let (at, label) = (scale.at(size as f64), number::count(size));
        let half = LETTER * label.len() as f64 / 2.0;
        let is_free = at - half >= end + GAP;
        end = if is_free { at + half } else { end };
        is_free.then_some((size as f64, label))
    });
    Ticks::new(sizes.collect::<Vec<_>>())
}

/// From a little below the smallest to a little above the largest, and a factor of four at least.
fn y_span(plot: &Plot) -> (f64, f64) {
    let ends = extent(plot.points().flat_map(|point| [point.low, point.high]));
    let (low, high) = if ends.0 <= ends.1 { ends } else { (LEAST_BYTES, LEAST_BYTES) };
    let widen = (4.0 * low / high).sqrt().max(1.2);
    (low / widen, high * widen)
}

fn y_scale(plot: &Plot) -> Scale {
    Scale::log(y_span(plot), AREA.bottom, AREA.top)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn labels_stand_apart() {
        for plot in Plot::all(&fixture::whole()) {
            let scale = x_scale(&plot);
            let ticks = x_ticks(&plot, scale);
            assert!(ticks.values.len() >= 3, "{ticks:?}");
            let ends: Vec<(f64, f64)> = ticks
                .labelled()
                .map(|(value, label)| (scale.at(value), LETTER * label.len() as f64 / 2.0))
                .map(|(at, half)| (at - half, at + half))
                .collect();
            assert!(ends.windows(2).all(|pair| pair[1].0 - pair[0].1 >= GAP), "{ticks:?}");
        }
    }

    #[test]
    fn every_point_lies_within_the_axes() {
        let mut results = fixture::whole();
        let flat = |results: &mut crate::Results| {
            for measurement in &mut results.measurements {
                (measurement.lower_quartile_ms, measurement.median_ms, measurement.upper_quartile_ms) = (2.0, 2.0, 2.0);
            }
        };
        for _ in 0..2 {
            for plot in Plot::all(&results) {
                let (x, y) = (x_scale(&plot), y_scale(&plot));
                for point in plot.points() {
                    assert!((AREA.left..=AREA.right).contains(&x.at(point.size as f64)));
                    assert!([point.low, point.high].iter().all(|&end| (AREA.top..=AREA.bottom).contains(&y.at(end))));
                }
            }
            flat(&mut results);
        }
    }

    #[test]
    fn the_name_tells_the_ends_of_each_path() {
        let results = fixture::whole();
        let plots = Plot::all(&results);
        let time = name(&plots[0]);
        assert!(time.starts_with("Time by rows N at M=1,024, d=1,000, 2 threads: reference "), "{time}");
        assert!(name(&plots[3]).contains("copy at most 1.0 KiB to at most 1.0 KiB"), "{}", name(&plots[3]));
    }
}
