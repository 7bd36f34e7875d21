//! The one error type: which argument, what was found there, what was expected.

use std::borrow::Cow;
use std::fmt;

/// Why a loss, a target set or a noise distribution was refused.
///
/// The message names the argument, the position in it, what was found and what was expected:
///
/// ```
/// use softnce::{ErrorKind, Targets};
///
/// let error = Targets::hard(&[0, 3], 3).unwrap_err();
/// assert_eq!(error.to_string(), "labels[1]: found 3, expected a class from 0 to 2");
/// assert_eq!((error.kind(), error.argument(), error.index()), (ErrorKind::Index, "labels", &[1][..]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    argument: Cow<'static, str>,
    index: Vec<usize>,
    found: Cow<'static, str>,
    expected: Cow<'static, str>,
}

/// What kind of thing was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An array has the wrong shape.
    Shape,
    /// An array has no rows or no columns.
    Empty,
    /// There are fewer candidates than the rows need.
    Candidates,
    /// An entry is NaN or infinite.
    NonFinite,
    /// A logit less the row's maximum, divided by the temperature, is too large for sums over the classes.
    Overflow,
    /// The temperature or its reciprocal is not a finite number above 0, in the type of the sums as well.
    Temperature,
    /// A value is out of its range.
    Range,
    /// Values that must sum to 1, or to more than 0, do not.
    Sum,
    /// A class or candidate does not exist, or occurs twice where it may occur once.
    Index,
    /// A size does not fit the type that indexes it.
    Size,
    /// The targets have a form or uniform shares that the loss does not take.
    Targets,
    /// This loss, or this machine, cannot do what was asked for.
    Unsupported,
    /// A name is unknown.
    Name,
}

impl Error {
    /// An error of an argument: what was found, and what was expected, in words.
    pub fn new(
        kind: ErrorKind,
        argument: impl Into<Cow<'static, str>>,
        found: impl Into<Cow<'static, str>>,
        expected: impl Into<Cow<'static, str>>,
    ) -> Self {
        Error { kind, argument: argument.into(), index: Vec::new(), found: found.into(), expected: expected.into() }
    }

    /// An array of this shape where another was expected.
    pub fn shape(argument: &'static str, found: &[usize], expected: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Shape, argument, format!("shape {found:?}"), expected)
    }

    /// An array without rows or without columns.
    pub fn empty(argument: &'static str, found: &[usize]) -> Self {
        Error::new(ErrorKind::Empty, argument, format!("shape {found:?}"), "at least one row and one column")
    }

    /// An entry that is NaN or infinite.
    pub fn non_finite(argument: &'static str, index: impl Into<Vec<usize>>, found: f64) -> Self {
        // Masking with -inf is the usual cause; the loss weighs every class, and 0 times infinity is NaN.
        let expected = match argument {
            "logits" => "a finite number (to mask a class, use a large negative number such as -1e4)",
            _ => "a finite number",
        };
        Error::number(ErrorKind::NonFinite, argument, found, expected).at(index)
    }

    /// A temperature that no loss takes.
    pub fn temperature(found: f64) -> Self {
        let expected = "a finite number above 0 with a finite reciprocal, in the type of the sums as well";
        Error::number(ErrorKind::Temperature, "temperature", found, expected)
    }

    /// A logit so far below its row's maximum that the score overflows the type of the sums.
    pub(crate) fn overflow(index: [usize; 2], logit: f64, temperature: f64, sums: &str) -> Self {
        let expected = format!("(logit - row maximum) / temperature {temperature:e} in the range of {sums}");
        Error::number(ErrorKind::Overflow, "logits", logit, expected).at(index)
    }

    /// A number where another was expected.
    pub(crate) fn number(
        kind: ErrorKind,
        argument: &'static str,
        found: f64,
        expected: impl Into<Cow<'static, str>>,
    ) -> Self {
        Error::new(kind, argument, number(found), expected)
    }

    /// A number out of its range.
    pub(crate) fn range(argument: &'static str, found: f64, expected: impl Into<Cow<'static, str>>) -> Self {
        Error::number(ErrorKind::Range, argument, found, expected)
    }

    /// A sum that is not 1, or not what it must be.
    pub(crate) fn sum(argument: &'static str, found: f64, expected: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Sum, argument, format!("a sum of {}", number(found)), expected)
    }

    /// A class or candidate that does not exist.
    pub(crate) fn index_of(argument: &'static str, what: &str, found: impl fmt::Display, count: usize) -> Self {
        let expected = match count.checked_sub(1) {
            Some(last) => format!("a {what} from 0 to {last}"),
            None => format!("no {what}, for there are none"),
        };
        Error::new(ErrorKind::Index, argument, found.to_string(), expected)
    }

    /// A size beyond the type that indexes it.
    pub(crate) fn size(argument: &'static str, found: u128, limit: u128) -> Self {
        Error::new(ErrorKind::Size, argument, found.to_string(), format!("at most {limit}, as the index type holds"))
    }

    /// Adds the position in the argument.
    #[must_use]
    pub fn at(self, index: impl Into<Vec<usize>>) -> Self {
        Error { index: index.into(), ..self }
    }

    /// Gives the argument the name that the caller knows it by.
    #[must_use]
    pub fn of_argument(self, argument: impl Into<Cow<'static, str>>) -> Self {
        Error { argument: argument.into(), ..self }
    }

    /// What kind of thing was wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Name of the argument.
    pub fn argument(&self) -> &str {
        &self.argument
    }

    /// Position in the argument; empty where the whole argument was wrong.
    pub fn index(&self) -> &[usize] {
        &self.index
    }

    /// What was found, in words.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What was expected, in words.
    pub fn expected(&self) -> &str {
        &self.expected
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.argument)?;
        if !self.index.is_empty() {
            write!(f, "{:?}", self.index)?;
        }
        write!(f, ": found {}, expected {}", self.found, self.expected)
    }
}

impl std::error::Error for Error {}

/// A number in the shortest form that reads back, with an exponent where the digits would run on.
fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (1e-5..1e7).contains(&size) || !value.is_finite() {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}
