//! The claims as a drawing: each difference with its interval, beside the margin.

use maud::{Markup, html};
use softnce_plot::number::signed;
use softnce_plot::{Area, Scale, WIDTH, marker, px, spread, ticks, x_axis};
use softnce_train::report::look;

use super::results::{Claim, PicturesResults};
use crate::estimate::estimate;

/// Height of a set's name, of a claim, of the axis below all.
const HEAD: f64 = 26.0;
const ROW: f64 = 42.0;
const AXIS: f64 = 40.0;
/// From the top of a claim to where its strokes begin, and to where they end.
const OVER: f64 = 18.0;
const UNDER: f64 = 36.0;
/// The least span of the axis, in points.
const LEAST: f64 = 1.0;
const NAME: &str = "Soft target InfoNCE less each other loss in test accuracy, with 95 % intervals";

/// The drawing on a page.
pub(super) fn panel(results: &PicturesResults) -> Markup {
    let (height, content) = drawing(results);
    softnce_plot::panel(height, NAME, content)
}

/// The drawing as a file of its own.
pub(super) fn standalone(results: &PicturesResults) -> String {
    let (height, content) = drawing(results);
    softnce_plot::standalone(height, NAME, content)
}

/// Its height, and what is drawn.
fn drawing(results: &PicturesResults) -> (f64, Markup) {
    let margin = results.config.margin;
    let ends = results.sets.iter().flat_map(|set| &set.claims).flat_map(|claim| {
        let half = claim.difference.half_width.unwrap_or(0.0);
        [claim.difference.mean - half, claim.difference.mean + half]
    });
    let span = spread(ends.chain([-margin, margin]), LEAST);
    let heights = results.sets.iter().map(|set| HEAD + ROW * set.claims.len() as f64);
    let tops = heights.clone().scan(0.0, |next, height| Some(std::mem::replace(next, *next + height)));
    let area = Area { left: 0.0, right: WIDTH, top: 0.0, bottom: heights.clone().sum() };
    let scale = Scale::linear(span, area.left + 6.0, area.right - 6.0);
    let round = ticks(span, 5);
    let content = html! {
        @for (set, top) in results.sets.iter().zip(tops) {
            text.heading x="0" y=(px(top + 17.0)) { (set.name) }
            @for (index, claim) in set.claims.iter().enumerate() {
                @let top = top + HEAD + ROW * index as f64;
                @for value in &round.values { (upright("grid", scale.at(*value), top)) }
                @if claim.equivalence.is_some() {
                    @let [from, to] = [-margin, margin].map(|end| scale.at(end));
                    rect.band x=(px(from)) width=(px(to - from)) y=(px(top + OVER)) height=(px(UNDER - OVER)) fill="#777" {}
                }
                (upright("zero", scale.at(0.0), top))
                (row(claim, scale, top))
            }
        }
        (x_axis(area, scale, &round, "points of test accuracy; to the right, soft target InfoNCE is ahead"))
    };
    (area.bottom + AXIS, content)
}

/// A claim, its difference in figures above its interval.
fn row(claim: &Claim, scale: Scale, top: f64) -> Markup {
    let look = look(claim.other);
    let (line, mean) = (top + (OVER + UNDER) / 2.0, claim.difference.mean);
    html! {
        text.label x="0" y=(px(top + 12.0)) { (claim.words()) }
        text.value x=(px(WIDTH)) y=(px(top + 12.0)) text-anchor="end" {
            (estimate(claim.difference, 2, signed))
        }
        @if mean.is_finite() {
            @if let Some(half) = claim.difference.half_width.filter(|half| half.is_finite()) {
                g stroke=(look.colour) {
                    line.interval x1=(px(scale.at(mean - half))) x2=(px(scale.at(mean + half))) y1=(px(line)) y2=(px(line)) {}
                }
            }
            (marker(look, scale.at(mean), line, 4.5))
        }
    }
}

/// A stroke over the height of a row's interval.
fn upright(class: &str, x: f64, top: f64) -> Markup {
    html! { line class=(class) x1=(px(x)) x2=(px(x)) y1=(px(top + OVER)) y2=(px(top + UNDER)) {} }
}
