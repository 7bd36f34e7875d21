//! Panels of means with their intervals and the single seeds.

use maud::{Markup, html};
use softnce::LossKind;
use softnce_metrics::{Direction, ECE_EQUAL_MASS, Estimate, Metric, NLL, TOP1};

use super::claims;
use crate::drawing::{Area, Scale, WIDTH, interval, px, sheet, spread, upright};
use crate::loss::look;
use crate::results::Comparison;
use crate::{format, page};

/// One loss in a panel; values as stored, not scaled.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) loss: LossKind,
    pub(crate) estimate: Estimate,
    pub(crate) seeds: Vec<f64>,
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

/// What the marks of a panel are, for captions.
pub(crate) const MARKS: &str = "Mark and bar: mean and, with more than one seed, its 95 % interval over the seeds; \
                                faint dots below: the single seeds.";

const HEAD: f64 = 34.0;
const ROW: f64 = 54.0;
const AXIS: f64 = 28.0;

/// The metrics drawn with their intervals, as a file of its own.
pub fn standalone(results: &Comparison) -> String {
    let height = bottom(results.summaries.len()) + AXIS;
    let name = "Top-1 accuracy, negative log likelihood and calibration error of each loss, with 95 % intervals";
    sheet(name, DRAWN.len(), height, &panels(results), &[])
}

/// The metrics drawn with their intervals.
pub(crate) fn figure(results: &Comparison) -> Markup {
    let paired = if claims::has_differences(results) {
        " Overlapping intervals do not mean that two losses are alike: the runs are paired by seed, and the paired \
         differences are the sharper comparison."
    } else {
        ""
    };
    let caption = format!(
        "{MARKS} In the panel of the calibration error, the grey upright stroke is what a perfectly calibrated model \
         would show. The axes do not start at zero.{paired}",
    );
    page::panels("Means with intervals.", &caption, &panels(results))
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
                    seeds: runs.filter_map(|run| run.test.get(metric)).collect(),
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
    let shown = rows
        .iter()
        .flat_map(|row| row.estimate.span().into_iter().chain(row.seeds.iter().copied()).chain(row.calibrated));
    let least = 20.0 * 10f64.powi(-(metric.unit.decimals() as i32));
    let span = spread(shown.map(|value| value * factor).chain(zero), least);
    let area = Area { left: 0.0, right: WIDTH, top: HEAD, bottom: bottom(rows.len()) };
    let scale = Scale::linear(span, area.left + 6.0, area.right - 6.0);
    let ticks = crate::drawing::ticks(span, 4);
    let (what, direction) = head(metric, kind);
    let name = format!("{what}: {}", describe(metric, rows, kind));
    crate::drawing::panel(
        area.bottom + AXIS,
        &name,
        html! {
            text.heading x="0" y="15" { (what) }
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
            (crate::drawing::x_axis(area, scale, &ticks, ""))
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
        @for x in row.seeds.iter().filter_map(|value| at(*value)) {
            circle.seed cx=(px(x)) cy=(px(dots)) r="3.2" fill=(look.colour) {}
        }
        @if let Some(x) = row.calibrated.and_then(at) {
            (upright("calibrated", x, (line - 7.0, line + 7.0)))
        }
        @if let Some(x) = at(row.estimate.mean) {
            @let ends = row.estimate.interval().map(|[from, to]| (scale.at(from * factor), scale.at(to * factor)));
            (interval(look, line, x, ends))
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

/// The panel's heading, and which way is better.
fn head(metric: Metric, kind: Kind) -> (String, &'static str) {
    let what = match kind {
        Kind::Value => format!("{}{}", metric.title, metric.unit.after_title()),
        Kind::Difference => format!("{}{}", metric.short_title, metric.unit.after_difference_title()),
    };
    let direction = match metric.direction {
        Direction::Higher => "higher is better \u{2192}",
        Direction::Lower => "\u{2190} lower is better",
    };
    (what, direction)
}
