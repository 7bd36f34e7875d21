//! Scales from values to coordinates, and round ticks on them.

use crate::number;

/// Maps values to coordinates, evenly or by their logarithm.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Scale {
    /// An even scale: `low` at `from`, `high` at `to`.
    pub fn linear((low, high): (f64, f64), from: f64, to: f64) -> Self {
        Self { low, high, from, to, logarithmic: false }
    }

    /// A logarithmic scale. Both ends must be positive; values below the low end are drawn at it.
    pub fn log((low, high): (f64, f64), from: f64, to: f64) -> Self {
        Self { low, high, from, to, logarithmic: true }
    }

    /// The coordinate of a value.
    pub fn at(self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        // A span without width has only one place.
        let share = if share.is_finite() { share } else { 0.5 };
        self.from + share * (self.to - self.from)
    }
}

/// The ticks of an axis, each with its label.
#[derive(Debug, Clone)]
pub struct Ticks {
    /// The values, in the order of their ticks.
    pub values: Vec<f64>,
    labels: Vec<String>,
}

impl Ticks {
    /// Ticks with the labels given.
    pub fn new(pairs: impl IntoIterator<Item = (f64, String)>) -> Self {
        let (values, labels) = pairs.into_iter().unzip();
        Self { values, labels }
    }

    /// Those from `low` to `high`.
    pub fn within(self, low: f64, high: f64) -> Self {
        Self::new(self.values.into_iter().zip(self.labels).filter(|(value, _)| (low..=high).contains(value)))
    }

    /// Each value with its label.
    pub fn labelled(&self) -> impl Iterator<Item = (f64, &str)> {
        self.values.iter().copied().zip(self.labels.iter().map(String::as_str))
    }
}

/// About `wanted` ticks at multiples of 1, 2 or 5 times a power of ten.
pub fn ticks((low, high): (f64, f64), wanted: usize) -> Ticks {
    let span = high - low;
    if !(span.is_finite() && span > 0.0 && wanted > 0) {
        return Ticks::new([]);
    }
    let raw = span / wanted as f64;
    let magnitude = raw.log10().floor();
    let unit = 10f64.powf(magnitude);
    let (factor, carry) = match raw / unit {
        share if share < 1.41 => (1.0, 0),
        share if share < 3.16 => (2.0, 0),
        share if share < 7.07 => (5.0, 0),
        _ => (10.0, 1),
    };
    let step = factor * unit;
    // The slack keeps an end that is itself a multiple, up to rounding.
    let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    labelled((first..=last).map(|index| index as f64 * step).collect(), magnitude as i32 + carry)
}

/// Ticks at 1, 2 and 5 times the powers of ten: fewer if the span is wide, more if it is narrow, and at equal distances
/// if there would be fewer than three of them.
pub fn log_ticks((low, high): (f64, f64)) -> Ticks {
    if !(low.is_finite() && high.is_finite() && low > 0.0 && high > low) {
        return Ticks::new([]);
    }
    let factors: &[f64] = match (high / low).log10() {
        decades if decades > 3.2 => &[1.0],
        decades if decades > 0.9 => &[1.0, 2.0, 5.0],
        _ => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0],
    };
    let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let values = powers.flat_map(|power| factors.iter().map(move |&factor| (factor, power)));
    let slack = 1.0 + 1e-9;
    let found: Vec<(f64, String)> = values
        .map(|(factor, power)| (factor * 10f64.powi(power), power - i32::from(factor == 1.5)))
        .filter(|(value, _)| *value >= low / slack && *value <= high * slack)
        .map(|(value, last_digit)| (value, label(value, last_digit, number::is_plain(value))))
        .collect();
    if found.len() < 3 { ticks((low, high), 4) } else { Ticks::new(found) }
}

/// Ticks at values whose last digit counts `10^last_digit`, all written in the same form.
fn labelled(values: Vec<f64>, last_digit: i32) -> Ticks {
    let largest = values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    // There is no room for more than four decimals.
    let plain = last_digit >= -4 && largest < 1e7;
    Ticks::new(values.into_iter().map(|value| (value, label(value, last_digit, plain))))
}

/// A number whose last digit counts `10^last_digit`: `1,200`, `0.05`, `2.5e−5`.
fn label(value: f64, last_digit: i32, plain: bool) -> String {
    if plain {
        return number::fixed(value, (-last_digit).max(0) as usize);
    }
    if value.abs() < 10f64.powi(last_digit) / 2.0 {
        return "0".to_owned();
    }
    let power = (value.abs().log10() + 1e-9).floor() as i32;
    let digits = number::fixed(value / 10f64.powi(power), (power - last_digit).max(0) as usize);
    format!("{digits}e{power}").replace('-', "\u{2212}")
}

/// Ticks at sizes in bytes, a power of two apart that leaves at most `most` of them.
pub fn byte_ticks((low, high): (f64, f64), most: usize) -> Ticks {
    if !(low.is_finite() && high.is_finite() && low > 0.0 && high > low && most > 0) {
        return Ticks::new([]);
    }
    let (first, last) = (low.log2().ceil() as i32, high.log2().floor() as i32);
    // Five to a unit twice: 1 KiB, 32 KiB, 1 MiB.
    let steps = [1, 2, 5, 10, 20, 40];
    let at = |step: i32| (first..=last).filter(move |power| power.rem_euclid(step) == 0);
    let step = steps.into_iter().find(|step| at(*step).count() <= most).unwrap_or(80);
    Ticks::new(at(step).map(|power| {
        let bytes = 2f64.powi(power);
        (bytes, number::round_bytes(bytes))
    }))
}

/// The smallest and the largest value; infinity and minus infinity without values.
pub fn extent(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let none = (f64::INFINITY, f64::NEG_INFINITY);
    values.into_iter().fold(none, |(low, high), value| (low.min(value), high.max(value)))
}

/// The smallest and the largest finite value, moved apart to at least `least`, with room on either side.
pub fn spread(values: impl IntoIterator<Item = f64>, least: f64) -> (f64, f64) {
    let (low, high) = extent(values.into_iter().filter(|value| value.is_finite()));
    let (low, high) = if low <= high { (low, high) } else { (0.0, 0.0) };
    let widen = ((least - (high - low)) / 2.0).max(0.0);
    let room = 0.05 * (high - low + 2.0 * widen);
    (low - widen - room, high + widen + room)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &Ticks) -> Vec<&str> {
        ticks.labelled().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(&ticks((0.0, 1.0), 5)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&ticks((96.63, 98.31), 4)), ["97.0", "97.5", "98.0"]);
        assert_eq!(labels(&ticks((-0.3, 0.3), 4)), ["\u{2212}0.2", "0.0", "0.2"]);
        assert_eq!(labels(&ticks((0.0, 0.0095), 1)), ["0.00"]);
    }

    #[test]
    fn an_empty_span_has_no_ticks() {
        assert!(ticks((1.0, 1.0), 4).values.is_empty());
        assert!(ticks((f64::NAN, 1.0), 4).values.is_empty());
        assert!(log_ticks((0.0, 1.0)).values.is_empty());
    }

    #[test]
    fn log_ticks_are_one_two_five() {
        assert_eq!(labels(&log_ticks((0.05, 2.0))), ["0.05", "0.1", "0.2", "0.5", "1", "2"]);
        assert_eq!(labels(&log_ticks((1.0, 10_000.0))), ["1", "10", "100", "1,000", "10,000"]);
    }

    #[test]
    fn a_narrow_span_has_even_ticks() {
        assert_eq!(labels(&log_ticks((0.081, 0.094))), ["0.085", "0.090"]);
        let small = ["0", "2e\u{2212}5", "4e\u{2212}5", "6e\u{2212}5", "8e\u{2212}5"];
        assert_eq!(labels(&ticks((0.0, 9e-5), 4)), small);
        assert_eq!(labels(&ticks((9.1e-5, 9.3e-5), 4)).first(), Some(&"9.10e\u{2212}5"));
        assert_eq!(labels(&ticks((0.0, 5e7), 4)), ["0", "1e7", "2e7", "3e7", "4e7", "5e7"]);
    }

    #[test]
    fn no_two_ticks_of_an_axis_have_the_same_label() {
        for power in -12..12 {
            for share in [1e-4, 0.003, 0.02, 0.5, 1.0, 7.3, 90.0, 4e3] {
                let low = 1.37 * 10f64.powi(power);
                for found in [ticks((low, low * (1.0 + share)), 5), log_ticks((low, low * (1.0 + share)))] {
                    let labels = labels(&found);
                    assert!((2..=16).contains(&labels.len()), "{low} {share}: {labels:?}");
                    for (at, label) in labels.iter().enumerate() {
                        assert!(!labels[..at].contains(label), "{low} {share}: {labels:?}");
                        assert!(label.chars().count() <= 12, "{label}");
                    }
                }
            }
        }
    }

    #[test]
    fn byte_ticks_are_powers_of_two() {
        let span = (1000.0, 70.0 * 1024.0 * 1024.0);
        assert_eq!(labels(&byte_ticks(span, 6)), ["1 KiB", "32 KiB", "1 MiB", "32 MiB"]);
        assert_eq!(labels(&byte_ticks((300.0, 3000.0), 4)), ["512 B", "1 KiB", "2 KiB"]);
        assert!(byte_ticks((0.0, 1.0), 4).values.is_empty());
    }

    #[test]
    fn ticks_can_be_kept_within_a_range() {
        let kept = ticks((99.9, 100.1), 4).within(0.0, 100.0);
        assert_eq!(labels(&kept), ["99.90", "99.95", "100.00"]);
    }

    #[test]
    fn scales_meet_their_ends() {
        let scale = Scale::linear((2.0, 4.0), 100.0, 0.0);
        assert_eq!((scale.at(2.0), scale.at(3.0), scale.at(4.0)), (100.0, 50.0, 0.0));
        let scale = Scale::log((0.01, 1.0), 0.0, 100.0);
        assert_eq!((scale.at(0.01), scale.at(0.1), scale.at(1.0)), (0.0, 50.0, 100.0));
        assert_eq!(scale.at(0.0), 0.0);
        assert_eq!(Scale::linear((1.0, 1.0), 0.0, 10.0).at(1.0), 5.0);
    }

    #[test]
    fn a_spread_is_never_empty() {
        let (low, high) = spread([0.5, 0.5, f64::NAN], 0.2);
        assert!(low < 0.4 && high > 0.6);
        assert!(spread([], 1.0).0 < spread([], 1.0).1);
    }
}
