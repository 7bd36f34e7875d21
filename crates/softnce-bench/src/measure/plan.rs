//! How many calls make a sample, and how many samples fill the time.

use std::time::{Duration, Instant};

/// A sample is at least as long as this, so that the clock's grain does not show.
const LEAST_SAMPLE: Duration = Duration::from_millis(1);
const LEAST_SAMPLES: usize = 3;
/// More samples do not make a median better; longer ones do.
const MOST_SAMPLES: usize = 300;
/// A call this long needs no repetition to be timed.
const LONG: Duration = Duration::from_millis(5);
/// However short a call is, no more are made in a sample.
const MOST_LOOPS: usize = 1 << 24;

/// How often a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Calls of a sample.
    pub(crate) loops: usize,
    /// Samples over all rounds.
    pub(crate) samples: usize,
}

impl Plan {
    /// Fills the time with samples of a call that takes about `call`.
    pub(crate) fn new(call: Duration, budget: Duration) -> Self {
        if call > budget {
            return Plan { loops: 1, samples: 1 };
        }
        let call = call.as_secs_f64().max(1e-9);
        let sample = LEAST_SAMPLE.as_secs_f64().max(budget.as_secs_f64() / MOST_SAMPLES as f64);
        let loops = ((sample / call).ceil() as usize).clamp(1, MOST_LOOPS);
        let samples = (budget.as_secs_f64() / (loops as f64 * call)) as usize;
        Plan { loops, samples: samples.clamp(LEAST_SAMPLES, MOST_SAMPLES) }
    }
}

/// About how long a call takes; `first` is what one took.
pub(crate) fn time_of_a_call<E>(first: Duration, mut call: impl FnMut() -> Result<(), E>) -> Result<Duration, E> {
    let mut took = first;
    let mut loops = 1;
    // The first call of a path may take many times as long as the next.
    while took < LONG && took * (loops as u32) < LEAST_SAMPLE * 16 && loops < MOST_LOOPS {
        let start = Instant::now();
        for _ in 0..loops {
            call()?;
        }
        took = start.elapsed() / loops as u32;
        if took * loops as u32 >= LEAST_SAMPLE {
            break;
        }
        loops *= 2;
    }
    Ok(took)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn plan(call_us: u64, budget_ms: u64) -> (usize, usize) {
        let plan = Plan::new(Duration::from_micros(call_us), Duration::from_millis(budget_ms));
        (plan.loops, plan.samples)
    }

    #[test]
    fn samples_fill_the_time() {
        assert_eq!(plan(50_000, 1000), (1, 20));
        assert_eq!(plan(10, 1000), (334, 299));
        assert_eq!(plan(10, 100), (100, 100));
        // At least three samples, unless one call takes longer than the time.
        assert_eq!(plan(400_000, 1000), (1, 3));
        assert_eq!(plan(1_000_001, 1000), (1, 1));
        assert_eq!(plan(0, 1000).1, 300 - 1 + usize::from(plan(0, 1000).1 == 300));
    }

    #[test]
    fn a_long_call_is_not_repeated() {
        let mut calls = 0;
        let took = time_of_a_call(Duration::from_secs(1), || {
            calls += 1;
            Ok::<_, Infallible>(())
        });
        assert_eq!((took.unwrap(), calls), (Duration::from_secs(1), 0));
    }

    #[test]
    fn an_error_ends_it() {
        assert_eq!(time_of_a_call(Duration::ZERO, || Err("refused")), Err("refused"));
    }
}
