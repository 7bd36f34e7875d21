//! `results.csv`: one row a run.

use serde::Serialize;
use softnce_metrics::{Baseline, Metric};

use crate::results::{Comparison, RunRecord};

/// The content of `results.csv`: its head, then one row a run, in the order of the runs. Shares are in `[0, 1]`, not per
/// cent; what is not known, such as peak memory, leaves its field empty. Every number reads back as the one that was
/// measured.
pub fn rows(results: &Comparison) -> Vec<Vec<impl Serialize>> {
    let metrics = results.metrics();
    let head = head(&metrics).into_iter().map(Field::Text).collect();
    std::iter::once(head).chain(results.runs.iter().map(|run| row(run, &metrics))).collect()
}

/// The names of the columns: the run, its metrics, its cost. A calibration error is followed by its reference.
fn head(metrics: &[Metric]) -> Vec<String> {
    let mut head = ["loss", "seed", "learning_rate"].map(str::to_owned).to_vec();
    for metric in metrics {
        head.push(metric.name.to_owned());
        if matches!(metric.baseline, Baseline::Calibrated) {
            head.push(format!("{}_calibrated", metric.name));
        }
    }
    head.extend(["step_ms", "loss_ms", "peak_bytes"].map(str::to_owned));
    head
}

/// A field of a row; nothing where a number is not known.
#[derive(Serialize)]
#[serde(untagged)]
enum Field {
    Text(String),
    Whole(Option<u64>),
    Number(Option<f64>),
}

fn row(run: &RunRecord, metrics: &[Metric]) -> Vec<Field> {
    let number = |value| Field::Number(Some(value));
    let mut row =
        vec![Field::Text(run.loss.name().to_owned()), Field::Whole(Some(run.seed)), number(run.learning_rate)];
    for &metric in metrics {
        row.push(Field::Number(run.test.get(metric)));
        if matches!(metric.baseline, Baseline::Calibrated) {
            row.push(Field::Number(run.test.calibrated_reference(metric)));
        }
    }
    row.extend([number(run.cost.step_ms), Field::Number(run.cost.loss_ms), Field::Whole(run.cost.peak_bytes)]);
    row
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::collections::BTreeMap;

    use super::*;
    use crate::comparison::fixture;

    fn text(results: &Comparison) -> String {
        String::from_utf8(softnce_store::csv(rows(results)).unwrap()).unwrap()
    }

    #[test]
    fn rows_read_back_as_the_runs() {
        let mut results = fixture::small();
        results.runs[1].cost.peak_bytes = None;
        let text = text(&results);
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let read: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
        assert_eq!(read.len(), results.runs.len());
        for (row, run) in read.iter().zip(&results.runs) {
            let number = |column: &str| row[column].parse::<f64>().ok();
            assert_eq!(row["loss"], run.loss.name());
            assert_eq!((number("seed"), number("learning_rate")), (Some(run.seed as f64), Some(run.learning_rate)));
            for metric in Metric::compared() {
                assert_eq!(number(metric.name), run.test.get(metric), "{metric:?}");
                let reference = row.get(&format!("{}_calibrated", metric.name));
                assert_eq!(reference.map(|text| text.parse().unwrap()), run.test.calibrated_reference(metric));
            }
            assert_eq!((number("step_ms"), number("loss_ms")), (Some(run.cost.step_ms), run.cost.loss_ms));
            assert_eq!(number("peak_bytes"), run.cost.peak_bytes.map(|bytes| bytes as f64));
        }
    }

    #[test]
    fn the_columns_are_documented() {
        let document = include_str!("../../../../docs/recipes.md");
        for column in head(&Metric::compared().collect::<Vec<_>>()) {
            let name = column.trim_end_matches("_calibrated");
            assert!(document.contains(&format!("`{name}`")), "{column}");
        }
    }

    #[test]
    fn the_head_names_the_columns() {
        let text = text(&fixture::small());
        let head = text.lines().next().unwrap();
        assert!(
            head.starts_with("loss,seed,learning_rate,top1,top5,")
                && head.contains(",nll,brier,ece_equal_width,ece_equal_width_calibrated,"),
            "{head}"
        );
        assert!(head.ends_with(",step_ms,loss_ms,peak_bytes"), "{head}");
    }
}
