//! The counts of the model.

use super::followers::{Followers, List, by_count};
use crate::data::DataError;

/// Bits of a word: three of them fit in a number of 64 bits.
const BITS: u32 = 21;
/// Most words of a vocabulary.
pub(super) const MOST_WORDS: usize = 1 << BITS;

/// c3, c2 and c1.
#[derive(Debug)]
pub(super) struct Counts {
    /// The pairs of words that occur before a third one, in ascending order; list i of `third` is for the i-th.
    pairs: Vec<u64>,
    third: Followers,
    /// List v has c2(v w).
    second: Followers,
    /// c1, in the order of the words, of all words.
    first: Vec<u32>,
    every_word: Vec<u32>,
    first_order: Vec<u32>,
    first_total: u32,
}

fn pair(u: u32, v: u32) -> u64 {
    u64::from(u) << BITS | u64::from(v)
}

fn last(key: u64) -> u32 {
    (key & (MOST_WORDS as u64 - 1)) as u32
}

impl Counts {
    /// Counts trigrams of words below `words`, which is at most [`MOST_WORDS`].
    pub(super) fn of(trigrams: impl Iterator<Item = [u32; 3]>, words: usize) -> Result<Self, DataError> {
        let mut keys: Vec<u64> = trigrams.map(|[u, v, w]| pair(u, v) << BITS | u64::from(w)).collect();
        if keys.is_empty() || u32::try_from(keys.len()).is_err() {
            let expected = format!("from 1 to {} places with two words before them in their block", u32::MAX);
            return Err(DataError::argument("training part", keys.len(), expected));
        }
        keys.sort_unstable();
        let (mut pairs, mut third) = (Vec::new(), Followers::default());
        for same_pair in keys.chunk_by(|one, other| one >> BITS == other >> BITS) {
            for same in same_pair.chunk_by(|one, other| one == other) {
                third.push(last(same[0]), same.len() as u32);
            }
            third.end_context();
            pairs.push(same_pair[0] >> BITS);
        }
        // Of each different trigram its last two words: as often as there are different words before them.
        keys.dedup();
        keys.iter_mut().for_each(|key| *key &= (1 << (2 * BITS)) - 1);
        keys.sort_unstable();
        let (mut second, mut first) = (Followers::default(), vec![0; words]);
        let mut rest = keys.chunk_by(|one, other| one == other).peekable();
        for v in 0..words as u64 {
            while let Some(same) = rest.next_if(|same| same[0] >> BITS == v) {
                let w = last(same[0]);
                second.push(w, same.len() as u32);
                first[w as usize] += 1;
            }
            second.end_context();
        }
        let first_order = by_count(&first);
        let first_total = first.iter().sum();
        let every_word = (0..words as u32).collect();
        Ok(Counts { pairs, third, second, first, every_word, first_order, first_total })
    }

    pub(super) fn words(&self) -> usize {
        self.first.len()
    }

    /// All counts, of c1, c2 and c3.
    pub(super) fn all(&self) -> [&[u32]; 3] {
        [&self.first, self.second.counts(), self.third.counts()]
    }

    /// The number of words with c1 above 0.
    pub(super) fn known_words(&self) -> usize {
        // In the order of the counts the zeros are last.
        self.first_order.partition_point(|&word| self.first[word as usize] > 0)
    }

    /// The lists of c1, c2 and c3 after at most two words.
    pub(super) fn lists(&self, context: &[u32]) -> [List<'_>; 3] {
        let first = List {
            words: &self.every_word,
            counts: &self.first,
            total: self.first_total,
            order: Some(&self.first_order),
        };
        let second = context.last().map_or(List::EMPTY, |&v| self.second.get(v as usize));
        let third = match *context {
            [u, v] => self.pairs.binary_search(&pair(u, v)).map_or(List::EMPTY, |place| self.third.get(place)),
            _ => List::EMPTY,
        };
        [first, second, third]
    }
}
