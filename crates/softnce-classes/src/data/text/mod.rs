//! Text: labelled lines as hashed n-grams, and the next word of running text.
//!
//! - [`LabelledText`]: lines `__label__a __label__b some text`, as fastText has them.
//! - [`Corpus`]: files of running text as numbers of words, split into parts; [`NextWords`]: the words before as
//!   inputs, the next one as the class.
//! - [`Trigram`]: a model of the next word, for soft labels.
//! - [`words`]: how text is split.

mod corpus;
mod labelled;
mod next_word;
mod trigram;
mod words;

pub use corpus::{Corpus, CorpusOptions};
pub use labelled::{LabelledText, LabelledTextOptions};
pub use next_word::{NextWords, NextWordsOptions};
pub use trigram::Trigram;
pub use words::words;
