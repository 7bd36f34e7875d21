//! Marks: points, lines and bands.

use std::fmt::Write;

use maud::{Markup, html};

use super::look::{Look, Shape};
use super::px;

/// A point of a loss, outlined in white so that it stands off what lies below it.
pub(crate) fn marker(look: Look, x: f64, y: f64, radius: f64) -> Markup {
    let corners: &[(f64, f64)] = match look.shape {
        Shape::Circle => {
            return html! {
                circle.marker cx=(px(x)) cy=(px(y)) r=(px(radius)) fill=(look.colour) {}
            };
        }
        Shape::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        Shape::Triangle => &[(0.0, -1.2), (1.15, 0.85), (-1.15, 0.85)],
        Shape::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
        Shape::Wedge => &[(0.0, 1.2), (1.15, -0.85), (-1.15, -0.85)],
    };
    let corners: Vec<(f64, f64)> = corners.iter().map(|(dx, dy)| (x + radius * dx, y + radius * dy)).collect();
    html! {
        path.marker d=(format!("{}Z", outline(&corners))) fill=(look.colour) {}
    }
}

/// A line through points, with its class.
pub(crate) fn line(points: &[(f64, f64)], class: &str, colour: &str, dash: &str) -> Markup {
    html! {
        path class=(class) d=(outline(points)) stroke=(colour) stroke-dasharray=(dash) {}
    }
}

/// A band between a lower and an upper line.
pub(crate) fn band(lower: &[(f64, f64)], upper: &[(f64, f64)], colour: &str) -> Markup {
    let around: Vec<(f64, f64)> = lower.iter().chain(upper.iter().rev()).copied().collect();
    html! {
        path.band d=(format!("{}Z", outline(&around))) fill=(colour) {}
    }
}

/// A piece of a loss's line with its point, for headings and legends.
pub(crate) fn swatch(look: Look, x: f64, y: f64) -> Markup {
    html! {
        (line(&[(x, y), (x + 26.0, y)], "mean", look.colour, look.dash))
        (marker(look, x + 13.0, y, 4.0))
    }
}

fn outline(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        // Writing to a string cannot fail.
        let _ = write!(path, "{command}{} {}", px(*x), px(*y));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_goes_out_on_one_line_and_back_on_the_other() {
        let text = band(&[(0.0, 1.0), (2.0, 1.0)], &[(0.0, 3.0), (2.0, 3.0)], "#000").into_string();
        assert!(text.contains("M0 1L2 1L2 3L0 3Z"), "{text}");
    }
}
