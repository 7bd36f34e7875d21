//! Marks: points, lines, bands and whiskers.

use std::fmt::Write;

use maud::{Markup, html};

use super::frame::px;
use super::look::{Look, Shape};

/// A point of a series, outlined in white to stand out from lines below it.
pub fn marker(look: Look, x: f64, y: f64, radius: f64) -> Markup {
    let corners: &[(f64, f64)] = match look.shape {
        Shape::None => return html! {},
        Shape::Circle => {
            return html! {
                circle.marker cx=(px(x)) cy=(px(y)) r=(px(radius)) fill=(look.colour) {}
            };
        }
        Shape::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        Shape::Triangle => &[(0.0, -1.2), (1.15, 0.85), (-1.15, 0.85)],
        Shape::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
        Shape::Wedge => &[(0.0, 1.2), (1.15, -0.85), (-1.15, -0.85)],
        Shape::Left => &[(-1.2, 0.0), (0.85, 1.15), (0.85, -1.15)],
        Shape::Right => &[(1.2, 0.0), (-0.85, 1.15), (-0.85, -1.15)],
        Shape::Plus => &PLUS,
        Shape::Cross => &PLUS.map(|(dx, dy)| (0.75 * (dx - dy), 0.75 * (dx + dy))),
        Shape::Star => &STAR,
    };
    let corners: Vec<(f64, f64)> = corners.iter().map(|(dx, dy)| (x + radius * dx, y + radius * dy)).collect();
    html! {
        path.marker d=(format!("{}Z", outline(&corners))) fill=(look.colour) {}
    }
}

/// The corners of an upright cross.
const PLUS: [(f64, f64); 12] = [
    (-0.45, -1.3),
    (0.45, -1.3),
    (0.45, -0.45),
    (1.3, -0.45),
    (1.3, 0.45),
    (0.45, 0.45),
    (0.45, 1.3),
    (-0.45, 1.3),
    (-0.45, 0.45),
    (-1.3, 0.45),
    (-1.3, -0.45),
    (-0.45, -0.45),
];

/// The corners of a star of four points.
const STAR: [(f64, f64); 8] =
    [(0.0, -1.6), (0.45, -0.45), (1.6, 0.0), (0.45, 0.45), (0.0, 1.6), (-0.45, 0.45), (-1.6, 0.0), (-0.45, -0.45)];

/// A line through points, with its class.
pub fn line(points: &[(f64, f64)], class: &str, colour: &str, dash: &str) -> Markup {
    html! {
        path class=(class) d=(outline(points)) stroke=(colour) stroke-dasharray=(dash) {}
    }
}

/// A band between a lower and an upper line.
pub fn band(lower: &[(f64, f64)], upper: &[(f64, f64)], colour: &str) -> Markup {
    let around: Vec<(f64, f64)> = lower.iter().chain(upper.iter().rev()).copied().collect();
    html! {
        path.band d=(format!("{}Z", outline(&around))) fill=(colour) {}
    }
}

/// Marks with a tooltip.
pub fn tipped(tip: &str, marks: Markup) -> Markup {
    html! { g { title { (tip) } (marks) } }
}

/// Invisible points of a line, each with a tooltip.
pub fn tips(points: impl IntoIterator<Item = (f64, f64, String)>) -> Markup {
    html! {
        g.tips {
            @for (x, y, tip) in points { path d=(format!("M{} {}h0", px(x), px(y))) { title { (tip) } } }
        }
    }
}

/// An upright stroke from one end of a range to the other.
pub fn whisker(look: Look, x: f64, (from, to): (f64, f64)) -> Markup {
    html! {
        line.whisker x1=(px(x)) x2=(px(x)) y1=(px(from)) y2=(px(to)) stroke=(look.colour) {}
    }
}

/// A mean with its interval, if it has one: a line at `y` with upright ends.
pub fn interval(look: Look, y: f64, mean: f64, ends: Option<(f64, f64)>) -> Markup {
    html! {
        @if let Some((from, to)) = ends {
            g stroke=(look.colour) {
                line.interval x1=(px(from)) x2=(px(to)) y1=(px(y)) y2=(px(y)) {}
                @for end in [from, to] { (upright("interval", end, (y - 4.0, y + 4.0))) }
            }
        }
        (marker(look, mean, y, 5.0))
    }
}

/// An upright stroke with its class.
pub fn upright(class: &str, x: f64, (top, bottom): (f64, f64)) -> Markup {
    html! { line class=(class) x1=(px(x)) x2=(px(x)) y1=(px(top)) y2=(px(bottom)) {} }
}

/// A piece of a series' line with its point, for headings and legends.
pub fn swatch(look: Look, x: f64, y: f64) -> Markup {
    html! {
        g.key {
            (line(&[(x, y), (x + 26.0, y)], "mean", look.colour, look.dash))
            (marker(look, x + 13.0, y, 4.0))
        }
    }
}

/// Height of a line of a legend.
const LINE: f64 = 18.0;

/// Height that [`legend`] takes for so many series in so many columns.
pub fn legend_height(entries: usize, columns: usize) -> f64 {
    LINE * entries.div_ceil(columns.max(1)) as f64
}

/// The legend of a drawing, in columns below `top`.
pub fn legend(entries: &[(Look, &str)], columns: usize, (left, top): (f64, f64), width: f64) -> Markup {
    let columns = columns.max(1);
    // Down the first column, then down the next.
    let lines = entries.len().div_ceil(columns).max(1);
    html! {
        @for (index, (look, name)) in entries.iter().enumerate() {
            @let x = left + width / columns as f64 * (index / lines) as f64;
            @let y = top + LINE * (index % lines) as f64;
            (swatch(*look, x, y + 9.0))
            text.label x=(px(x + 34.0)) y=(px(y + 13.0)) { (name) }
        }
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
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_band_goes_out_on_one_line_and_back_on_the_other() {
        let text = band(&[(0.0, 1.0), (2.0, 1.0)], &[(0.0, 3.0), (2.0, 3.0)], "#000").into_string();
        assert!(text.contains("M0 1L2 1L2 3L0 3Z"), "{text}");
    }

    #[test]
    fn a_legend_fills_its_columns_in_turn() {
        let look = Look { colour: "#000", dash: "none", shape: Shape::Circle };
        let text = legend(&[(look, "a"), (look, "b"), (look, "c")], 2, (0.0, 100.0), 300.0).into_string();
        for place in ["x=\"34\" y=\"113\">a<", "x=\"34\" y=\"131\">b<", "x=\"184\" y=\"113\">c<"] {
            assert!(text.contains(place), "{place}: {text}");
        }
        assert_eq!(
            [(3, 2), (4, 2), (0, 2), (3, 1)].map(|(entries, columns)| legend_height(entries, columns)),
            [36.0, 36.0, 0.0, 54.0]
        );
        assert!(legend(&[], 2, (0.0, 0.0), 300.0).into_string().is_empty());
    }

    #[test]
    fn an_interval_has_ends_where_it_is_known() {
        let look = Look { colour: "#000", dash: "none", shape: Shape::Circle };
        let text = interval(look, 50.0, 10.0, Some((5.0, 15.0))).into_string();
        assert_eq!((text.matches("class=\"interval\"").count(), text.matches("<circle").count()), (3, 1), "{text}");
        assert!(!interval(look, 50.0, 10.0, None).into_string().contains("<line"));
        let bare = interval(Look { shape: Shape::None, ..look }, 50.0, 10.0, None).into_string();
        assert!(bare.is_empty(), "{bare}");
    }

    #[test]
    fn every_shape_lies_about_its_point() {
        let shapes = [Shape::Square, Shape::Triangle, Shape::Diamond, Shape::Wedge, Shape::Left, Shape::Right];
        for shape in shapes.into_iter().chain([Shape::Plus, Shape::Cross, Shape::Star]) {
            let text = marker(Look { colour: "#000", dash: "none", shape }, 100.0, 100.0, 5.0).into_string();
            let path = text.split("d=\"M").nth(1).and_then(|rest| rest.split('Z').next()).unwrap();
            let corners: Vec<f64> = path.split(['L', ' ']).map(|number| number.parse().unwrap()).collect();
            assert!(corners.iter().all(|value| (value - 100.0).abs() <= 8.0), "{shape:?}: {text}");
            assert!(corners.iter().any(|value| *value > 102.0) && corners.iter().any(|value| *value < 98.0));
        }
    }
}
