//! A small layer for drawing panels as inline SVG: scales with round ticks, marks, and a look for each loss.
//!
//! A panel is drawn for a width of [`WIDTH`] units and scales with the page, so its text stays legible on a phone.

mod look;
mod mark;
mod scale;

use maud::{Markup, html};

pub(crate) use self::look::Look;
pub(crate) use self::mark::{band, line, marker, swatch};
pub(crate) use self::scale::{Scale, Ticks, log_ticks, spread, ticks};

/// Width of a panel's drawing.
pub(crate) const WIDTH: f64 = 340.0;

/// A panel with its accessible name.
pub(crate) fn panel(height: f64, name: &str, content: Markup) -> Markup {
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {}", px(height))) role="img" aria-label=(name) {
            title { (name) }
            (content)
        }
    }
}

/// A coordinate, to a tenth of a unit: finer is not seen and only makes the page longer.
pub(crate) fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The plot area of a panel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Area {
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
}

/// The horizontal axis: its line, ticks with labels below, and its title.
pub(crate) fn x_axis(area: Area, scale: Scale, ticks: &Ticks, title: &str) -> Markup {
    let Area { left, right, bottom, .. } = area;
    html! {
        line.axis x1=(px(left)) x2=(px(right)) y1=(px(bottom)) y2=(px(bottom)) {}
        @for (value, label) in ticks.labelled() {
            @let x = px(scale.at(value));
            line.axis x1=(x) x2=(x) y1=(px(bottom)) y2=(px(bottom + 4.0)) {}
            text.tick x=(x) y=(px(bottom + 16.0)) text-anchor="middle" { (label) }
        }
        text.label x=(px((left + right) / 2.0)) y=(px(bottom + 32.0)) text-anchor="middle" { (title) }
    }
}

/// The vertical axis: grid lines with their labels on the left.
pub(crate) fn y_axis(area: Area, scale: Scale, ticks: &Ticks) -> Markup {
    html! {
        @for (value, label) in ticks.labelled() {
            @let y = scale.at(value);
            line.grid x1=(px(area.left)) x2=(px(area.right)) y1=(px(y)) y2=(px(y)) {}
            text.tick x=(px(area.left - 6.0)) y=(px(y + 3.8)) text-anchor="end" { (label) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short() {
        assert_eq!(px(12.0), "12");
        assert_eq!(px(12.34), "12.3");
    }

    #[test]
    fn a_panel_has_a_name() {
        let text = panel(100.0, "a < b", html! {}).into_string();
        assert!(text.contains("aria-label=\"a &lt; b\"") && text.contains("<title>a &lt; b</title>"), "{text}");
    }
}
