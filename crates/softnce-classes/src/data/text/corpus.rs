//! Running text as numbers of words.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use softnce_data::sets::Split;

use super::words::{folded, words};
use crate::data::lines::{Fault, visit_lines};
use crate::data::{DataError, Order};

/// How running text is read and split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CorpusOptions {
    /// Most words of the vocabulary, with `<unk>`.
    pub vocabulary: usize,
    /// How often a word must occur in the training part to be in the vocabulary.
    pub least_count: u64,
    /// Whether words count as the same in capitals and small letters.
    pub lower_case: bool,
    /// Length of the blocks that the text is split by, in words.
    pub block: usize,
    /// Share of the words that the validation part has.
    pub validation_share: f64,
    /// Share of the words that the test part has.
    pub test_share: f64,
    /// Chooses the blocks of each part.
    pub seed: u64,
}

impl Default for CorpusOptions {
    fn default() -> Self {
        CorpusOptions {
            vocabulary: 100_000,
            least_count: 2,
            lower_case: true,
            block: 10_000,
            validation_share: 0.02,
            test_share: 0.02,
            seed: 0,
        }
    }
}

/// Files of running text as numbers of words: four bytes a word, whatever the size of the files.
///
/// Each file is cut into blocks of consecutive words, and each block belongs to one part as a whole, so that no example
/// has words of another part. The vocabulary is that of the training part, the most frequent word first; word 0 is
/// `<unk>`, which stands for all others.
#[derive(Debug)]
pub struct Corpus {
    tokens: Vec<u32>,
    vocabulary: Vec<String>,
    blocks: Vec<Block>,
}

#[derive(Debug)]
struct Block {
    start: usize,
    end: usize,
    part: Split,
}

/// What stands for the words that are not in the vocabulary.
const UNKNOWN: &str = "<unk>";

impl Corpus {
    /// Reads files of UTF-8 text.
    ///
    /// # Errors
    /// An option out of its range; no files; one that cannot be read or is not UTF-8; too few blocks for the parts.
    pub fn read(paths: &[PathBuf], options: &CorpusOptions) -> Result<Self, DataError> {
        options.check()?;
        let mut interned = Interned::default();
        let (mut tokens, mut blocks) = (Vec::new(), Vec::new());
        for path in paths {
            let start = tokens.len();
            read_file(path, options.lower_case, &mut interned, &mut tokens)?;
            for start in (start..tokens.len()).step_by(options.block) {
                let end = tokens.len().min(start + options.block);
                blocks.push(Block { start, end, part: Split::Train });
            }
        }
        if tokens.is_empty() {
            let found = format!("{} files without words", paths.len());
            return Err(DataError::argument("the text", found, "at least one word"));
        }
        assign_parts(&mut blocks, tokens.len(), options)?;
        let mut counts = vec![0_u64; interned.words.len()];
        for block in blocks.iter().filter(|block| block.part == Split::Train) {
            tokens[block.start..block.end].iter().for_each(|&word| counts[word as usize] += 1);
        }
        let (vocabulary, numbers) = choose(interned.words, &counts, options);
        tokens.iter_mut().for_each(|word| *word = numbers[*word as usize]);
        Ok(Corpus { tokens, vocabulary, blocks })
    }

    /// The words, by their number; the first is `<unk>`.
    pub fn vocabulary(&self) -> &[String] {
        &self.vocabulary
    }

    /// The blocks of a part, each a run of consecutive words by their numbers.
    pub fn blocks(&self, part: Split) -> impl Iterator<Item = &[u32]> {
        let blocks = self.blocks.iter().filter(move |block| block.part == part);
        blocks.map(|block| &self.tokens[block.start..block.end])
    }

    /// Where the blocks of a part begin and end among all words.
    pub(super) fn ranges(&self, part: Split) -> impl Iterator<Item = (usize, usize)> {
        self.blocks.iter().filter(move |block| block.part == part).map(|block| (block.start, block.end))
    }

    /// All words.
    pub(super) fn tokens(&self) -> &[u32] {
        &self.tokens
    }
}

impl CorpusOptions {
    fn check(&self) -> Result<(), DataError> {
        let most = u32::MAX as usize;
        if !(2..=most).contains(&self.vocabulary) {
            return Err(DataError::argument("vocabulary", self.vocabulary, format!("a number from 2 to {most}")));
        }
        if self.block < 2 {
            return Err(DataError::argument("block", self.block, "a number from 2 on"));
        }
        for (argument, share) in [("validation_share", self.validation_share), ("test_share", self.test_share)] {
            if !(0.0..1.0).contains(&share) {
                return Err(DataError::argument(argument, share, "a number from 0 to below 1"));
            }
        }
        Ok(())
    }
}

/// All different words, by the order in which they were seen.
#[derive(Default)]
struct Interned {
    words: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Interned {
    fn number(&mut self, word: &str) -> u32 {
        if let Some(&number) = self.numbers.get(word) {
            return number;
        }
        let number = self.words.len() as u32;
        self.words.push(word.to_owned());
        self.numbers.insert(word.to_owned(), number);
        number
    }
}

fn read_file(path: &Path, lower_case: bool, interned: &mut Interned, tokens: &mut Vec<u32>) -> Result<(), DataError> {
    visit_lines(path, |line, _, bytes| {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| Fault::new(error.valid_up_to(), "bytes that are not UTF-8", "UTF-8").at(path, line))?;
        tokens.extend(words(text).map(|word| interned.number(&folded(word, lower_case))));
        if interned.words.len() >= u32::MAX as usize {
            return Err(DataError::line(path, line, "too many different words", "a number of 32 bits"));
        }
        Ok(())
    })
}

/// Gives random blocks to the test part, then to the validation part, until each has its share.
fn assign_parts(blocks: &mut [Block], tokens: usize, options: &CorpusOptions) -> Result<(), DataError> {
    let order = Order::shuffled(blocks.len(), options.seed, 0);
    let mut place = 0;
    for (part, share) in [(Split::Test, options.test_share), (Split::Validation, options.validation_share)] {
        let (wanted, mut taken) = (share * tokens as f64, 0);
        while (taken as f64) < wanted
            && let Some(block) = order.row(place)
        {
            blocks[block].part = part;
            taken += blocks[block].end - blocks[block].start;
            place += 1;
        }
    }
    if place < blocks.len() {
        return Ok(());
    }
    let found = format!("{}, for {tokens} words in {} blocks", options.block, blocks.len());
    Err(DataError::argument("block", found, "a length that leaves blocks for training"))
}

/// The vocabulary, and for each word that was seen its number in it.
fn choose(words: Vec<String>, counts: &[u64], options: &CorpusOptions) -> (Vec<String>, Vec<u32>) {
    let least = options.least_count.max(1);
    let mut chosen: Vec<usize> = (0..words.len()).filter(|&word| counts[word] >= least).collect();
    chosen.sort_unstable_by(|&one, &other| counts[other].cmp(&counts[one]).then_with(|| words[one].cmp(&words[other])));
    chosen.truncate(options.vocabulary - 1);
    let mut numbers = vec![0; words.len()];
    let mut vocabulary = vec![UNKNOWN.to_owned()];
    for word in chosen {
        numbers[word] = vocabulary.len() as u32;
        vocabulary.push(words[word].clone());
    }
    (vocabulary, numbers)
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use super::*;

    /// A corpus from texts, one a file.
    pub(in crate::data::text) fn corpus(texts: &[&str], options: &CorpusOptions) -> Result<Corpus, DataError> {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = (0..texts.len()).map(|file| folder.path().join(format!("{file}.txt"))).collect();
        paths.iter().zip(texts).for_each(|(path, text)| fs::write(path, text).unwrap());
        Corpus::read(&paths, options)
    }

    pub(in crate::data::text) fn whole() -> CorpusOptions {
        CorpusOptions { least_count: 1, validation_share: 0.0, test_share: 0.0, ..CorpusOptions::default() }
    }

    fn named(corpus: &Corpus, part: Split) -> Vec<String> {
        let name = |&word: &u32| corpus.vocabulary()[word as usize].as_str();
        corpus.blocks(part).map(|block| block.iter().map(name).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn the_vocabulary_is_ordered_by_frequency() {
        let text = "The cat, the dog\nand THE bird, rare";
        let read = corpus(&[text], &CorpusOptions { vocabulary: 4, ..whole() }).unwrap();
        assert_eq!(read.vocabulary(), ["<unk>", "the", ",", "and"]);
        assert_eq!(named(&read, Split::Train), ["the <unk> , the <unk> and the <unk> , <unk>"]);
        let read = corpus(&[text], &CorpusOptions { least_count: 2, ..whole() }).unwrap();
        assert_eq!(read.vocabulary(), ["<unk>", "the", ","]);
        let read = corpus(&[text], &CorpusOptions { lower_case: false, ..whole() }).unwrap();
        assert_eq!(named(&read, Split::Train), ["The cat , the dog and THE bird , rare"]);
    }

    #[test]
    fn blocks_end_with_their_file_and_belong_to_one_part() {
        let read = corpus(&["a b c d e", "f g", ""], &CorpusOptions { block: 2, ..whole() }).unwrap();
        assert_eq!(named(&read, Split::Train), ["a b", "c d", "e", "f g"]);
        let options = CorpusOptions { block: 10, validation_share: 0.2, test_share: 0.1, ..whole() };
        let text = "word ".repeat(1000);
        let read = corpus(&[&text], &options).unwrap();
        let lengths = Split::ALL.map(|part| read.blocks(part).map(<[u32]>::len).sum::<usize>());
        let expected = Split::ALL.map(|part| match part {
            Split::Train => 700,
            Split::Validation => 200,
            Split::Test => 100,
        });
        assert_eq!(lengths, expected);
        let other = corpus(&[&text], &CorpusOptions { seed: 1, ..options }).unwrap();
        assert_ne!(read.ranges(Split::Test).collect::<Vec<_>>(), other.ranges(Split::Test).collect::<Vec<_>>());
    }

    #[test]
    fn words_of_other_parts_are_not_in_the_vocabulary() {
        let options = CorpusOptions { block: 2, test_share: 0.5, ..whole() };
        let read = corpus(&["a b", "c d"], &options).unwrap();
        assert_eq!(read.vocabulary().len(), 3);
        assert_eq!(named(&read, Split::Test), ["<unk> <unk>"]);
    }

    #[test]
    fn bad_texts_and_options_are_named() {
        for (text, options, expected) in [
            (
                "a",
                CorpusOptions { vocabulary: 1, ..whole() },
                "vocabulary is 1, expected a number from 2 to 4294967295",
            ),
            ("a", CorpusOptions { block: 1, ..whole() }, "block is 1, expected a number from 2 on"),
            ("a", CorpusOptions { test_share: 1.0, ..whole() }, "test_share is 1, expected a number from 0 to below 1"),
            (
                "a",
                CorpusOptions { test_share: f64::NAN, ..whole() },
                "test_share is NaN, expected a number from 0 to below 1",
            ),
            ("", whole(), "the text is 1 files without words, expected at least one word"),
            (
                "a b",
                CorpusOptions { test_share: 0.1, ..whole() },
                "block is 10000, for 2 words in 1 blocks, expected a length that leaves blocks for training",
            ),
        ] {
            assert_eq!(corpus(&[text], &options).unwrap_err().to_string(), expected);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        fs::write(&path, b"good\nb\xffd\n").unwrap();
        let message = Corpus::read(std::slice::from_ref(&path), &whole()).unwrap_err().to_string();
        assert!(message.ends_with("text, line 2, column 2: bytes that are not UTF-8; expected UTF-8"), "{message}");
        assert!(matches!(Corpus::read(&[path.join("none")], &whole()), Err(DataError::Io { .. })));
    }
}
