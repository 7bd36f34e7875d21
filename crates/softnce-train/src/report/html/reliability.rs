//! Reliability diagrams: accuracy against confidence, bin by bin, with the number of pictures behind each.

use maud::{Markup, html};
use softnce_plot::{Area, Scale, Ticks, line, marker, page, px, swatch, whisker};

use super::claims;
use crate::compare::{LossSummary, Metric, Results, RunRecord};
use crate::report::format;
use crate::report::look::look;

const PLOT: Area = Area { left: 52.0, right: 312.0, top: 46.0, bottom: 306.0 };
const COUNTS: Area = Area { left: 52.0, right: 312.0, top: 336.0, bottom: 396.0 };
const HEIGHT: f64 = 434.0;

/// A bin over all the seeds of a loss.
struct Bin {
    lower: f64,
    upper: f64,
    count: usize,
    confidence: f64,
    accuracy: f64,
}

/// One diagram a loss.
pub(crate) fn figure(results: &Results) -> Markup {
    let pooled: Vec<(&LossSummary, Vec<Bin>)> = results
        .summaries
        .iter()
        .map(|summary| (summary, pool(results.runs.iter().filter(|run| run.loss == summary.loss))))
        .collect();
    let most = pooled.iter().flat_map(|(_, bins)| bins).map(|bin| bin.count).max().unwrap_or(0).max(10);
    let panels: Vec<Markup> = pooled.iter().map(|(summary, bins)| panel(summary, bins, most)).collect();
    page::panels(
        "Reliability diagrams.",
        "Each point is a bin of the confidence, pooled over the seeds by its count: mean confidence across, accuracy \
         up. Points on the diagonal are calibrated; above it the model is less confident than it should be, below it \
         more. Upright strokes: 95 % Wilson interval of the accuracy, for the bin's mean count a seed, since the seeds \
         repeat the same pictures. Bars: pictures in the bin over all seeds, on a logarithmic scale; empty bins have \
         neither point nor bar.",
        &panels,
    )
}

/// Bins of several runs, weighted by their counts. Runs share their bins; a run with fewer adds to those it has.
fn pool<'a>(runs: impl Iterator<Item = &'a RunRecord>) -> Vec<Bin> {
    let mut bins: Vec<Bin> = Vec::new();
    for run in runs {
        for (index, bin) in run.test.reliability.iter().enumerate() {
            if index == bins.len() {
                let (lower, upper) = (bin.lower, bin.upper);
                bins.push(Bin { lower, upper, count: 0, confidence: 0.0, accuracy: 0.0 });
            }
            if bin.count > 0 {
                let pooled = &mut bins[index];
                pooled.count += bin.count;
                let weight = bin.count as f64 / pooled.count as f64;
                pooled.confidence += weight * (bin.mean_confidence - pooled.confidence);
                pooled.accuracy += weight * (bin.accuracy - pooled.accuracy);
            }
        }
    }
    bins
}

fn panel(summary: &LossSummary, bins: &[Bin], most: usize) -> Markup {
    let look = look(summary.loss);
    let x = Scale::linear((0.0, 1.0), PLOT.left, PLOT.right);
    let y = Scale::linear((0.0, 1.0), PLOT.bottom, PLOT.top);
    // From one half, so that a single picture still has a bar.
    let heights = Scale::log((0.5, 1.3 * most as f64), COUNTS.bottom, COUNTS.top);
    let shares = Ticks::new([(0.0, "0"), (0.25, "25"), (0.5, "50"), (0.75, "75"), (1.0, "100")].map(owned));
    let count_ticks = count_ticks(most);
    let filled: Vec<&Bin> =
        bins.iter().filter(|bin| bin.count > 0 && bin.confidence.is_finite() && bin.accuracy.is_finite()).collect();
    let points: Vec<(f64, f64)> = filled.iter().map(|bin| (x.at(bin.confidence), y.at(bin.accuracy))).collect();
    let middle = (PLOT.top + PLOT.bottom) / 2.0;
    let name = format!("Reliability diagram of {}: {}", summary.loss.title(), calibration(summary));
    softnce_plot::panel(
        HEIGHT,
        &name,
        html! {
            (swatch(look, 0.0, 11.0))
            text.heading x="34" y="15" { (summary.loss.title()) }
            (softnce_plot::y_axis(PLOT, y, &shares))
            text.label text-anchor="middle" transform=(format!("translate(14 {}) rotate(-90)", px(middle))) {
                "accuracy, %"
            }
            line.diagonal x1=(px(PLOT.left)) y1=(px(PLOT.bottom)) x2=(px(PLOT.right)) y2=(px(PLOT.top)) {}
            text.tick x="34" y="31" { (calibration(summary)) }
            (line(&points, "thin", look.colour, "none"))
            @for (bin, (across, up)) in filled.iter().zip(&points) {
                @let (low, high) = wilson(bin.accuracy, bin.count as f64 / summary.seeds.max(1) as f64);
                (whisker(look, *across, (y.at(low), y.at(high))))
                (marker(look, *across, *up, 3.8))
            }
            text.tick x=(px(COUNTS.left)) y=(px(COUNTS.top - 6.0)) { "pictures in the bin" }
            (softnce_plot::y_axis(COUNTS, heights, &count_ticks))
            @for bin in bins.iter().filter(|bin| bin.count > 0) {
                @let (left, top) = (x.at(bin.lower) + 1.0, heights.at(bin.count as f64));
                @let (width, height) = ((x.at(bin.upper) - 1.0 - left).max(0.5), COUNTS.bottom - top);
                rect.count x=(px(left)) y=(px(top)) width=(px(width)) height=(px(height)) fill=(look.colour) {
                    title {
                        "confidence " (format::fixed(100.0 * bin.lower, 0)) " to " (format::fixed(100.0 * bin.upper, 0))
                        " %: " (format::plural(bin.count, "picture", "pictures"))
                    }
                }
            }
            (softnce_plot::x_axis(COUNTS, x, &shares, "confidence, %"))
        },
    )
}

fn owned((value, label): (f64, &str)) -> (f64, String) {
    (value, label.to_owned())
}

fn calibration(summary: &LossSummary) -> String {
    let metric = Metric::EceEqualWidth;
    let Some(entry) = claims::metric_of(summary, metric) else { return String::new() };
    let reference = entry
        .calibrated_reference
        .map_or_else(String::new, |reference| format!(" (calibrated {} %)", format::value(reference, metric)));
    format!("ECE {} %{reference}", format::mean(entry.value, metric))
}

/// Powers of ten, every other one where there are many.
fn count_ticks(most: usize) -> Ticks {
    let powers = (most as f64).log10().floor() as i32;
    let step = if powers > 3 { 2 } else { 1 };
    let powers = (0..=powers).filter(|power| power % step == 0);
    Ticks::new(powers.map(|power| (10f64.powi(power), format::count(10usize.pow(power.unsigned_abs())))))
}

/// Wilson's 95 % interval of a share of `n`.
fn wilson(share: f64, n: f64) -> (f64, f64) {
    let z2 = 1.96f64.powi(2);
    let scale = 1.0 / (1.0 + z2 / n);
    let middle = scale * (share + z2 / (2.0 * n));
    let half = scale * (z2 * (share * (1.0 - share) / n + z2 / (4.0 * n * n))).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::report::fixture;

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
        assert!((bins[10].confidence - 0.7).abs() < 1e-12);
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

    #[test]
    fn the_interval_of_a_share_stays_a_share() {
        let (low, high) = wilson(1.0, 3.0);
        assert!(low > 0.3 && low < 0.5 && high == 1.0, "{low} {high}");
        let (low, high) = wilson(0.5, 100.0);
        assert!((low - 0.404).abs() < 1e-3 && (high - 0.596).abs() < 1e-3, "{low} {high}");
    }
}
