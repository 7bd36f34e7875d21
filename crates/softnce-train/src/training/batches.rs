//! The batches of an epoch, the same for every loss with the same seed.

use chacha20::ChaCha8Rng;
use rand::SeedableRng;
use rand::seq::SliceRandom;

/// What a run draws at random; each has a stream of its own in each epoch, so that one does not move another.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Weights,
    Draws,
    Order,
    Mixing,
    Candidates,
}

/// The generator of a stream in an epoch; epoch 0 is before the first.
pub(super) fn generator(seed: u64, epoch: usize, stream: Stream) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(epoch as u64 * 8 + stream as u64);
    generator
}

/// The order of the pictures in an epoch.
pub(super) fn order(pictures: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..pictures).collect();
    order.shuffle(&mut generator(seed, epoch, Stream::Order));
    order
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn no_two_streams_draw_the_same() {
        let streams = [Stream::Weights, Stream::Draws, Stream::Order, Stream::Mixing, Stream::Candidates];
        let mut seen = std::collections::HashSet::new();
        for seed in 0..3 {
            for epoch in 0..20 {
                for stream in streams {
                    assert!(seen.insert(generator(seed, epoch, stream).next_u64()), "{seed} {epoch} {stream:?}");
                }
            }
        }
    }

    #[test]
    fn every_epoch_sees_every_picture_once() {
        let mut order = order(100, 1, 2);
        assert_ne!(order, super::order(100, 1, 3));
        order.sort_unstable();
        assert!(order.into_iter().eq(0..100));
    }
}
