//! Reliability diagrams: accuracy against confidence, bin by bin, with the number of pictures behind each.

use maud::Markup;
use softnce_metrics::{ECE_EQUAL_WIDTH, ReliabilityBin};

use super::words;
use crate::figures::reliability::{Diagram, most};
use crate::loss::look;
use crate::results::{Comparison, LossSummary, RunRecord};
use crate::{format, page};

/// One diagram a loss.
pub(crate) fn figure(results: &Comparison) -> Markup {
    let pooled: Vec<(&LossSummary, Vec<ReliabilityBin>)> = results
        .summaries
        .iter()
        .map(|summary| (summary, pool(results.runs.iter().filter(|run| run.loss == summary.loss))))
        .collect();
    let most = most(pooled.iter().flat_map(|(_, bins)| bins));
    let panels: Vec<Markup> = pooled.iter().map(|(summary, bins)| panel(summary, bins, most)).collect();
    let (pooled, interval, counts) = match words::seeds(results) {
        0 | 1 => ("", "", ""),
        _ => (
            ", pooled over the seeds",
            ", for the number of pictures of one seed, because all seeds have the same pictures",
            " over all seeds",
        ),
    };
    let caption = format!(
        "Each point is a bin of the confidence{pooled}: mean confidence to the right, accuracy upwards. On the diagonal \
         the model is calibrated; above it, the model is underconfident; below it, overconfident. Upright strokes: 95 % \
         Wilson interval of the accuracy{interval}. Bars: number of pictures in the bin{counts}, on a logarithmic scale. \
         Empty bins have neither point nor bar."
    );
    page::panels("Reliability diagrams.", &caption, &panels)
}

/// Bins of several runs, weighted by their counts. Runs share their bins; a run with fewer adds to those it has.
fn pool<'a>(runs: impl Iterator<Item = &'a RunRecord>) -> Vec<ReliabilityBin> {
    let mut bins: Vec<ReliabilityBin> = Vec::new();
    for run in runs {
        for (index, bin) in run.test.reliability.iter().enumerate() {
            if index == bins.len() {
                let (lower, upper) = (bin.lower, bin.upper);
                bins.push(ReliabilityBin { lower, upper, count: 0, mean_confidence: 0.0, accuracy: 0.0 });
            }
            if bin.count > 0 {
                let pooled = &mut bins[index];
                pooled.count += bin.count;
                let weight = bin.count as f64 / pooled.count as f64;
                pooled.mean_confidence += weight * (bin.mean_confidence - pooled.mean_confidence);
                pooled.accuracy += weight * (bin.accuracy - pooled.accuracy);
            }
        }
    }
    bins
}

fn panel(summary: &LossSummary, bins: &[ReliabilityBin], most: usize) -> Markup {
    let diagram = Diagram {
        look: look(summary.loss),
        title: summary.loss.title(),
        note: &calibration(summary),
        bins,
        repeats: summary.seeds.max(1),
        most,
    };
    diagram.panel()
}

fn calibration(summary: &LossSummary) -> String {
    let metric = ECE_EQUAL_WIDTH;
    let Some(entry) = summary.metric(metric) else { return String::new() };
    let reference = entry
        .calibrated_reference
        .map_or_else(String::new, |reference| format!(" (calibrated {} %)", format::value(reference, metric)));
    format!("ECE {} %{reference}", format::mean(entry.value, metric))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::comparison::fixture;

    #[test]
    fn bins_are_pooled_by_count() {
        let mut results = fixture::small();
        let runs = &mut results.runs[..2];
        for (run, (count, accuracy)) in runs.iter_mut().zip([(30, 0.5), (10, 0.9)]) {
            let bin = &mut run.test.reliability[10];
            (bin.count, bin.accuracy, bin.mean_confidence) = (count, accuracy, 0.7);
        }
        let bins = pool(runs.iter());
        assert_eq!(bins.len(), 15);
        assert_eq!(bins[10].count, 40);
        assert!((bins[10].accuracy - 0.6).abs() < 1e-12);
        assert!((bins[10].mean_confidence - 0.7).abs() < 1e-12);
        assert_eq!(bins[0].count, 0);
    }

    #[test]
    fn empty_bins_may_hold_anything() {
        let mut results = fixture::small();
        for run in &mut results.runs {
            (run.test.reliability[0].mean_confidence, run.test.reliability[0].accuracy) = (f64::NAN, f64::NAN);
        }
        assert!(!figure(&results).into_string().contains("NaN"));
    }
}
