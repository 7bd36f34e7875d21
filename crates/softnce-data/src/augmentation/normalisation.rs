//! Normalisation: subtracts the mean of each channel and divides by its standard deviation.

use serde::{Deserialize, Serialize};

use super::error::{AugmentationError, refuse};

/// Mean and standard deviation of each channel, by the name of a data set or as numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "the name of a normalisation (imagenet, inception, cifar10, cifar100, fashion-mnist, mnist) or \
                 { mean = [...], std = [...] }"
)]
pub enum Normalisation {
    /// The usual values for a data set.
    Named(NamedNormalisation),
    /// These values.
    Given(ChannelStatistics),
}

/// Data sets with usual values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NamedNormalisation {
    /// ImageNet, three channels.
    #[serde(rename = "imagenet")]
    ImageNet,
    /// 0.5 and 0.5, three channels: pixels from -1 to 1.
    Inception,
    /// CIFAR-10's training pictures, three channels.
    Cifar10,
    /// CIFAR-100's training pictures, three channels.
    Cifar100,
    /// Fashion-MNIST's training pictures, one channel.
    FashionMnist,
    /// MNIST's training pictures, one channel.
    Mnist,
}

/// Mean and standard deviation of each channel, for pixels from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelStatistics {
    /// Mean of each channel.
    pub mean: Vec<f64>,
    /// Standard deviation of each channel, above 0.
    pub std: Vec<f64>,
}

impl Default for Normalisation {
    fn default() -> Self {
        Normalisation::Named(NamedNormalisation::ImageNet)
    }
}

impl Normalisation {
    /// The values of each channel.
    pub fn statistics(&self) -> ChannelStatistics {
        let (mean, std): (&[f64], &[f64]) = match self {
            Normalisation::Given(given) => (&given.mean, &given.std),
            Normalisation::Named(name) => match name {
                NamedNormalisation::ImageNet => (&[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225]),
                NamedNormalisation::Inception => (&[0.5; 3], &[0.5; 3]),
                NamedNormalisation::Cifar10 => (&[0.4914, 0.4822, 0.4465], &[0.2470, 0.2435, 0.2616]),
                NamedNormalisation::Cifar100 => (&[0.5071, 0.4865, 0.4409], &[0.2673, 0.2564, 0.2762]),
                NamedNormalisation::FashionMnist => (&[0.2860], &[0.3530]),
                NamedNormalisation::Mnist => (&[0.1307], &[0.3081]),
            },
        };
        ChannelStatistics { mean: mean.to_vec(), std: std.to_vec() }
    }

    pub(super) fn check(&self) -> Result<(), AugmentationError> {
        let Normalisation::Given(ChannelStatistics { mean, std }) = self else { return Ok(()) };
        if ![1, 3].contains(&mean.len()) || mean.iter().any(|mean| !mean.is_finite()) {
            return refuse("normalisation.mean", format!("{mean:?}"), "1 or 3 finite numbers");
        }
        if std.len() != mean.len() || std.iter().any(|std| !(std.is_finite() && *std > 0.0)) {
            return refuse("normalisation.std", format!("{std:?}"), "numbers above 0, as many as there are means");
        }
        Ok(())
    }
}

/// The normalised value of each of a channel's 256 levels.
pub(super) type Table = [f32; 256];

/// One table per channel.
pub(super) fn tables(statistics: &ChannelStatistics) -> Vec<Table> {
    let table = |(mean, std): (&f64, &f64)| std::array::from_fn(|level| ((level as f64 / 255.0 - mean) / std) as f32);
    statistics.mean.iter().zip(&statistics.std).map(table).collect()
}
