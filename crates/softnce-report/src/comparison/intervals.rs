//! Panels of means with their intervals and the individual seeds.

use maud::{Markup, html};
use softnce::LossKind;
use softnce_metrics::{Direction, ECE_EQUAL_MASS, Estimate, Metric, NLL, TOP1, Unit};

use super::{claims, words};
use crate::drawing::{Area, Scale, WIDTH, interval, px, sheet, spread, tipped, upright};
use crate::loss::look;
use crate::results::{Comparison, LossSummary};
use crate::{format, page};

/// One loss in a panel; values as stored, not scaled.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) loss: LossKind,
    pub(crate) estimate: Estimate,
    /// Each seed with its value.
    pub(crate) seeds: Vec<(u64, f64)>,
    /// What a perfectly calibrated model would show.
    pub(crate) calibrated: Option<f64>,
}

/// What a panel's rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Value,
    Difference,
}

/// Metrics drawn beside the table; the others are in it.
const DRAWN: [Metric; 3] = [TOP1, NLL, ECE_EQUAL_MASS];

/// What the marks of the panels are, for captions.
pub(crate) fn marks(rows: usize) -> &'static str {
    if rows > 1 {
        "Mark and bar: mean over the seeds and its 95 % interval. Faint dots below: the individual seeds."
    } else {
        "Mark, and faint dot below: the only seed."
    }
}

const HEAD: f64 = 34.0;
const ROW: f64 = 54.0;
const AXIS: f64 = 40.0;

/// The metrics drawn with their intervals, as a file of its own.
pub fn standalone(results: &Comparison) -> String {
    let height = bottom(results.summaries.len()) + AXIS;
    let name = "Top-1 accuracy, negative log likelihood and calibration error of each loss, with 95 % intervals";
    sheet(name, DRAWN.len(), height, &panels(results), &[])
}

/// The metrics drawn with their intervals.
pub(crate) fn figure(results: &Comparison) -> Markup {
    let paired = if claims::has_differences(results) && words::seeds(results) > 1 {
        " Overlapping intervals do not show that two losses are alike: the runs are paired by seed, and the paired \
         differences below are more precise."
    } else {
        ""
    };
    let drawn = |summary: &LossSummary| {
        summary.metric(ECE_EQUAL_MASS).is_some_and(|found| found.calibrated_reference.is_some())
    };
    let calibrated = if results.summaries.iter().any(drawn) {
        " The grey upright stroke in the panel of the calibration error: what a perfectly calibrated model would show by \
         chance."
    } else {
        ""
    };
    let caption = format!("{}{calibrated} The axes need not start at zero.{paired}", marks(words::seeds(results)));
    page::panels(
        if words::seeds(results) > 1 { "Means with intervals." } else { "The values drawn." },
        &caption,
        &panels(results),
    )
}

fn panels(results: &Comparison) -> Vec<Markup> {
    let panels = DRAWN.into_iter().map(|metric| {
        let rows: Vec<Row> = results
            .summaries
            .iter()
            .filter_map(|summary| {
                let entry = summary.metric(metric)?;
                let runs = results.runs.iter().filter(|run| run.loss == summary.loss);
                Some(Row {
                    loss: summary.loss,
                    estimate: entry.value,
                    seeds: runs.filter_map(|run| Some((run.seed, run.test.get(metric)?))).collect(),
                    calibrated: entry.calibrated_reference,
                })
            })
            .collect();
        panel(metric, &rows, Kind::Value)
    });
    panels.collect()
}

/// Where the plot area of a panel ends.
fn bottom(rows: usize) -> f64 {
    HEAD + ROW * rows as f64
}

/// One panel: a row a loss, its name and numbers above its interval.
pub(crate) fn panel(metric: Metric, rows: &[Row], kind: Kind) -> Markup {
    let factor = metric.unit.scale();
    let zero = (kind == Kind::Difference).then_some(0.0);
    let shown = rows.iter().flat_map(|row| {
        row.estimate.span().into_iter().chain(row.seeds.iter().map(|seed| seed.1)).chain(row.calibrated)
    });
    let least = 20.0 * 10f64.powi(-(metric.unit.decimals() as i32));
    let span = spread(shown.map(|value| value * factor).chain(zero), least);
    let area = Area { left: 0.0, right: WIDTH, top: HEAD, bottom: bottom(rows.len()) };
    let scale = Scale::linear(span, area.left + 6.0, area.right - 6.0);
    let ticks = crate::drawing::ticks(span, 4);
    let ticks = match (metric.unit, kind) {
        // The room beside the marks may lie beyond the range of a share.
        (Unit::Share, Kind::Value) => ticks.within(0.0, 100.0),
        _ => ticks,
    };
    let (heading, what, direction) = head(metric, kind);
    let name = format!("{what}: {}", describe(metric, rows, kind));
    crate::drawing::panel(
        area.bottom + AXIS,
        &name,
        html! {
            text.heading x="0" y="15" { (heading) }
            text.tick x=(px(area.right)) y="15" text-anchor="end" { (direction) }
            @for (index, row) in rows.iter().enumerate() {
                @let top = HEAD + ROW * index as f64;
                @for value in &ticks.values {
                    (upright("grid", scale.at(*value), (top + 18.0, top + 43.0)))
                }
                @if zero.is_some() {
                    (upright("zero", scale.at(0.0), (top + 18.0, top + 43.0)))
                }
                (draw(row, metric, kind, scale, top))
            }
            (crate::drawing::x_axis(area, scale, &ticks, &what))
        },
    )
}

fn draw(row: &Row, metric: Metric, kind: Kind, scale: Scale, top: f64) -> Markup {
    let look = look(row.loss);
    let factor = metric.unit.scale();
    let at = |value: f64| value.is_finite().then(|| scale.at(value * factor));
    let (line, dots) = (top + 26.0, top + 38.0);
    html! {
        text.label x="0" y=(px(top + 12.0)) { (row.loss.title()) }
        text.value x=(px(WIDTH)) y=(px(top + 12.0)) text-anchor="end" { (numbers(row, metric, kind)) }
        @for (seed, value) in &row.seeds {
            @if let Some(x) = at(*value) {
                @let shown = shown(*value, metric, kind);
                (tipped(
                    &format!("{}, seed {seed}: {shown}", row.loss.title()),
                    html! { circle.seed cx=(px(x)) cy=(px(dots)) r="3.2" fill=(look.colour) {} },
                ))
            }
        }
        @if let Some((reference, x)) = row.calibrated.and_then(|value| Some((value, at(value)?))) {
            (tipped(
                &format!("{}, if perfectly calibrated: {}", row.loss.title(), shown(reference, metric, kind)),
                upright("calibrated", x, (line - 7.0, line + 7.0)),
            ))
        }
        @if let Some(x) = at(row.estimate.mean) {
            @let ends = row.estimate.interval().map(|[from, to]| (scale.at(from * factor), scale.at(to * factor)));
            (tipped(&tip(row, metric, kind), interval(look, line, x, ends)))
        }
    }
}

/// A value with its unit.
fn shown(value: f64, metric: Metric, kind: Kind) -> String {
    let (value, decimals) = (value * metric.unit.scale(), metric.unit.decimals());
    match kind {
        Kind::Value => format!("{}{}", format::fixed(value, decimals), metric.unit.after_value()),
        Kind::Difference => format!("{}{}", format::signed(value, decimals), metric.unit.after_difference()),
    }
}

/// A mean with its interval in words.
fn tip(row: &Row, metric: Metric, kind: Kind) -> String {
    let mean = format!("{}: {}", row.loss.title(), shown(row.estimate.mean, metric, kind));
    match row.estimate.interval() {
        None => mean,
        Some(ends) => {
            let [from, to] = ends.map(|end| shown(end, metric, kind));
            format!("{mean}, 95 % interval {from} to {to}")
        }
    }
}

fn numbers(row: &Row, metric: Metric, kind: Kind) -> String {
    match kind {
        Kind::Value => format::estimate(row.estimate, metric),
        Kind::Difference => format::difference(row.estimate, metric),
    }
}

fn describe(metric: Metric, rows: &[Row], kind: Kind) -> String {
    let rows: Vec<String> =
        rows.iter().map(|row| format!("{} {}", row.loss.title(), numbers(row, metric, kind))).collect();
    rows.join("; ")
}

/// The panel's heading, the title of its axis, and which way is better.
fn head(metric: Metric, kind: Kind) -> (&'static str, String, &'static str) {
    let (heading, axis) = match kind {
        Kind::Value => (metric.title, format!("{}{}", metric.phrase, metric.unit.after_title())),
        Kind::Difference => (metric.short_title, format!("difference{}", metric.unit.after_difference_title())),
    };
    let direction = match metric.direction {
        Direction::Higher => "higher is better \u{2192}",
        Direction::Lower => "\u{2190} lower is better",
    };
    (heading, axis, direction)
}
