//! The axes of learning curves.

use crate::drawing::{Area, Scale, Ticks, WIDTH, log_ticks};
use crate::format;

/// The plot area of a panel of learning curves.
pub(crate) const AREA: Area = Area { left: 64.0, right: WIDTH - 10.0, top: 30.0, bottom: 200.0 };
/// The height of such a panel.
pub(crate) const HEIGHT: f64 = 240.0;

/// A scale of errors, small ones on top, with accuracies as labels.
pub(crate) fn accuracy_scale(low: f64, high: f64) -> (Scale, Ticks) {
    let high = high.min(1.0);
    let span = (low.min(0.9 * high), high);
    // Rounded, for binary fractions add digits: 98.50000000000001.
    let accuracy = |error: f64| (100.0 * (1.0 - error) * 1e9).round() / 1e9;
    let label = |error: f64| (error, format::setting(accuracy(error)));
    (Scale::log(span, AREA.top, AREA.bottom), Ticks::new(log_ticks(span).values.into_iter().map(label)))
}

/// A logarithmic scale of positive losses, small ones below.
pub(crate) fn nll_scale(low: f64, high: f64) -> (Scale, Ticks) {
    (Scale::log((low, high), AREA.bottom, AREA.top), log_ticks((low, high)))
}

/// Whole epochs, the first among them.
pub(crate) fn epoch_ticks(last: usize) -> Ticks {
    let round = crate::drawing::ticks((0.0, last as f64), 5).values;
    let whole = round.into_iter().filter(|value| value.fract() == 0.0 && *value >= 2.0);
    Ticks::new(std::iter::once(1.0).chain(whole).map(|value| (value, format::fixed(value, 0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_have_whole_ticks() {
        for last in [1, 2, 3, 7, 30, 200] {
            let ticks = epoch_ticks(last);
            assert!(ticks.values.iter().all(|value| value.fract() == 0.0 && *value >= 1.0 && *value <= last as f64));
            assert!(ticks.values.len() <= 9, "{last}: {ticks:?}");
        }
    }

    #[test]
    fn the_accuracy_scale_is_labelled_by_accuracy() {
        let (scale, ticks) = accuracy_scale(0.015, 0.6);
        let labels: Vec<&str> = ticks.labelled().map(|(_, label)| label).collect();
        assert_eq!(labels, ["98", "95", "90", "80", "50"]);
        assert!(scale.at(0.02) < scale.at(0.5), "a smaller error stands higher");
    }
}
