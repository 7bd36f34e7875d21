//! What is drawn at random, each from a generator of its own.

use chacha20::ChaCha8Rng;
use rand::SeedableRng;
use rand::seq::SliceRandom;

/// What a generator is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    /// The order of an epoch.
    Order,
    /// A picture's augmentation; numbered by its index.
    Picture,
    /// A batch's mixing; numbered by its step.
    Mixing,
}

/// The generator of a stream: all four parts make its key, so that no two draw the same.
pub(super) fn generator(seed: u64, epoch: u64, stream: Stream, number: usize) -> ChaCha8Rng {
    let mut key = [0; 32];
    let parts = [seed, epoch, stream as u64, number as u64];
    for (bytes, part) in key.chunks_exact_mut(8).zip(parts) {
        bytes.copy_from_slice(&part.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// The order of the pictures in an epoch.
pub(super) fn order(pictures: usize, shuffle: bool, seed: u64, epoch: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..pictures).collect();
    if shuffle {
        order.shuffle(&mut generator(seed, epoch, Stream::Order, 0));
    }
    order
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn no_two_streams_draw_the_same() {
        let mut seen = std::collections::HashSet::new();
        for seed in 0..3 {
            for epoch in 0..3 {
                for stream in [Stream::Order, Stream::Picture, Stream::Mixing] {
                    for number in 0..3 {
                        assert!(seen.insert(generator(seed, epoch, stream, number).next_u64()));
                    }
                }
            }
        }
    }
}
