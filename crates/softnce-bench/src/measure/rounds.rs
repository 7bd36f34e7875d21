//! Rounds in which every path has its turn.

use std::time::Instant;

use super::Plan;

/// Rounds of a case: other load on the machine, and its speed at the time, affect all paths equally.
const ROUNDS: usize = 10;

/// Samples of every path, in milliseconds a call.
///
/// `call` makes one call of the path with this index.
pub(crate) fn rounds<E>(plans: &[Plan], mut call: impl FnMut(usize) -> Result<(), E>) -> Result<Vec<Vec<f64>>, E> {
    let mut samples: Vec<Vec<f64>> = plans.iter().map(|plan| Vec::with_capacity(plan.samples)).collect();
    for round in 0..ROUNDS {
        for (path, plan) in plans.iter().enumerate() {
            let turn = turn(plan.samples, round);
            // The first call finds the caches as another path left them. Where calls are long that hardly matters.
            if turn > 1 {
                call(path)?;
            }
            for _ in 0..turn {
                let start = Instant::now();
                for _ in 0..plan.loops {
                    call(path)?;
                }
                samples[path].push(start.elapsed().as_secs_f64() * 1e3 / plan.loops as f64);
            }
        }
    }
    Ok(samples)
}

/// How many of the samples fall into a round.
fn turn(samples: usize, round: usize) -> usize {
    samples * (round + 1) / ROUNDS - samples * round / ROUNDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_falls_into_a_round() {
        for samples in [1, 3, 10, 17, 300] {
            let turns: Vec<usize> = (0..ROUNDS).map(|round| turn(samples, round)).collect();
            assert_eq!(turns.iter().sum::<usize>(), samples);
            assert!(turns.iter().max().unwrap() - turns.iter().min().unwrap() <= 1, "{turns:?}");
        }
    }

    #[test]
    fn paths_take_turns() {
        let mut calls = Vec::new();
        let plans = [Plan { loops: 2, samples: 10 }, Plan { loops: 1, samples: 3 }];
        let samples = rounds(&plans, |path| {
            calls.push(path);
            Ok::<_, ()>(())
        });
        let samples = samples.unwrap();
        assert_eq!((samples[0].len(), samples[1].len()), (10, 3));
        assert!(samples.iter().flatten().all(|sample| *sample >= 0.0));
        assert_eq!(calls.iter().filter(|path| **path == 0).count(), 20);
        assert_eq!(calls.iter().filter(|path| **path == 1).count(), 3);
        assert_eq!(calls.windows(2).filter(|pair| pair[0] != pair[1]).count(), 5, "{calls:?}");
    }

    #[test]
    fn an_error_ends_it() {
        let plans = [Plan { loops: 1, samples: 10 }];
        assert_eq!(rounds(&plans, |_| Err("refused")), Err("refused"));
    }
}
