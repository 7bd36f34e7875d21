//! What stands together in a table: a case with one number of threads.

use softnce_report::number;

use crate::{Case, Measurement, Path, Results, Skipped};

/// A case with one number of threads: what was measured, and what was not.
pub(crate) struct Block<'r> {
    pub(crate) case: Case,
    /// `None` if nothing was measured at the case.
    pub(crate) threads: Option<usize>,
    pub(crate) measured: &'r [Measurement],
    pub(crate) skipped: Vec<&'r Skipped>,
}

/// The blocks in the order of the cases.
pub(crate) fn blocks(results: &Results) -> Vec<Block<'_>> {
    let of_case = |&case: &Case| {
        let skipped: Vec<&Skipped> = results.skipped.iter().filter(|skipped| skipped.case == case).collect();
        let block = |threads, measured| Block { case, threads, measured, skipped: skipped.clone() };
        let mut blocks: Vec<Block<'_>> = results
            .groups()
            .filter_map(|group| Some((group.first()?, group)))
            .filter(|(first, _)| first.case() == case)
            .map(|(first, group)| block(Some(first.threads), group))
            .collect();
        if blocks.is_empty() && !skipped.is_empty() {
            blocks.push(block(None, &[]));
        }
        blocks
    };
    results.settings.cases.iter().flat_map(of_case).collect()
}

impl Block<'_> {
    /// The sizes and the number of threads.
    pub(crate) fn title(&self) -> String {
        let threads = self.threads.map(|threads| format!(", {}", number::plural(threads, "thread", "threads")));
        format!("{}{}", self.case, threads.unwrap_or_default())
    }

    pub(crate) fn of(&self, path: Path) -> Option<&Measurement> {
        self.measured.iter().find(|measurement| measurement.path == path)
    }

    /// A median over that of the baseline; `None` if that was not measured.
    pub(crate) fn ratio(&self, measurement: &Measurement) -> Option<f64> {
        let ratio = measurement.median_ms / self.of(Path::BASELINE)?.median_ms;
        ratio.is_finite().then_some(ratio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn a_case_where_nothing_was_measured_has_a_block_too() {
        let mut results = fixture::small();
        let case = results.settings.cases[0];
        let reason = "it is large".to_owned();
        results.measurements.retain(|measurement| measurement.case() != case);
        results.skipped.insert(0, Skipped { case, path: Path::Nll, reason });
        let blocks = blocks(&results);
        assert_eq!((blocks[0].case, blocks[0].threads, blocks[0].measured.len()), (case, None, 0));
        assert_eq!(blocks[0].title(), "N=128, M=128, d=10");
        assert_eq!(blocks.iter().map(|block| block.measured.len()).sum::<usize>(), results.measurements.len());
    }

    #[test]
    fn ratios_are_to_the_baseline() {
        let mut results = fixture::small();
        let ratio = |results: &Results| {
            let block = &blocks(results)[0];
            block.of(Path::Compact).map(|compact| block.ratio(compact))
        };
        let set = |results: &mut Results, path, median| {
            results.measurements.iter_mut().filter(|m| m.path == path).for_each(|m| m.median_ms = median);
        };
        set(&mut results, Path::Compact, 3.0);
        set(&mut results, Path::BASELINE, 2.0);
        assert_eq!(ratio(&results), Some(Some(1.5)));
        set(&mut results, Path::BASELINE, 0.0);
        assert_eq!(ratio(&results), Some(None));
        results.measurements.retain(|measurement| measurement.path != Path::BASELINE);
        assert_eq!(ratio(&results), Some(None));
    }
}
