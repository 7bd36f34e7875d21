//! The batches of an epoch, the same for every loss with the same seed.

use chacha20::ChaCha8Rng;
use rand::SeedableRng;
use rand::seq::SliceRandom;

/// What a run draws at random; each has a stream of its own, so that one does not move another.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Order = 1,
    Mixing = 2,
    Candidates = 3,
}

/// The generator of a stream in an epoch.
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
