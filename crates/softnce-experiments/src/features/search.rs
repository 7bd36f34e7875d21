//! A search over settings with a fixed number of trials.
//!
//! The settings lie on a lattice of steps that goes on in both directions, so that the best value rarely lies at the
//! edge of what was tried. The search goes from the best point so far to its neighbours, one setting after the other;
//! once all neighbours are known to be worse, it looks two steps away, and so on until the trials are used up.

use serde::{Deserialize, Serialize};
use softnce_metrics::ValidationScore;

/// Steps from the start along each setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point(pub Vec<i32>);

impl Point {
    /// A name for files: `0_1_-1`.
    pub(crate) fn name(&self) -> String {
        self.0.iter().map(i32::to_string).collect::<Vec<_>>().join("_")
    }
}

/// A point that was tried; no score where the training diverged.
pub(crate) type Tried = (Point, Option<ValidationScore>);

/// The best point: of equally good ones the first.
pub(crate) fn best(tried: &[Tried]) -> Option<&Point> {
    let mut best: Option<(&Point, &ValidationScore)> = None;
    for (point, score) in tried {
        if let Some(score) = score
            && best.is_none_or(|(_, other)| score.beats(other))
        {
            best = Some((point, score));
        }
    }
    best.map(|(point, _)| point)
}

/// The points to try next, at most `left`; they can be tried at once. `axes`: number of settings; `has`: whether a setting
/// has a value at a step.
pub(crate) fn next(tried: &[Tried], axes: usize, left: usize, has: impl Fn(usize, i32) -> bool) -> Vec<Point> {
    let start = Point(vec![0; axes]);
    if left == 0 {
        return Vec::new();
    }
    if !tried.iter().any(|(point, _)| *point == start) {
        return vec![start];
    }
    // Where everything diverged, the search goes on from the start.
    let centre = best(tried).unwrap_or(&start);
    for distance in 1..20 {
        for axis in 0..axes {
            let moved = |by: i32| {
                let mut point = centre.clone();
                point.0[axis] += by;
                point
            };
            let fresh = |point: &Point| has(axis, point.0[axis]) && !tried.iter().any(|(other, _)| other == point);
            let points: Vec<Point> = [moved(distance), moved(-distance)].into_iter().filter(fresh).take(left).collect();
            if !points.is_empty() {
                return points;
            }
        }
    }
    Vec::new()
}

/// Whether both neighbours of a point along a setting were tried, or have no value.
pub(crate) fn is_bracketed(tried: &[Tried], point: &Point, axis: usize, has: impl Fn(usize, i32) -> bool) -> bool {
    [-1, 1].into_iter().all(|by| {
        let mut neighbour = point.clone();
        neighbour.0[axis] += by;
        !has(axis, neighbour.0[axis]) || tried.iter().any(|(other, _)| *other == neighbour)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches a bowl with its bottom at these steps.
    fn search(bottom: [i32; 3], trials: usize) -> Vec<Tried> {
        let mut tried: Vec<Tried> = Vec::new();
        loop {
            let points = next(&tried, 3, trials - tried.len(), |axis, step| axis != 1 || step >= 0);
            if points.is_empty() {
                return tried;
            }
            for point in points {
                let squares: i32 = point.0.iter().zip(bottom).map(|(step, at)| (step - at).pow(2)).sum();
                let score = ValidationScore { top1: 1.0 - 0.01 * f64::from(squares), nll: 1.0 };
                tried.push((point, Some(score)));
            }
        }
    }

    #[test]
    fn finds_the_bottom_within_its_trials_and_brackets_it() {
        let tried = search([2, 1, -1], 24);
        assert_eq!(tried.len(), 24);
        let found = best(&tried).cloned();
        assert_eq!(found, Some(Point(vec![2, 1, -1])));
        let point = Point(vec![2, 1, -1]);
        assert!((0..3).all(|axis| is_bracketed(&tried, &point, axis, |axis, step| axis != 1 || step >= 0)));
        assert!(tried.iter().all(|(point, _)| point.0[1] >= 0), "beyond a bound");
        let mut points: Vec<_> = tried.iter().map(|(point, _)| point.name()).collect();
        points.sort();
        points.dedup();
        assert_eq!(points.len(), 24, "tried twice");
    }

    #[test]
    fn a_diverged_trial_is_never_the_best() {
        let tried = vec![(Point(vec![0]), None), (Point(vec![1]), Some(ValidationScore { top1: 0.1, nll: 3.0 }))];
        assert_eq!(best(&tried), Some(&Point(vec![1])));
        assert_eq!(best(&tried[..1]), None);
        assert_eq!(next(&tried[..1], 1, 5, |_, _| true), [Point(vec![1]), Point(vec![-1])]);
        assert_eq!(next(&tried, 1, 1, |_, _| true).len(), 1);
        assert!(next(&tried, 1, 0, |_, _| true).is_empty());
    }
}
