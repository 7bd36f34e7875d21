//! Random generators, one for each purpose.

use chacha20::ChaCha8Rng;
use rand::SeedableRng;
use rand::seq::SliceRandom;

/// The purpose of a generator.
#[derive(Debug, Clone, Copy)]
pub(super) enum RandomStream {
    /// The order of an epoch.
    Order,
    /// The augmentation of a picture; the number is its index.
    Picture,
    /// The mixing of a batch; the number is its step.
    Mixing,
}

/// The generator of a stream. All four arguments form its key, so no two generators draw the same.
pub(super) fn generator(seed: u64, epoch: u64, stream: RandomStream, number: usize) -> ChaCha8Rng {
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
        order.shuffle(&mut generator(seed, epoch, RandomStream::Order, 0));
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
                for stream in [RandomStream::Order, RandomStream::Picture, RandomStream::Mixing] {
                    for number in 0..3 {
                        assert!(seen.insert(generator(seed, epoch, stream, number).next_u64()));
                    }
                }
            }
        }
    }
}
