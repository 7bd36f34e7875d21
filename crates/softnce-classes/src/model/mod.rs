//! From the inputs of rows to the loss, and back to the rows of the tables that took part.
//!
//! - [`Encoder`]: inputs to features.
//! - [`Head`]: features to the loss, over the classes that occur in a batch.
//! - [`NoiseSource`]: the noise distribution, given or estimated on the stream.
//! - [`Temperature`]: fixed or learned.

mod encoder;
mod head;
mod noise;
mod normalised;
mod temperature;

pub use encoder::{Activation, Bag, Encoded, Encoder, Pooling};
pub use head::{Head, HeadStep};
pub use noise::NoiseSource;
pub(crate) use normalised::Normalised;
pub use temperature::{Temperature, TemperatureState};
