//! What a figure shows: a series for each path, over one size.

use std::collections::{BTreeMap, BTreeSet};

use softnce_report::number::{count, plural};

use crate::{Case, Measurement, Path, Results};

/// What is drawn upwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum Quantity {
    Time,
    Memory,
}

/// What is drawn to the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum Axis {
    Rows,
    Candidates,
    Classes,
}

/// A figure of which a measurement has at most one for each number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) quantity: Quantity,
    pub(crate) axis: Axis,
    /// Whether it shows the cases with a linear head, or those without.
    pub(crate) head: bool,
}

/// Median and quartiles at a size; in milliseconds or in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) size: usize,
    pub(crate) low: f64,
    pub(crate) value: f64,
    pub(crate) high: f64,
}

/// A figure's content.
#[derive(Debug)]
pub(crate) struct Plot {
    pub(crate) kind: Kind,
    pub(crate) threads: usize,
    /// A case of the figure; its other sizes are those of all.
    pub(crate) case: Case,
    /// In the order of [`Path::ALL`], each by size.
    pub(crate) series: Vec<(Path, Vec<Point>)>,
}

/// Smaller amounts of memory are drawn as this one: they do not matter, and a logarithmic scale cannot show zero.
pub(crate) const LEAST_BYTES: f64 = 1024.0;

impl Kind {
    pub(crate) const ALL: [Kind; 7] = [
        Kind::given(Quantity::Time, Axis::Rows),
        Kind::given(Quantity::Time, Axis::Candidates),
        Kind::given(Quantity::Time, Axis::Classes),
        Kind::given(Quantity::Memory, Axis::Rows),
        Kind::given(Quantity::Memory, Axis::Candidates),
        Kind::given(Quantity::Memory, Axis::Classes),
        Kind { quantity: Quantity::Time, axis: Axis::Classes, head: true },
    ];

    const fn given(quantity: Quantity, axis: Axis) -> Self {
        Kind { quantity, axis, head: false }
    }

    /// The first part of a file's name.
    pub(crate) fn name(self) -> String {
        let Kind { quantity, axis, head } = self;
        format!("{}{quantity}-{axis}", if head { "head-" } else { "" })
    }

    /// The point of a measurement, if it has the quantity that is drawn.
    fn point(self, measurement: &Measurement) -> Option<Point> {
        let (low, value, high) = match self.quantity {
            Quantity::Time => (measurement.lower_quartile_ms, measurement.median_ms, measurement.upper_quartile_ms),
            Quantity::Memory => {
                let bytes = (measurement.extra_bytes? as f64).max(LEAST_BYTES);
                (bytes, bytes, bytes)
            }
        };
        let drawable = [low, value, high].iter().all(|value| value.is_finite() && *value > 0.0);
        drawable.then_some(Point { size: self.axis.of(measurement.case()), low, value, high })
    }
}

impl Axis {
    /// The size's letter.
    pub(crate) fn letter(self) -> &'static str {
        match self {
            Axis::Rows => "N",
            Axis::Candidates => "M",
            Axis::Classes => "d",
        }
    }

    /// What the size counts, and its letter.
    pub(crate) fn title(self) -> String {
        format!("{self} {}", self.letter())
    }

    pub(crate) fn of(self, case: Case) -> usize {
        match self {
            Axis::Rows => case.rows,
            Axis::Candidates => case.candidates,
            Axis::Classes => case.classes,
        }
    }

    /// The case without its size on this axis: the same for all cases of a figure.
    fn others(self, mut case: Case) -> Case {
        match self {
            Axis::Rows => case.rows = 0,
            Axis::Candidates => case.candidates = 0,
            Axis::Classes => case.classes = 0,
        }
        case
    }
}

impl Plot {
    /// Every figure that has at least two sizes.
    pub(crate) fn all(results: &Results) -> Vec<Plot> {
        let threads = results.settings.threads.iter();
        let kinds = threads.flat_map(|&threads| Kind::ALL.map(|kind| (kind, threads)));
        kinds.filter_map(|(kind, threads)| Plot::new(results, kind, threads)).collect()
    }

    fn new(results: &Results, kind: Kind, threads: usize) -> Option<Plot> {
        let measurements = results.measurements.iter();
        let points: Vec<(&Measurement, Point)> = measurements
            .filter(|measurement| measurement.threads == threads && measurement.features.is_some() == kind.head)
            .filter_map(|measurement| Some((measurement, kind.point(measurement)?)))
            .collect();
        let case = longest(kind.axis, points.iter().map(|(measurement, _)| measurement.case()))?;
        let mut series: BTreeMap<Path, Vec<Point>> = BTreeMap::new();
        for (measurement, point) in points {
            if kind.axis.others(measurement.case()) == kind.axis.others(case) {
                series.entry(measurement.path).or_default().push(point);
            }
        }
        series.values_mut().for_each(|points| points.sort_by_key(|point| point.size));
        Some(Plot { kind, threads, case, series: series.into_iter().collect() })
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = Path> {
        self.series.iter().map(|(path, _)| *path)
    }

    pub(crate) fn points(&self) -> impl Iterator<Item = &Point> {
        self.series.iter().flat_map(|(_, points)| points)
    }

    /// The sizes that were measured, in order.
    pub(crate) fn sizes(&self) -> Vec<usize> {
        let sizes: BTreeSet<usize> = self.points().map(|point| point.size).collect();
        sizes.into_iter().collect()
    }

    /// The sizes that stay the same, and the number of threads.
    pub(crate) fn held(&self) -> String {
        let axes = [Axis::Rows, Axis::Candidates, Axis::Classes].into_iter().filter(|axis| *axis != self.kind.axis);
        let mut parts: Vec<String> =
            axes.map(|axis| format!("{}={}", axis.letter(), count(axis.of(self.case)))).collect();
        parts.extend(self.case.features.map(|features| format!("D={}", count(features))));
        parts.push(plural(self.threads, "thread", "threads"));
        parts.join(", ")
    }
}

/// A case of the line along an axis on which most sizes were measured, the first of equals; `None` if no line has
/// two.
fn longest(axis: Axis, cases: impl Iterator<Item = Case>) -> Option<Case> {
    let mut lines: Vec<(Case, BTreeSet<usize>)> = Vec::new();
    for case in cases {
        match lines.iter_mut().find(|(first, _)| axis.others(*first) == axis.others(case)) {
            Some((_, sizes)) => _ = sizes.insert(axis.of(case)),
            None => lines.push((case, BTreeSet::from([axis.of(case)]))),
        }
    }
    // Of equals `max_by_key` takes the last.
    let longest = lines.into_iter().rev().max_by_key(|(_, sizes)| sizes.len());
    longest.filter(|(_, sizes)| sizes.len() > 1).map(|(case, _)| case)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn plot(results: &Results, kind: usize) -> Plot {
        Plot::new(results, Kind::ALL[kind], 2).unwrap()
    }

    #[test]
    fn the_longest_line_of_cases_is_drawn() {
        let results = fixture::whole();
        assert_eq!(plot(&results, 0).sizes(), [32, 64, 128, 256, 512, 1024]);
        // The sweep's, and a standard case that lies on its line.
        assert_eq!(plot(&results, 1).sizes(), [256, 512, 1024, 2048, 4096, 8192, 16384, 65536]);
        assert_eq!(plot(&results, 2).sizes(), [16, 64, 256, 1000, 4096, 16384]);
        assert_eq!(plot(&results, 6).sizes(), [10_000, 100_000, 1_000_000, 10_000_000]);
        assert_eq!(plot(&results, 6).held(), "N=1,024, M=1,024, D=256, 2 threads");
        assert_eq!(plot(&results, 1).held(), "N=256, d=1,000, 2 threads");
        for (path, points) in plot(&results, 1).series {
            assert!(path != Path::Head && points.windows(2).all(|pair| pair[0].size < pair[1].size));
        }
    }

    #[test]
    fn one_size_makes_no_figure() {
        assert!(Plot::all(&fixture::small()).is_empty());
        let mut results = fixture::sweep();
        results.measurements.iter_mut().for_each(|measurement| measurement.extra_bytes = None);
        assert!(Plot::all(&results).iter().all(|plot| plot.kind.quantity == Quantity::Time));
        assert_eq!(Plot::all(&results).len(), 3);
        results.measurements.iter_mut().for_each(|measurement| measurement.median_ms = f64::NAN);
        assert!(Plot::all(&results).is_empty());
    }

    #[test]
    fn no_memory_is_drawn_as_the_least() {
        let plot = plot(&fixture::sweep(), 3);
        let copies = plot.series.iter().find(|(path, _)| *path == Path::Copy).unwrap();
        assert!(copies.1.iter().all(|point| point.value == LEAST_BYTES));
    }
}
