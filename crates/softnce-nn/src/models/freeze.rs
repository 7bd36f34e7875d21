//! Which layers of a network are frozen, as a configuration says it.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::NetworkError;

/// The layers that keep their weights in training: a pretrained body, for example. They have no gradient and no
/// optimiser state, and they work as in evaluation: batch normalisation with its running statistics, no branch dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freeze {
    /// Every layer but the head: a linear probe.
    Body,
    /// The first layers, as [`layer_of`](crate::weights::layer_of) counts them: 1 is the stem or the embeddings, 3 also
    /// the first two blocks.
    Layers(usize),
}

/// [`Freeze::Body`] in a configuration.
const BODY: &str = "body";

impl Freeze {
    /// An error unless at least one of this many layers is frozen and at least one is not.
    pub(super) fn check(self, layers: usize) -> Result<(), NetworkError> {
        let most = layers.saturating_sub(1);
        match self {
            Freeze::Body if most == 0 => {
                Err(NetworkError::argument("freeze", BODY, "no such key, as the network has no layer before its head"))
            }
            Freeze::Layers(count) if !(1..=most).contains(&count) => {
                let expected = format!("\"{BODY}\", or from 1 to {most} of the network's {layers} layers");
                Err(NetworkError::argument("freeze", count, expected))
            }
            _ => Ok(()),
        }
    }
}

impl Serialize for Freeze {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Freeze::Body => serializer.serialize_str(BODY),
            Freeze::Layers(count) => serializer.serialize_u64(*count as u64),
        }
    }
}

impl<'de> Deserialize<'de> for Freeze {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Freeze, D::Error> {
        deserializer.deserialize_any(TextOrNumber)
    }
}

struct TextOrNumber;

impl Visitor<'_> for TextOrNumber {
    type Value = Freeze;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{BODY}\" or a number of layers")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Freeze, E> {
        if text == BODY { Ok(Freeze::Body) } else { Err(E::invalid_value(Unexpected::Str(text), &self)) }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Freeze, E> {
        let count = usize::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))?;
        Ok(Freeze::Layers(count))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Freeze, E> {
        let count = usize::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))?;
        Ok(Freeze::Layers(count))
    }
}
