//! The claims as a drawing: each difference with its interval, beside the margin.

use maud::{Markup, html};
use softnce_report::number::{setting, signed};
use softnce_report::{Area, Scale, WIDTH, interval, look, px, spread, ticks, tipped, upright, with_interval, x_axis};

use super::results::{Claim, PicturesResults};

/// Height of a set's name, of a claim, of the axis below all.
const HEAD: f64 = 26.0;
const ROW: f64 = 42.0;
const AXIS: f64 = 58.0;
/// Distances from the top of a claim to the upper and the lower end of its strokes.
const OVER: f64 = 18.0;
const UNDER: f64 = 36.0;
/// The least span of the axis, in points.
const LEAST: f64 = 1.0;
/// The colour of the margin.
const GREY: &str = "#777777";

/// The drawing on a page.
pub(super) fn panel(results: &PicturesResults) -> Markup {
    let (height, content) = drawing(results);
    softnce_report::panel(height, &name(results), content)
}

/// The drawing as a file of its own.
pub(super) fn standalone(results: &PicturesResults) -> String {
    let (height, content) = drawing(results);
    softnce_report::standalone(height, &name(results), content)
}

/// What is drawn, in words.
fn name(results: &PicturesResults) -> String {
    let claims = results.sets.iter().flat_map(|set| {
        set.claims
            .iter()
            .map(|claim| format!("{}, {}: {}", set.name, claim.words(), with_interval(claim.difference, 2, signed)))
    });
    format!(
        "Test accuracy of soft target InfoNCE less that of the other loss, points. {}",
        claims.collect::<Vec<_>>().join("; ")
    )
}

/// Its height, and what is drawn.
fn drawing(results: &PicturesResults) -> (f64, Markup) {
    let margin = results.config.margin;
    let ends = results.sets.iter().flat_map(|set| &set.claims).flat_map(|claim| claim.difference.span());
    let span = spread(ends.chain([-margin, margin]), LEAST);
    let heights = results.sets.iter().map(|set| HEAD + ROW * set.claims.len() as f64);
    let tops = heights.clone().scan(0.0, |next, height| Some(std::mem::replace(next, *next + height)));
    let area = Area { left: 0.0, right: WIDTH, top: 0.0, bottom: heights.sum() };
    let scale = Scale::linear(span, area.left + 6.0, area.right - 6.0);
    let round = ticks(span, 5);
    let content = html! {
        @for (set, top) in results.sets.iter().zip(tops) {
            text.heading x="0" y=(px(top + 17.0)) { (set.name) }
            @for (index, claim) in set.claims.iter().enumerate() {
                @let top = top + HEAD + ROW * index as f64;
                @for value in &round.values { (stroke("grid", scale.at(*value), top)) }
                @if claim.equivalence.is_some() {
                    @let [from, to] = [-margin, margin].map(|end| scale.at(end));
                    (tipped(
                        &format!("margin: −{} to +{} points", setting(margin), setting(margin)),
                        html! {
                            rect.band x=(px(from)) width=(px(to - from)) y=(px(top + OVER)) height=(px(UNDER - OVER))
                                fill=(GREY) {}
                        },
                    ))
                }
                (stroke("zero", scale.at(0.0), top))
                (row(&set.name, claim, scale, top))
            }
        }
        (x_axis(area, scale, &round, "difference, points; right of 0: soft target InfoNCE is better"))
        text.label x=(px(WIDTH / 2.0)) y=(px(area.bottom + 50.0)) text-anchor="middle" {
            "grey: the margin of " (setting(margin)) " points for \"on par\""
        }
    };
    (area.bottom + AXIS, content)
}

/// A claim, its difference in figures above its interval.
fn row(set: &str, claim: &Claim, scale: Scale, top: f64) -> Markup {
    let look = look(claim.other);
    let (line, mean) = (top + (OVER + UNDER) / 2.0, claim.difference.mean);
    html! {
        text.label x="0" y=(px(top + 12.0)) { (claim.words()) }
        text.value x=(px(WIDTH)) y=(px(top + 12.0)) text-anchor="end" {
            (with_interval(claim.difference, 2, signed))
        }
        @if mean.is_finite() {
            @let ends = claim.difference.interval().map(|[from, to]| (scale.at(from), scale.at(to)));
            @let interval_words = claim.difference.interval().map(|[from, to]| {
                format!(", 95 % interval {} to {}", signed(from, 2), signed(to, 2))
            });
            @let tip = format!(
                "{set}, {}: {} points{}", claim.words(), signed(mean, 2), interval_words.unwrap_or_default()
            );
            (tipped(&tip, interval(look, line, scale.at(mean), ends)))
        }
    }
}

/// A stroke over the height of a row's interval.
fn stroke(class: &str, x: f64, top: f64) -> Markup {
    upright(class, x, (top + OVER, top + UNDER))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use softnce::LossKind;
    use softnce_metrics::Estimate;
    use softnce_report::results::Setting;

    use super::*;
    use crate::pictures::{PicturesConfig, SetResults, Verdict};

    #[test]
    fn it_is_well_formed_whatever_the_differences() {
        let claim = |mean: f64, half_width: Option<f64>| Claim {
            other: LossKind::Nll,
            difference: Estimate { mean, half_width },
            equivalence: None,
            verdict: Verdict::Open,
        };
        let (data, network) = ("pictures".into(), "a network".into());
        let size = Setting { data, network, train: 8, validation: 2, test: 4, classes: 2, parameters: 3 };
        let set = |claims: Vec<Claim>| SetResults {
            name: "a < b".into(),
            setting: size.clone(),
            epochs: 1,
            rates: vec![0.1],
            recipe: String::new(),
            diverged: Vec::new(),
            rows: Vec::new(),
            claims,
        };
        let claims =
            vec![claim(1.0, Some(0.5)), claim(1.0, None), claim(1.0, Some(f64::INFINITY)), claim(f64::NAN, None)];
        for sets in [vec![], vec![set(vec![])], vec![set(claims), set(vec![claim(-2.0, Some(0.1))])]] {
            let marks =
                sets.iter().flat_map(|set| &set.claims).filter(|claim| claim.difference.mean.is_finite()).count();
            let (version, command) = (String::new(), String::new());
            let results = PicturesResults { version, command, config: PicturesConfig::default(), sets };
            let text = standalone(&results);
            let document = roxmltree::Document::parse(&text).unwrap();
            let is_mark = |node: &roxmltree::Node<'_, '_>| node.attribute("class") == Some("marker");
            assert_eq!(document.descendants().filter(is_mark).count(), marks);
            assert!(!text.contains("=\"NaN") && !text.contains("=\"inf"), "{text}");
        }
    }
}
