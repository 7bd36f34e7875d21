//! What a run draws at random: each thing a stream of its own, a function of the seed, the epoch and the step, so that no
//! state has to be kept to resume a run and one draw does not move another.

use chacha20::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The initial weights.
    Weights,
    /// The classes that soft distribution InfoNCE draws.
    Draws,
    /// Candidates beyond the batch.
    Candidates,
    /// The network's own: drop path.
    Network,
    /// Made data.
    Data,
}

/// The loader of the pictures has streams of its own, numbered from 0.
const OWN: u64 = 1 << 32;

/// The generator of a stream at a step of an epoch.
pub fn generator(seed: u64, stream: Stream, epoch: u64, step: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (part, value) in key.as_chunks_mut::<8>().0.iter_mut().zip([seed, OWN | stream as u64, epoch, step]) {
        *part = value.to_le_bytes();
    }
    ChaCha8Rng::from_seed(key)
}

/// A seed of a stream at a step of an epoch.
pub fn seed(seed: u64, stream: Stream, epoch: u64, step: u64) -> u64 {
    generator(seed, stream, epoch, step).next_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_streams_draw_the_same() {
        let mut seen = std::collections::HashSet::new();
        for stream in [Stream::Weights, Stream::Draws, Stream::Candidates, Stream::Network, Stream::Data] {
            for (seed, epoch, step) in (0..3).flat_map(|a| (0..5).flat_map(move |b| (0..5).map(move |c| (a, b, c)))) {
                assert!(seen.insert(super::seed(seed, stream, epoch, step)), "{seed} {stream:?} {epoch} {step}");
            }
        }
    }
}
