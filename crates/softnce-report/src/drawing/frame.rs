//! Drawings: their frame and their axes.
//!
//! A panel is drawn for a width of [`WIDTH`] units and scales with the page, so its text stays legible on a phone.

use maud::{Markup, PreEscaped, html};

use super::scale::{Scale, Ticks};

/// Width of a panel's drawing.
pub const WIDTH: f64 = 340.0;

/// How the classes of a drawing are drawn.
pub(crate) const STYLE: &str = include_str!("drawing.css");
/// Style for a drawing in a file of its own: a font, and no clipping at the edges of panels.
const OWN: &str = "svg { font-family: system-ui, -apple-system, \"Segoe UI\", Roboto, \"Helvetica Neue\", Arial, \
                   sans-serif; }\nsvg svg { overflow: visible; }\n";
/// Pixels per unit of a drawing that is shown on its own.
const ENLARGED: f64 = 2.0;

/// A panel with its accessible name. It has no `title`, which would be a tooltip over all of it.
pub fn panel(height: f64, name: &str, content: Markup) -> Markup {
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {}", px(height))) role="img" aria-label=(name) { (content) }
    }
}

/// A panel as an SVG file of its own, with its style, on white.
pub fn standalone(height: f64, name: &str, content: Markup) -> String {
    document(WIDTH, height, name, content)
}

/// An SVG file of this size, in units.
pub(crate) fn document(width: f64, height: f64, name: &str, content: Markup) -> String {
    // Room for labels that extend beyond the edge of a panel.
    let (width, height, room) = (width + 16.0, height + 16.0, -8.0);
    let view = [room, room, width, height].map(px).join(" ");
    let svg = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(view) width=(px(ENLARGED * width))
            height=(px(ENLARGED * height)) role="img" aria-label=(name) {
            title { (name) }
            style { (PreEscaped(OWN)) (PreEscaped(STYLE)) }
            rect x=(px(room)) y=(px(room)) width=(px(width)) height=(px(height)) fill="#fff" {}
            (content)
        }
    };
    format!("{}\n", svg.into_string())
}

/// A coordinate, rounded to a tenth of a unit to keep the page short.
pub fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The plot area of a panel.
#[derive(Debug, Clone, Copy)]
pub struct Area {
    /// Left edge.
    pub left: f64,
    /// Right edge.
    pub right: f64,
    /// Upper edge.
    pub top: f64,
    /// Lower edge, larger than the upper one.
    pub bottom: f64,
}

/// The horizontal axis: its line, ticks with labels below, and its title.
pub fn x_axis(area: Area, scale: Scale, ticks: &Ticks, title: &str) -> Markup {
    let Area { left, right, bottom, .. } = area;
    html! {
        line.axis x1=(px(left)) x2=(px(right)) y1=(px(bottom)) y2=(px(bottom)) {}
        g.ticks {
            @for (value, label) in ticks.labelled() {
                @let x = px(scale.at(value));
                line.axis x1=(x) x2=(x) y1=(px(bottom)) y2=(px(bottom + 4.0)) {}
                text.tick x=(x) y=(px(bottom + 16.0)) text-anchor="middle" { (label) }
            }
        }
        text.label x=(px((left + right) / 2.0)) y=(px(bottom + 32.0)) text-anchor="middle" { (title) }
    }
}

/// The vertical axis: grid lines with their labels on the left, and its title left of these.
pub fn y_axis(area: Area, scale: Scale, ticks: &Ticks, title: &str) -> Markup {
    let middle = px((area.top + area.bottom) / 2.0);
    html! {
        text.label text-anchor="middle" transform=(format!("translate(9 {middle}) rotate(-90)")) { (title) }
        g.ticks {
            @for (value, label) in ticks.labelled() {
                @let y = scale.at(value);
                line.grid x1=(px(area.left)) x2=(px(area.right)) y1=(px(y)) y2=(px(y)) {}
                text.tick x=(px(area.left - 6.0)) y=(px(y + 3.8)) text-anchor="end" { (label) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn coordinates_are_short() {
        assert_eq!(px(12.0), "12");
        assert_eq!(px(12.34), "12.3");
    }

    #[test]
    fn a_panel_has_a_name() {
        let text = panel(100.0, "a < b", html! {}).into_string();
        assert!(text.contains("aria-label=\"a &lt; b\"") && !text.contains("<title>"), "{text}");
    }

    #[test]
    fn a_file_of_its_own_is_xml_with_a_style_and_a_ground() {
        let text = standalone(100.0, "a < b", html! { text.tick { "c & d" } });
        let document = roxmltree::Document::parse(&text).unwrap();
        let root = document.root_element();
        assert_eq!(root.tag_name().namespace(), Some("http://www.w3.org/2000/svg"));
        assert_eq!((root.attribute("viewBox"), root.attribute("width")), (Some("-8 -8 356 116"), Some("712")));
        assert!(root.children().any(|child| child.has_tag_name(("http://www.w3.org/2000/svg", "style"))));
        assert!(root.children().any(|child| child.attribute("fill") == Some("#fff")));
        assert!(!text.contains("var(") && !text.contains("url("));
    }
}
