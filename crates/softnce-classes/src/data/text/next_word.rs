//! The next word of running text.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use softnce_data::sets::Split;

use super::{Corpus, Trigram};
use crate::data::{DataError, Example, Inputs, Source, Subset, class_mass};

/// Examples from which the mass of soft labels is estimated.
const SAMPLED: usize = 1 << 18;

/// What the inputs and labels of next words are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NextWordsOptions {
    /// Number of words before that are inputs, C; at the start of a block there are fewer.
    pub context: usize,
    /// Whether a word is another input at each distance: V C inputs, of which word w at distance k (from 1) is
    /// `(k - 1) V + w`. Else the order of the words before is lost, and word w is input w.
    pub positions: bool,
    /// Share of the trigram model in soft labels, from 0 to 1: the rest is the word that follows.
    pub trigram: f64,
    /// Number of words that the trigram model lists in soft labels.
    pub soft_words: usize,
}

impl Default for NextWordsOptions {
    fn default() -> Self {
        NextWordsOptions { context: 8, positions: false, trigram: 0.0, soft_words: 16 }
    }
}

/// Examples from running text: the words before as inputs, each with value 1 / (their number), and the next word as the
/// class, hard or soft.
///
/// Every word but the first of each block is an example. A soft label is
///
/// `(1 - lambda) e_w + lambda q`, with lambda = `trigram` and q the `soft_words` most probable words of the [`Trigram`] model, renormalised to
/// sum 1.
///
/// In the training part, on which the model was estimated, it leaves out the occurrence that the label is for: it would
/// otherwise predict the word because it has counted it. In the other parts nothing needs to be left out.
#[derive(Debug, Clone)]
pub struct NextWords {
    corpus: Arc<Corpus>,
    part: Split,
    options: NextWordsOptions,
    trigram: Option<Arc<Trigram>>,
    /// Of each block: the first example, and the word it begins with.
    blocks: Vec<(usize, usize)>,
    examples: usize,
}

impl NextWords {
    /// The examples of a part, with hard labels.
    ///
    /// # Errors
    /// A part without examples; options out of their range.
    pub fn new(corpus: Arc<Corpus>, part: Split, options: NextWordsOptions) -> Result<Self, DataError> {
        let words = corpus.vocabulary().len();
        let most = if options.positions { u32::MAX as usize / words } else { u32::MAX as usize };
        if !(1..=most).contains(&options.context) {
            return Err(DataError::argument("context", options.context, format!("a number from 1 to {most}")));
        }
        if !(0.0..=1.0).contains(&options.trigram) {
            return Err(DataError::argument("trigram", options.trigram, "a number from 0 to 1"));
        }
        if options.soft_words == 0 {
            return Err(DataError::argument("soft_words", 0, "a number from 1 on"));
        }
        let (mut blocks, mut examples) = (Vec::new(), 0);
        for (start, end) in corpus.ranges(part).filter(|(start, end)| end - start > 1) {
            blocks.push((examples, start));
            examples += end - start - 1;
        }
        if examples == 0 {
            return Err(DataError::argument("part", part, "a part with at least two words in a block"));
        }
        Ok(NextWords { corpus, part, options, trigram: None, blocks, examples })
    }

    /// The same examples with soft labels of this model, which was estimated on the same corpus.
    ///
    /// # Errors
    /// A model of another number of words.
    pub fn with_soft_labels(mut self, trigram: Arc<Trigram>) -> Result<Self, DataError> {
        let words = self.corpus.vocabulary().len();
        if trigram.words() != words {
            let found = format!("one of {} words", trigram.words());
            return Err(DataError::argument("trigram model", found, format!("one of {words}, as the corpus has")));
        }
        self.trigram = Some(trigram);
        Ok(self)
    }

    /// The words before an example, the nearest last, and the word itself: as many as are inputs, and two for the
    /// trigram model where only one is.
    ///
    /// # Errors
    /// An example that does not exist.
    pub fn words(&self, index: usize) -> Result<(&[u32], u32), DataError> {
        DataError::check_index(index, self.examples)?;
        let (first, start) = self.blocks[self.blocks.partition_point(|&(first, _)| first <= index) - 1];
        let place = start + 1 + index - first;
        let tokens = self.corpus.tokens();
        Ok((&tokens[start.max(place.saturating_sub(self.options.context.max(2)))..place], tokens[place]))
    }
}

impl Source for NextWords {
    fn len(&self) -> usize {
        self.examples
    }

    fn inputs(&self) -> Inputs {
        let positions = if self.options.positions { self.options.context } else { 1 };
        Inputs::Sparse { inputs: self.classes() * positions }
    }

    fn classes(&self) -> usize {
        self.corpus.vocabulary().len()
    }

    fn read(&self, index: usize, example: &mut Example) -> Result<(), DataError> {
        let (context, word) = self.words(index)?;
        example.clear();
        let step = if self.options.positions { self.classes() } else { 0 };
        let before = context.iter().rev().take(self.options.context).enumerate();
        example.indices.extend(before.map(|(distance, &word)| (distance * step) as u32 + word));
        example.values.resize(example.indices.len(), 1.0 / example.indices.len() as f32);
        example.relevant.push(word);
        let Some(trigram) = &self.trigram else {
            example.share_equally();
            return Ok(());
        };
        let left_out = (self.part == Split::Train).then_some(word);
        let listed = trigram.most_probable(context, left_out, self.options.soft_words)?;
        let sum: f64 = listed.iter().map(|(_, share)| share).sum();
        let hard = 1.0 - self.options.trigram;
        example.classes.push(word);
        example.weights.push(hard);
        for (other, share) in listed {
            let weight = (1.0 - hard) * share / sum;
            if other == word {
                example.weights[0] += weight;
            } else if weight > 0.0 {
                example.classes.push(other);
                example.weights.push(weight);
            }
        }
        if example.weights[0] == 0.0 {
            example.classes.remove(0);
            example.weights.remove(0);
        }
        Ok(())
    }

    /// The share of the trigram model is estimated from some of the examples: with some 20 microseconds for each, all
    /// of a large text take many minutes.
    fn known_class_mass(&self) -> Option<Vec<f64>> {
        let mut mass = vec![0.0; self.classes()];
        let words = self.corpus.blocks(self.part).flat_map(|block| block.iter().skip(1));
        words.for_each(|&word| mass[word as usize] += 1.0);
        if self.trigram.is_none() {
            return Some(mass);
        }
        let sampled = self.examples.min(SAMPLED);
        let rows = (0..sampled as u64).map(|place| (place * self.examples as u64 / sampled as u64) as u32).collect();
        let of_model = NextWords { options: NextWordsOptions { trigram: 1.0, ..self.options.clone() }, ..self.clone() };
        let shares = class_mass(&Subset::new(of_model, rows).ok()?).ok()?;
        let (weight, scale) = (self.options.trigram, self.examples as f64 / sampled as f64);
        mass.iter_mut().zip(shares).for_each(|(mass, share)| *mass = (1.0 - weight) * *mass + weight * scale * share);
        Some(mass)
    }

    fn class_name(&self, class: usize) -> Option<&str> {
        self.corpus.vocabulary().get(class).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::super::CorpusOptions;
    use super::super::corpus::tests::{corpus, whole};
    use super::*;
    use crate::data::Minibatch;

    fn read(source: &NextWords, index: usize) -> Example {
        let mut example = Example::default();
        source.read(index, &mut example).unwrap();
        example
    }

    /// Words <unk> a b c d are 0 to 4.
    fn source(options: NextWordsOptions) -> NextWords {
        let corpus = corpus(&["a b a c", "a b d a b", "c"], &CorpusOptions { block: 4, ..whole() }).unwrap();
        assert_eq!(corpus.vocabulary(), ["<unk>", "a", "b", "c", "d"]);
        NextWords::new(Arc::new(corpus), Split::Train, options).unwrap()
    }

    #[test]
    fn every_word_but_the_first_of_a_block_is_an_example() {
        let source = source(NextWordsOptions { context: 2, ..NextWordsOptions::default() });
        // Blocks a b a c, a b d a, b, c.
        let examples: Vec<(Vec<u32>, u32)> =
            (0..source.len()).map(|row| read(&source, row)).map(|row| (row.indices, row.classes[0])).collect();
        let expected = [(vec![1], 2), (vec![2, 1], 1), (vec![1, 2], 3), (vec![1], 2), (vec![2, 1], 4), (vec![4, 2], 1)];
        assert_eq!(examples, expected);
        assert_eq!(read(&source, 1).values, [0.5, 0.5]);
        assert_eq!(class_mass(&source).unwrap(), [0.0, 2.0, 2.0, 1.0, 1.0]);
        assert!(matches!(source.words(6), Err(DataError::Index { index: 6, rows: 6 })));
    }

    #[test]
    fn words_at_each_distance_have_inputs_of_their_own() {
        let source = source(NextWordsOptions { context: 3, positions: true, ..NextWordsOptions::default() });
        assert_eq!(source.inputs(), Inputs::Sparse { inputs: 15 });
        assert_eq!(read(&source, 2).indices, [1, 5 + 2, 10 + 1]);
        assert_eq!(read(&source, 3).indices, [1]);
        Minibatch::read(&source, &[0, 1, 2, 3, 4, 5]).unwrap();
    }

    #[test]
    fn one_word_of_context_is_one_input() {
        let source = source(NextWordsOptions { context: 1, ..NextWordsOptions::default() });
        assert_eq!(read(&source, 2).indices, [1]);
    }

    #[test]
    fn soft_labels_mix_the_word_with_the_model() {
        let options = NextWordsOptions { trigram: 0.75, soft_words: 2, ..NextWordsOptions::default() };
        let hard = source(options.clone());
        let model = Arc::new(Trigram::estimate(&hard.corpus).unwrap());
        let soft = hard.clone().with_soft_labels(Arc::clone(&model)).unwrap();
        for row in 0..soft.len() {
            let (example, (context, word)) = (read(&soft, row), soft.words(row).unwrap());
            let listed = model.most_probable(context, Some(word), 2).unwrap();
            let sum = listed[0].1 + listed[1].1;
            for (&class, &weight) in example.classes.iter().zip(&example.weights) {
                let of_model: f64 =
                    listed.iter().filter(|(other, _)| *other == class).map(|(_, share)| share / sum).sum();
                let expected = 0.75 * of_model + if class == word { 0.25 } else { 0.0 };
                assert!((weight - expected).abs() < 1e-15);
            }
            assert!((example.weights.iter().sum::<f64>() - 1.0).abs() < 1e-15);
            assert_eq!(example.relevant, [word]);
        }
        let all_hard = NextWordsOptions { trigram: 0.0, ..options.clone() };
        let soft = source(all_hard).with_soft_labels(Arc::clone(&model)).unwrap();
        assert_eq!(read(&soft, 2), read(&hard, 2));
        let none_hard = NextWordsOptions { trigram: 1.0, soft_words: 1, ..options };
        let soft = source(none_hard).with_soft_labels(model).unwrap();
        let batch = Minibatch::read(&soft, &(0..soft.len()).collect::<Vec<_>>()).unwrap();
        assert!(batch.targets().is_ok());
    }

    #[test]
    fn bad_options_are_named() {
        let corpus = Arc::new(corpus(&["a b"], &whole()).unwrap());
        let plain = NextWordsOptions::default();
        for (part, options, expected) in [
            (Split::Test, plain.clone(), "part is test, expected a part with at least two words in a block"),
            (
                Split::Train,
                NextWordsOptions { context: 0, ..plain.clone() },
                "context is 0, expected a number from 1 to 4294967295",
            ),
            (
                Split::Train,
                NextWordsOptions { trigram: f64::NAN, ..plain.clone() },
                "trigram is NaN, expected a number from 0 to 1",
            ),
            (
                Split::Train,
                NextWordsOptions { soft_words: 0, ..plain.clone() },
                "soft_words is 0, expected a number from 1 on",
            ),
        ] {
            let message = NextWords::new(Arc::clone(&corpus), part, options).unwrap_err().to_string();
            assert_eq!(message, expected);
        }
        let other = Arc::new(Trigram::estimate(&source(plain.clone()).corpus).unwrap());
        let source = NextWords::new(corpus, Split::Train, plain).unwrap();
        let message = source.with_soft_labels(other).unwrap_err().to_string();
        assert_eq!(message, "trigram model is one of 5 words, expected one of 3, as the corpus has");
    }
}
