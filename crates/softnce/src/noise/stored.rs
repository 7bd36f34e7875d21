//! Serialisation of a noise distribution: its probabilities, or a null value for the uniform distribution, whose number
//! of classes is not fixed.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::NoiseDistribution;

impl Serialize for NoiseDistribution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let probabilities = |logs: ndarray::ArrayView1<'_, f64>| logs.iter().map(|log_p| log_p.exp()).collect();
        self.log_probabilities().map::<Vec<f64>, _>(probabilities).serialize(serializer)
    }
}

/// Equal to what was written up to rounding: the logarithms are computed anew.
impl<'de> Deserialize<'de> for NoiseDistribution {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Option::<Vec<f64>>::deserialize(deserializer)? {
            Some(probabilities) => NoiseDistribution::from_probabilities(&probabilities).map_err(D::Error::custom),
            None => Ok(NoiseDistribution::uniform()),
        }
    }
}
