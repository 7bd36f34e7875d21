//! The figures of a measurement as every table shows them.

use softnce_report::number;
use softnce_report::table::Table;

use super::block::Block;
use crate::{Measurement, Path, Results};

/// Heads of the columns after the path's name.
pub(crate) const HEADS: [&str; 6] = ["median, ms", "min, ms", "quartiles, ms", "samples", "extra memory", "ratio"];

/// What the columns hold, in sentences.
pub(crate) fn note(results: &Results) -> String {
    let ratio = if results.settings.paths.contains(&Path::BASELINE) {
        format!(" Ratio: the median divided by that of {}.", Path::BASELINE)
    } else {
        String::new()
    };
    format!(
        "Times are those of a call. Extra memory: the most that a call has allocated at once, minus the results that it \
         returns.{ratio}"
    )
}

/// The cells of a measurement, by [`HEADS`].
pub(crate) fn cells(block: &Block<'_>, measurement: &Measurement) -> [String; HEADS.len()] {
    let ms = number::milliseconds;
    [
        ms(measurement.median_ms),
        ms(measurement.min_ms),
        format!("{} – {}", ms(measurement.lower_quartile_ms), ms(measurement.upper_quartile_ms)),
        number::count(measurement.samples),
        measurement.extra_bytes.map_or_else(|| number::MISSING.to_owned(), number::bytes),
        block.ratio(measurement).map_or_else(|| number::MISSING.to_owned(), number::ratio),
    ]
}

/// The measurements of a block as a table for a terminal or in Markdown.
pub(crate) fn table(block: &Block<'_>) -> Table {
    let mut table = Table::new(std::iter::once("path").chain(HEADS));
    for measurement in block.measured {
        table.add(std::iter::once(measurement.path.to_string()).chain(cells(block, measurement)));
    }
    table
}

#[cfg(test)]
mod tests {
    use crate::report::fixture;

    #[test]
    fn the_columns_of_the_csv_file_are_documented() {
        let document = include_str!("../../../../docs/performance.md");
        let csv = softnce_store::csv(fixture::small().measurements).unwrap();
        for column in String::from_utf8(csv).unwrap().lines().next().unwrap().split(',') {
            assert!(document.contains(&format!("`{column}`")), "{column}");
        }
    }
}
