//! Several panels in one file.

use maud::{Markup, html};

use super::frame::{WIDTH, document, px};
use super::look::Look;
use super::mark::{legend, legend_height};

/// Units between panels, and above the legend.
const GAP: f64 = 24.0;

/// Panels side by side as an SVG file of its own, above their legend.
///
/// `columns`: the most panels in a row. `height`: that of every panel.
pub fn sheet(name: &str, columns: usize, height: f64, panels: &[Markup], looks: &[(Look, &str)]) -> String {
    let columns = columns.clamp(1, panels.len().max(1));
    let rows = panels.len().div_ceil(columns);
    let (across, down) = (|count: usize| (WIDTH + GAP) * count as f64, |count: usize| (height + GAP) * count as f64);
    let content = html! {
        @for (index, panel) in panels.iter().enumerate() {
            svg x=(px(across(index % columns))) y=(px(down(index / columns))) width=(px(WIDTH)) height=(px(height)) {
                (panel)
            }
        }
        (legend(looks, columns, (0.0, down(rows)), across(columns)))
    };
    let end = if looks.is_empty() { down(rows) - GAP } else { down(rows) + legend_height(looks.len(), columns) };
    document(across(columns) - GAP, end.max(0.0), name, content)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::drawing::{Shape, panel};

    #[test]
    fn panels_stand_in_rows_over_a_legend() {
        let panels: Vec<Markup> = ["a", "b", "c"].map(|name| panel(100.0, name, html! {})).to_vec();
        let look = Look { colour: "#000", dash: "none", shape: Shape::Circle };
        let text = sheet("all & each", 2, 100.0, &panels, &[(look, "d")]);
        let document = roxmltree::Document::parse(&text).unwrap();
        let root = document.root_element();
        // Two columns of 340 and two rows of 100 with 24 between, 24 and a line of 18 for the legend, 16 around all.
        assert_eq!(root.attribute("viewBox"), Some("-8 -8 720 282"));
        // What stands over the edge of a panel is not cut.
        assert!(text.contains("svg svg { overflow: visible; }"));
        let places: Vec<_> = root
            .children()
            .filter(|child| child.has_tag_name(("http://www.w3.org/2000/svg", "svg")))
            .map(|child| (child.attribute("x").unwrap(), child.attribute("y").unwrap()))
            .collect();
        assert_eq!(places, [("0", "0"), ("364", "0"), ("0", "124")]);
        let without = sheet("one", 4, 100.0, &panels[..1], &[]);
        assert!(without.contains("viewBox=\"-8 -8 356 116\""), "{without}");
        assert!(sheet("none", 4, 100.0, &[], &[]).contains("viewBox=\"-8 -8 356 16\""));
    }
}
