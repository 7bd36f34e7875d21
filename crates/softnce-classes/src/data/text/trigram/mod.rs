//! A trigram model.

mod count;
mod followers;
mod levels;
mod top;

use softnce_data::sets::Split;

use self::count::{Counts, MOST_WORDS};
use self::levels::{Level, Levels};
use super::Corpus;
use crate::data::DataError;

/// A trigram model with interpolated Kneser-Ney smoothing: the probability of a word after the two words before it.
///
/// With c3(u v w) the number of occurrences of three words, c2(v w) the number of different words u before v w, and
/// c1(w) that of different words v before w, each level is discounted and interpolated with the next:
///
/// ```text
/// p3(w | u v) = max(c3(u v w) - D3, 0) / c3(u v .) + D3 N3(u v .) / c3(u v .) p2(w | v)
/// p2(w | v)   = max(c2(v w) - D2, 0) / c2(v .)     + D2 N2(v .) / c2(v .)     p1(w)
/// p1(w)       = max(c1(w) - D1, 0) / c1(.)         + D1 N1(.) / c1(.)         / V
/// ```
///
/// A dot sums over words, and N counts the words whose count is not 0. A context that was not seen leaves all to the
/// next level. The discounts are D = n1 / (n1 + 2 n2), from the number of counts that are 1 and 2, and 1/2 where there
/// are none of either (Kneser and Ney, "Improved backing-off for m-gram language modeling", 1995; Ney, Essen and
/// Kneser, "On structuring probabilistic dependences in stochastic language modelling", 1994, for D and for leaving one
/// out; Chen and Goodman, "An empirical study of smoothing techniques for language modeling", 1999, for the
/// interpolation).
///
/// **Leaving one out.** The probability of a word at a place of the training text, had it been estimated without this
/// occurrence of u v w: c3(u v w) is one less. If it was 1, there is one word less before v w, so c2(v w) is one less;
/// if that was 1, so is c1(w). The discounts stay.
#[derive(Debug)]
pub struct Trigram {
    counts: Counts,
    /// D1, D2, D3.
    discounts: [f64; 3],
}

impl Trigram {
    /// Estimates the model on the training part of a corpus.
    ///
    /// Sorts all trigrams: takes eight bytes a word of text while it does, and keeps some ten for each different
    /// trigram.
    ///
    /// # Errors
    /// More than 2^21 words in the vocabulary; a text of more than 2^32 words, or without three words in a block.
    pub fn estimate(corpus: &Corpus) -> Result<Self, DataError> {
        let words = corpus.vocabulary().len();
        if words > MOST_WORDS {
            return Err(DataError::argument("vocabulary", words, format!("at most {MOST_WORDS} words")));
        }
        let trigrams = corpus.blocks(Split::Train).flat_map(|block| block.array_windows().copied());
        let counts = Counts::of(trigrams, words)?;
        let discounts = counts.all().map(discount);
        Ok(Trigram { counts, discounts })
    }

    /// Number of words V.
    pub fn words(&self) -> usize {
        self.counts.words()
    }

    /// The probability of a word after others, of which the last two count: p3, or p2 after a single word, or p1 after
    /// none.
    ///
    /// `left_out`: whether this is a place of the training text, to be left out. Has no effect after fewer than two
    /// words, which are not counted at the start of a block.
    ///
    /// # Errors
    /// A word that does not exist; `left_out` for a trigram that does not occur.
    pub fn probability(&self, context: &[u32], word: u32, left_out: bool) -> Result<f64, DataError> {
        self.check_word(word)?;
        Ok(self.levels(context, left_out.then_some(word))?.probability(word))
    }

    /// The most probable words after others, the most probable first and of equal ones that of the smaller number;
    /// exact. At most as many as there are words.
    ///
    /// `left_out`: the word that follows, where this is a place of the training text, to be left out.
    ///
    /// # Errors
    /// A word that does not exist; a trigram to be left out that does not occur.
    pub fn most_probable(
        &self,
        context: &[u32],
        left_out: Option<u32>,
        count: usize,
    ) -> Result<Vec<(u32, f64)>, DataError> {
        Ok(top::most_probable(&self.levels(context, left_out)?, count))
    }

    fn check_word(&self, word: u32) -> Result<(), DataError> {
        if (word as usize) < self.words() {
            Ok(())
        } else {
            Err(DataError::argument("word", word, format!("a word below {}", self.words())))
        }
    }

    /// The levels after a context, without an occurrence of a word.
    fn levels(&self, context: &[u32], left_out: Option<u32>) -> Result<Levels<'_>, DataError> {
        let recent = &context[context.len().saturating_sub(2)..];
        recent.iter().chain(&left_out).try_for_each(|&word| self.check_word(word))?;
        let lists = self.counts.lists(recent);
        let mut levels = [0, 1, 2].map(|level| Level::new(lists[level], self.discounts[level]));
        // The list of c1 has all words.
        levels[0].followers = self.counts.known_words() as f64;
        if let (Some(word), [u, v]) = (left_out, recent) {
            if lists[2].count(word) == 0 {
                let found = format!("{u} {v} {word}");
                return Err(DataError::argument("trigram to be left out", found, "one of the training text"));
            }
            for level in levels.iter_mut().rev() {
                if !level.leave_out(word) {
                    break;
                }
            }
        }
        Ok(Levels { levels, words: self.words() })
    }
}

/// D from the number of counts that are 1 and 2.
fn discount(counts: &[u32]) -> f64 {
    let [once, twice] = [1, 2].map(|count| counts.iter().filter(|&&other| other == count).count() as f64);
    if once > 0.0 && twice > 0.0 { once / (once + 2.0 * twice) } else { 0.5 }
}

#[cfg(test)]
mod tests;
