//! The shuffled order of an epoch.

/// Rounds of the network. From four on, it is a pseudorandom permutation if its functions are pseudorandom (Luby and
/// Rackoff, 1988); the others make up for the small halves of short orders.
const ROUNDS: usize = 8;
/// Bits of each half at least, so that short orders are shuffled well too.
const LEAST_BITS: u32 = 4;

/// A permutation of the rows that depends on the seed and the epoch alone.
///
/// It takes no memory, however many rows there are, and any place can be asked for, so that an interrupted epoch
/// continues at its next batch. A Feistel network permutes the numbers of an even count of bits; a number that is no
/// row is permuted again until one comes out (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002).
#[derive(Debug, Clone)]
pub struct Order {
    rows: usize,
    half_bits: u32,
    /// `None`: not shuffled.
    keys: Option<[u64; ROUNDS]>,
}

impl Order {
    /// The rows in random order.
    pub fn shuffled(rows: usize, seed: u64, epoch: u64) -> Self {
        let bits = rows.saturating_sub(1).checked_ilog2().map_or(0, |bits| bits + 1);
        let mut state = mix(mix(seed) ^ epoch);
        let keys = std::array::from_fn(|_| {
            state = mix(state);
            state
        });
        Order { rows, half_bits: bits.div_ceil(2).max(LEAST_BITS), keys: Some(keys) }
    }

    /// The rows from the first to the last.
    pub fn sequential(rows: usize) -> Self {
        Order { rows, half_bits: 0, keys: None }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The row at a place; `None` behind the last one.
    pub fn row(&self, place: usize) -> Option<usize> {
        if place >= self.rows {
            return None;
        }
        let Some(keys) = &self.keys else { return Some(place) };
        let mut number = place as u64;
        // Ends at the latest where it began: the network is a permutation.
        loop {
            number = self.permuted(number, keys);
            if number < self.rows as u64 {
                return Some(number as usize);
            }
        }
    }

    /// The rows of a batch; the last one may be shorter, and those behind it are empty.
    pub fn batch(&self, batch: usize, size: usize) -> Vec<usize> {
        let first = batch.saturating_mul(size);
        (first..first.saturating_add(size)).map_while(|place| self.row(place)).collect()
    }

    fn permuted(&self, number: u64, keys: &[u64; ROUNDS]) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        let halves = (number >> self.half_bits, number & mask);
        let (left, right) = keys.iter().fold(halves, |(left, right), key| (right, left ^ (mix(right ^ key) & mask)));
        left << self.half_bits | right
    }
}

/// Mixes the bits of a number: a bijection, the finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
pub(super) fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(order: &Order) -> Vec<usize> {
        (0..order.len()).filter_map(|place| order.row(place)).collect()
    }

    #[test]
    fn every_row_comes_once() {
        for rows in [0, 1, 2, 3, 16, 17, 255, 256, 257, 1000, 70_000] {
            for order in [Order::shuffled(rows, 7, 3), Order::sequential(rows)] {
                let mut found = all(&order);
                found.sort_unstable();
                assert_eq!(found, (0..rows).collect::<Vec<_>>());
                assert_eq!(order.row(rows), None);
            }
        }
    }

    #[test]
    fn seeds_and_epochs_have_orders_of_their_own() {
        let orders = [(1, 0), (1, 1), (0, 1), (2, 0)].map(|(seed, epoch)| all(&Order::shuffled(100, seed, epoch)));
        for (index, order) in orders.iter().enumerate() {
            assert!(!orders[..index].contains(order));
        }
        assert_eq!(orders[0], all(&Order::shuffled(100, 1, 0)));
    }

    #[test]
    fn each_order_of_four_rows_is_as_frequent_as_the_others() {
        let mut counts = std::collections::HashMap::new();
        for seed in 0..24_000 {
            *counts.entry(all(&Order::shuffled(4, seed, 0))).or_insert(0_i32) += 1;
        }
        assert_eq!(counts.len(), 24);
        // Chi-square with 23 degrees of freedom: 49.7 is exceeded once in a thousand.
        let distance: f64 = counts.values().map(|&count| f64::from(count - 1000).powi(2) / 1000.0).sum();
        assert!(distance < 49.7, "{distance}");
    }

    #[test]
    fn batches_are_parts_of_the_order() {
        let order = Order::shuffled(10, 1, 2);
        let batches: Vec<usize> = (0..4).flat_map(|batch| order.batch(batch, 4)).collect();
        assert_eq!(batches, all(&order));
        assert_eq!(order.batch(2, 4).len(), 2);
        assert!(order.batch(3, 4).is_empty());
        assert!(order.batch(usize::MAX, 4).is_empty());
    }
}
