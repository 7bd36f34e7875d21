//! A reliability diagram: accuracy against confidence, bin by bin, with the number of pictures behind each.

use maud::{Markup, html};
use softnce_metrics::{ReliabilityBin, wilson_interval};

use crate::drawing::{Area, Look, Scale, Ticks, line, marker, px, swatch, tipped, whisker};
use crate::format;

const PLOT: Area = Area { left: 58.0, right: 318.0, top: 46.0, bottom: 306.0 };
const COUNTS: Area = Area { left: 58.0, right: 318.0, top: 336.0, bottom: 396.0 };
const HEIGHT: f64 = 434.0;

/// What a diagram shows.
pub(crate) struct Diagram<'a> {
    pub(crate) look: Look,
    pub(crate) title: &'a str,
    /// A line of figures below the title.
    pub(crate) note: &'a str,
    pub(crate) bins: &'a [ReliabilityBin],
    /// How many times the bins count each picture: once a seed.
    pub(crate) repeats: usize,
    /// The largest count of any diagram beside this one, as [`most`] gives it.
    pub(crate) most: usize,
}

/// The largest count of the bins, for the scale of the counts.
pub(crate) fn most<'a>(bins: impl IntoIterator<Item = &'a ReliabilityBin>) -> usize {
    bins.into_iter().map(|bin| bin.count).max().unwrap_or(0).max(10)
}

impl Diagram<'_> {
    /// The drawing.
    pub(crate) fn panel(&self) -> Markup {
        let Diagram { look, title, note, bins, repeats, most } = *self;
        let x = Scale::linear((0.0, 1.0), PLOT.left, PLOT.right);
        let y = Scale::linear((0.0, 1.0), PLOT.bottom, PLOT.top);
        // From one half, so that a single picture still has a bar.
        let heights = Scale::log((0.5, 1.3 * most as f64), COUNTS.bottom, COUNTS.top);
        let shares = Ticks::new([(0.0, "0"), (0.25, "25"), (0.5, "50"), (0.75, "75"), (1.0, "100")].map(owned));
        let count_ticks = count_ticks(most);
        let filled: Vec<&ReliabilityBin> = bins
            .iter()
            .filter(|bin| bin.count > 0 && bin.mean_confidence.is_finite() && bin.accuracy.is_finite())
            .collect();
        let points: Vec<(f64, f64)> =
            filled.iter().map(|bin| (x.at(bin.mean_confidence), y.at(bin.accuracy))).collect();
        let name = format!("Reliability diagram of {title}: {note}");
        crate::drawing::panel(
            HEIGHT,
            &name,
            html! {
                (swatch(look, 0.0, 11.0))
                text.heading x="34" y="15" { (title) }
                (crate::drawing::y_axis(PLOT, y, &shares, "accuracy, %"))
                (tipped(title, line(&points, "thin", look.colour, "none")))
                line.diagonal x1=(px(PLOT.left)) y1=(px(PLOT.bottom)) x2=(px(PLOT.right)) y2=(px(PLOT.top)) {}
                text.tick x="34" y="31" { (note) }
                @for (bin, (across, up)) in filled.iter().zip(&points) {
                    @let [low, high] = wilson_interval(bin.accuracy, bin.count as f64 / repeats.max(1) as f64);
                    (tipped(&tip(bin, [low, high]), html! {
                        (whisker(look, *across, (y.at(low), y.at(high))))
                        (marker(look, *across, *up, 3.8))
                    }))
                }
                (crate::drawing::y_axis(COUNTS, heights, &count_ticks, "pictures"))
                @for bin in bins.iter().filter(|bin| bin.count > 0) {
                    @let (left, top) = (x.at(bin.lower) + 1.0, heights.at(bin.count as f64));
                    @let (width, height) = ((x.at(bin.upper) - 1.0 - left).max(0.5), COUNTS.bottom - top);
                    rect.count x=(px(left)) y=(px(top)) width=(px(width)) height=(px(height)) fill=(look.colour) {
                        title { (bounds(bin)) ": " (format::plural(bin.count, "picture", "pictures")) }
                    }
                }
                (crate::drawing::x_axis(COUNTS, x, &shares, "confidence, %"))
            },
        )
    }
}

/// The confidences of a bin.
fn bounds(bin: &ReliabilityBin) -> String {
    let [from, to] = [bin.lower, bin.upper].map(|bound| format::fixed(100.0 * bound, 1));
    format!("confidence {from} to {to} %")
}

/// A point in words.
fn tip(bin: &ReliabilityBin, interval: [f64; 2]) -> String {
    let [confidence, accuracy, from, to] =
        [bin.mean_confidence, bin.accuracy, interval[0], interval[1]].map(|share| format::fixed(100.0 * share, 1));
    let pictures = format::plural(bin.count, "picture", "pictures");
    format!(
        "{}: {pictures}, mean confidence {confidence} %, accuracy {accuracy} %, 95 % interval {from} to {to} %",
        bounds(bin)
    )
}

fn owned((value, label): (f64, &str)) -> (f64, String) {
    (value, label.to_owned())
}

/// Powers of ten; every second one if there are many.
fn count_ticks(most: usize) -> Ticks {
    let powers = (most as f64).log10().floor() as i32;
    let step = if powers > 3 { 2 } else { 1 };
    let powers = (0..=powers).filter(|power| power % step == 0);
    Ticks::new(powers.map(|power| (10f64.powi(power), format::count(10usize.pow(power.unsigned_abs())))))
}
