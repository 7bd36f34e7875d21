//! Numbers as every part of the report writes them.

pub(crate) use crate::number::{
    MISSING, capital, count, duration, enumerate, fixed, is_zero, mebibytes, milliseconds, plural, rate, setting,
    signed, temperature,
};

use softnce_metrics::{Direction, Estimate, Metric};

/// Mean, formatted by `number`, and half width, if it is finite, with `sign` between them: `97.85 ± 0.12`.
pub fn plus_minus(estimate: Estimate, decimals: usize, number: fn(f64, usize) -> String, sign: &str) -> String {
    let mean = number(estimate.mean, decimals);
    match estimate.finite_half_width() {
        Some(half) => format!("{mean}{sign}{}", fixed(half, decimals)),
        None => mean,
    }
}

/// The same with ` ± ` between them: `81.59 ± 0.28`.
pub fn with_interval(estimate: Estimate, decimals: usize, number: fn(f64, usize) -> String) -> String {
    plus_minus(estimate, decimals, number, " ± ")
}

/// Mean and half width as shown: `97.85 ± 0.12`.
pub(crate) fn estimate(estimate: Estimate, metric: Metric) -> String {
    with_interval(estimate.scaled(metric.unit.scale()), metric.unit.decimals(), fixed)
}

/// A difference with its sign and half width.
pub(crate) fn difference(difference: Estimate, metric: Metric) -> String {
    with_interval(difference.scaled(metric.unit.scale()), metric.unit.decimals(), signed)
}

/// The mean alone, as shown.
pub(crate) fn mean(estimate: Estimate, metric: Metric) -> String {
    fixed(estimate.mean * metric.unit.scale(), metric.unit.decimals())
}

/// The mean of a difference alone, with its sign.
pub(crate) fn mean_difference(difference: Estimate, metric: Metric) -> String {
    signed(difference.mean * metric.unit.scale(), metric.unit.decimals())
}

/// The ends of a difference's interval: `−0.03 to +0.27`.
pub(crate) fn interval(difference: Estimate, metric: Metric) -> Option<String> {
    let ends = difference.interval()?.map(|end| end * metric.unit.scale());
    // An end that rounds to zero does not show its sign: up to two more decimals do.
    let hides = |decimals: &usize| ends.iter().any(|end| *end != 0.0 && is_zero(&fixed(end.abs(), *decimals)));
    let most = metric.unit.decimals() + 2;
    let decimals = (metric.unit.decimals()..most).find(|decimals| !hides(decimals)).unwrap_or(most);
    Some(format!("{} to {}", signed(ends[0], decimals), signed(ends[1], decimals)))
}

/// A value in the unit of a metric, as shown.
pub(crate) fn value(value: f64, metric: Metric) -> String {
    fixed(value * metric.unit.scale(), metric.unit.decimals())
}

/// What the interval of a difference says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The interval excludes zero, on the better side.
    Better,
    /// The interval excludes zero, on the worse side.
    Worse,
    /// The interval includes zero.
    Open,
}

/// Reads a difference's interval; `None` if there is none.
pub(crate) fn verdict(difference: Estimate, metric: Metric) -> Option<Verdict> {
    difference.finite_half_width()?;
    Some(if !difference.excludes_zero() {
        Verdict::Open
    } else if (difference.mean > 0.0) == (metric.direction == Direction::Higher) {
        Verdict::Better
    } else {
        Verdict::Worse
    })
}

/// What the metrics are, a sentence each, for captions.
pub(crate) fn meanings(metrics: &[Metric]) -> String {
    let meanings: Vec<String> =
        metrics.iter().map(|metric| format!("{}: {}.", metric.short_title, metric.meaning)).collect();
    meanings.join(" ")
}

/// Which direction is better, in a sentence.
pub(crate) fn directions(metrics: &[Metric]) -> String {
    let (higher, lower): (Vec<Metric>, Vec<Metric>) =
        metrics.iter().partition(|metric| metric.direction == Direction::Higher);
    let names =
        |metrics: &[Metric]| enumerate(&metrics.iter().map(|metric| metric.phrase.to_owned()).collect::<Vec<_>>());
    match (higher.is_empty(), lower.is_empty()) {
        (false, false) => format!("Higher is better for {}, lower for the others.", names(&higher)),
        (false, true) => "Higher is better.".to_owned(),
        _ => "Lower is better.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use softnce_metrics::{NLL, TOP1};

    use super::*;

    #[test]
    fn what_is_not_finite_is_missing() {
        assert_eq!(estimate(Estimate { mean: f64::NAN, half_width: Some(1.0) }, TOP1), MISSING);
        assert_eq!(estimate(Estimate { mean: 0.5, half_width: Some(f64::NAN) }, TOP1), "50.00");
    }

    #[test]
    fn estimates_carry_their_scale_and_decimals() {
        let value = Estimate { mean: 0.978_5, half_width: Some(0.001_2) };
        assert_eq!(estimate(value, TOP1), "97.85 ± 0.12");
        assert_eq!(estimate(value, NLL), "0.9785 ± 0.0012");
        let difference = Estimate { mean: 0.001, half_width: Some(0.002) };
        assert_eq!(interval(difference, TOP1).as_deref(), Some("\u{2212}0.10 to +0.30"));
        let touching = Estimate { mean: 0.001, half_width: Some(0.000_98) };
        assert_eq!(interval(touching, TOP1).as_deref(), Some("+0.002 to +0.198"));
        let equal = Estimate { mean: 0.0, half_width: Some(0.0) };
        assert_eq!(interval(equal, TOP1).as_deref(), Some("0.00 to 0.00"));
    }

    #[test]
    fn the_verdict_minds_the_direction_of_the_metric() {
        let up = Estimate { mean: 0.02, half_width: Some(0.01) };
        assert_eq!(verdict(up, TOP1), Some(Verdict::Better));
        assert_eq!(verdict(up, NLL), Some(Verdict::Worse));
        assert_eq!(verdict(Estimate { mean: 0.02, half_width: Some(0.03) }, NLL), Some(Verdict::Open));
        assert_eq!(verdict(Estimate { mean: 0.0, half_width: Some(0.0) }, NLL), Some(Verdict::Open));
        assert_eq!(verdict(Estimate { mean: 0.02, half_width: None }, NLL), None);
    }
}
