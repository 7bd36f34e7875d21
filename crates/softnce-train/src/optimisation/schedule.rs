//! The learning rate of each step.

use std::f64::consts::PI;

/// Linear warm-up, then half a cosine, step by step (Loshchilov and Hutter, arXiv 1608.03983, without restarts).
///
/// A function of the step alone: a resumed run needs no state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Rate at the end of the warm-up.
    pub peak: f64,
    /// Rate at the end of the last step.
    pub floor: f64,
    /// Steps of the warm-up, from rate 0.
    pub warmup: usize,
    /// Steps in all.
    pub steps: usize,
}

impl Schedule {
    /// The rate of step `step`, from 0: `peak * step / warmup` during the warm-up, then
    /// `floor + (peak - floor) (1 + cos(pi * share)) / 2`, share being that of the steps after the warm-up already gone.
    pub fn at(&self, step: usize) -> f64 {
        if step < self.warmup {
            return self.peak * step as f64 / self.warmup as f64;
        }
        let length = self.steps.saturating_sub(self.warmup).max(1);
        let share = ((step - self.warmup) as f64 / length as f64).min(1.0);
        self.floor + (self.peak - self.floor) * 0.5 * (1.0 + (PI * share).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // peak, floor, warmup, steps = 5.5e-4, 1e-6, 5, 20
    // [peak * s / warmup if s < warmup else floor + (peak - floor) * 0.5 * (1 + math.cos(math.pi * (s - warmup) /
    //  (steps - warmup))) for s in (0, 3, 5, 12, 19)]
    #[test]
    fn warm_up_and_half_cosine() {
        let schedule = Schedule { peak: 5.5e-4, floor: 1e-6, warmup: 5, steps: 20 };
        let expected = [0.0, 3.3e-4, 5.5e-4, 3.041_930_631_669_71e-4, 6.998_483_598_570_339e-6];
        for (step, expected) in [0, 3, 5, 12, 19].into_iter().zip(expected) {
            assert!((schedule.at(step) - expected).abs() < 1e-12, "{step}: {}", schedule.at(step));
        }
    }

    #[test]
    fn the_ends() {
        let without = Schedule { peak: 0.1, floor: 0.01, warmup: 0, steps: 1 };
        assert_eq!(without.at(0), 0.1);
        assert_eq!(without.at(100), 0.01);
        // All warm-up: never above the peak, whatever is asked for.
        let only = Schedule { peak: 0.1, floor: 0.0, warmup: 4, steps: 4 };
        assert_eq!((only.at(2), only.at(4)), (0.05, 0.1));
        assert_eq!(Schedule { peak: 0.1, floor: 0.0, warmup: 0, steps: 0 }.at(0), 0.1);
    }
}
