//! Figures: time and memory against each size.

mod panel;
mod plot;

use softnce_report::{legend, legend_height, standalone};

pub(crate) use self::panel::panel;
use self::panel::{HEIGHT, content, name};
pub(crate) use self::plot::{Kind, Plot, Quantity};
use super::look::look;
use crate::Results;

/// A figure as a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Name of the file.
    pub name: String,
    /// Its content.
    pub svg: String,
}

const EXTENSION: &str = ".svg";
/// Columns of a legend.
const COLUMNS: usize = 2;
const THREADS: &str = "-threads";

impl Figure {
    /// The names of all figures that a measurement with these numbers of threads may have.
    pub fn names(threads: &[usize]) -> Vec<String> {
        threads.iter().flat_map(|&threads| Kind::ALL.map(|kind| file_name(kind, threads))).collect()
    }

    /// Whether a file has the name of a figure, of any number of threads.
    pub fn is_name(name: &str) -> bool {
        let Some((kind, threads)) = name.strip_suffix(EXTENSION).and_then(|name| name.rsplit_once(THREADS)) else {
            return false;
        };
        Kind::ALL.iter().any(|known| known.name() == kind) && threads.parse::<usize>().is_ok()
    }
}

/// The figures of a measurement, as SVG files with their legends: time against N, M and d; extra memory likewise; time
/// against d with a linear head. A figure of fewer than two sizes is left out.
pub fn figures(results: &Results) -> Vec<Figure> {
    Plot::all(results).iter().map(figure).collect()
}

fn figure(plot: &Plot) -> Figure {
    let entries: Vec<_> = plot.paths().map(|path| (look(path), path.name())).collect();
    let height = HEIGHT + 10.0 + legend_height(entries.len(), COLUMNS);
    let content = maud::html! {
        (content(plot))
        (legend(&entries, COLUMNS, (0.0, HEIGHT + 8.0), softnce_report::WIDTH))
    };
    Figure { name: file_name(plot.kind, plot.threads), svg: standalone(height, &name(plot), content) }
}

fn file_name(kind: Kind, threads: usize) -> String {
    format!("{}{THREADS}{threads}{EXTENSION}", kind.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn every_figure_is_xml_with_its_paths() {
        let figures = figures(&fixture::whole());
        let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
        let expected = [
            "time-rows-threads2.svg",
            "time-candidates-threads2.svg",
            "time-classes-threads2.svg",
            "memory-rows-threads2.svg",
            "memory-candidates-threads2.svg",
            "memory-classes-threads2.svg",
            "head-time-classes-threads2.svg",
        ];
        assert_eq!(names, expected);
        for Figure { name, svg } in &figures {
            let document = roxmltree::Document::parse(svg).unwrap();
            let texts: Vec<&str> = document.descendants().filter_map(|node| node.text()).collect();
            let path = if name.starts_with("head") { "head" } else { "soft_cross_entropy" };
            assert!(texts.contains(&path), "{name}: {texts:?}");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
        }
    }

    #[test]
    fn nothing_lies_outside_a_figure() {
        for Figure { name, svg } in figures(&fixture::whole()) {
            let document = roxmltree::Document::parse(&svg).unwrap();
            let height: f64 = document.root_element().attribute("height").unwrap().parse().unwrap();
            for node in document.descendants() {
                let number = |attribute| node.attribute(attribute).and_then(|value: &str| value.parse::<f64>().ok());
                let (across, down) = ([number("x"), number("cx")], [number("y"), number("cy")]);
                assert!(across.into_iter().flatten().all(|x| (-8.0..=348.0).contains(&x)), "{name}: {node:?}");
                assert!(down.into_iter().flatten().all(|y| y >= -8.0 && 2.0 * (y + 8.0) < height), "{name}: {node:?}");
            }
        }
    }

    #[test]
    fn names_are_told_from_others() {
        assert!(figures(&fixture::whole()).iter().all(|figure| Figure::is_name(&figure.name)));
        assert!(Figure::names(&[1, 16]).iter().all(|name| Figure::is_name(name)));
        assert_eq!(Figure::names(&[1, 16]).len(), 14);
        for name in ["time-rows.svg", "time-rows-threads.svg", "other-rows-threads2.svg", "time-rows-threads2.png"] {
            assert!(!Figure::is_name(name), "{name}");
        }
    }
}
