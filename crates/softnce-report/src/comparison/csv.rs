//! `results.csv`: one row a run.

use std::io;

use serde::Serialize;

use crate::error::ReportError;
use crate::results::Comparison;
use crate::results::RunRecord;

/// A run as a row; the order of the fields is the order of the columns.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
struct Row {
    loss: String,
    seed: u64,
    learning_rate: f64,
    top1: f64,
    top5: f64,
    nll: f64,
    brier: f64,
    ece_equal_width: f64,
    ece_equal_width_calibrated: f64,
    ece_equal_mass: f64,
    ece_equal_mass_calibrated: f64,
    step_ms: f64,
    loss_ms: Option<f64>,
    peak_bytes: Option<u64>,
}

impl From<&RunRecord> for Row {
    fn from(run: &RunRecord) -> Self {
        let (test, cost) = (&run.test, &run.cost);
        Self {
            loss: run.loss.name().to_owned(),
            seed: run.seed,
            learning_rate: run.learning_rate,
            top1: test.top1,
            top5: test.top5,
            nll: test.nll,
            brier: test.brier,
            ece_equal_width: test.ece_equal_width.error,
            ece_equal_width_calibrated: test.ece_equal_width.calibrated_reference,
            ece_equal_mass: test.ece_equal_mass.error,
            ece_equal_mass_calibrated: test.ece_equal_mass.calibrated_reference,
            step_ms: cost.step_ms,
            loss_ms: cost.loss_ms,
            peak_bytes: cost.peak_bytes,
        }
    }
}

/// The content of `results.csv`: one row a run, in the order of the runs. Shares are in `[0, 1]`, not per cent; an
/// unknown peak memory leaves its field empty. Every number reads back as the one that was measured.
pub fn rows(results: &Comparison) -> Result<String, ReportError> {
    if results.runs.is_empty() {
        return Err(ReportError::Empty);
    }
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    for run in &results.runs {
        writer.serialize(Row::from(run))?;
    }
    let bytes = writer.into_inner().map_err(|error| ::csv::Error::from(error.into_error()))?;
    let text = String::from_utf8(bytes).map_err(|error| ::csv::Error::from(io::Error::other(error)))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::comparison::fixture;

    #[test]
    fn rows_read_back_as_the_runs() {
        let mut results = fixture::small();
        results.runs[1].cost.peak_bytes = None;
        let text = rows(&results).unwrap();
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let read: Vec<Row> = reader.deserialize().map(Result::unwrap).collect();
        assert_eq!(read.len(), results.runs.len());
        for (row, run) in read.iter().zip(&results.runs) {
            assert_eq!(row.loss, run.loss.name());
            assert_eq!((row.seed, row.learning_rate), (run.seed, run.learning_rate));
            assert_eq!((row.top1, row.top5), (run.test.top1, run.test.top5));
            assert_eq!((row.nll, row.brier), (run.test.nll, run.test.brier));
            assert_eq!(row.ece_equal_width, run.test.ece_equal_width.error);
            assert_eq!(row.ece_equal_width_calibrated, run.test.ece_equal_width.calibrated_reference);
            assert_eq!(row.ece_equal_mass, run.test.ece_equal_mass.error);
            assert_eq!(row.ece_equal_mass_calibrated, run.test.ece_equal_mass.calibrated_reference);
            assert_eq!((row.step_ms, row.loss_ms), (run.cost.step_ms, run.cost.loss_ms));
            assert_eq!(row.peak_bytes, run.cost.peak_bytes);
        }
    }

    #[test]
    fn the_head_names_the_columns() {
        let text = rows(&fixture::small()).unwrap();
        let head = text.lines().next().unwrap();
        assert!(head.starts_with("loss,seed,learning_rate,top1,top5,nll,brier,ece_equal_width,"), "{head}");
        assert!(head.ends_with(",step_ms,loss_ms,peak_bytes"), "{head}");
    }

    #[test]
    fn no_runs_are_an_error() {
        let mut results = fixture::small();
        results.runs.clear();
        assert!(matches!(rows(&results), Err(ReportError::Empty)));
    }
}
