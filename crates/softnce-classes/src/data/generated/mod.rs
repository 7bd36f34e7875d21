//! Generated rows of clustered classes with a long tail, whose posterior is known.

mod bits;

use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal, Zipf};
use serde::{Deserialize, Serialize};

use self::bits::{Signs, Stream, generator};
use super::{DataError, Example, Inputs, Source};

/// What is generated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GeneratedConfig {
    /// Number of rows.
    pub rows: usize,
    /// Number of classes d.
    pub classes: usize,
    /// Number of columns D.
    pub columns: usize,
    /// Classes in a cluster K; the last clusters have one less where d is no multiple of K.
    pub cluster_size: usize,
    /// Class k, from 0, has a probability in proportion to (k + 1)^-exponent (Zipf's law); 0 makes all equal.
    pub exponent: f64,
    /// Typical distance of a cluster's centre from 0, in standard deviations of the noise.
    pub separation: f64,
    /// Distance of a class from its cluster's centre, in the same unit: the larger, the easier.
    pub offset: f64,
    /// The soft label: so many classes of the largest posterior, renormalised. 0: the class that the row was drawn
    /// from.
    pub soft_classes: usize,
    /// Seed of classes and rows.
    pub seed: u64,
    /// Which rows of these classes: parts have rows of their own, such as 0 for training and 1 for testing.
    pub part: u64,
}

impl Default for GeneratedConfig {
    fn default() -> Self {
        GeneratedConfig {
            rows: 1_000_000,
            classes: 1_000_000,
            columns: 256,
            cluster_size: 16,
            exponent: 1.0,
            separation: 16.0,
            offset: 2.0,
            soft_classes: 0,
            seed: 0,
            part: 0,
        }
    }
}

/// Generated rows: a pure function of the settings and the index, whatever was read before.
///
/// With sigma^2 = 1 / (1 + (separation^2 + offset^2) / D), which makes the mean square of a feature 1:
///
/// - class y: drawn by Zipf's law;
/// - its centre: `mu_y = sigma (m_g + o_y)`. The centre of its cluster `m_g ~ N(0, separation^2 / D I)`; its offset
///   `o_y = offset / sqrt(D) s_y` with random signs `s_y`. Both are computed from the seed and the class when they are
///   needed, so memory does not depend on d;
/// - features: `x ~ N(mu_y, sigma^2 I)`.
///
/// Class k is in cluster `k mod ceil(d / K)`, so each cluster has frequent and rare classes.
///
/// **The posterior.** By Bayes' rule, `p(y | x)` is in proportion to `p(y) exp(<x, mu_y> / sigma^2 - |mu_y|^2 / (2
/// sigma^2))`, which a linear head with bias can express. [`Generated::posterior`] is exact, to rounding, for x of this
/// cluster: `p(y | x, y in the cluster)`. It differs from `p(y | x)` by the mass that other clusters have at x. Centres
/// are about `sqrt(2) separation` standard deviations apart, so the log of this mass is about `-separation^2 + sqrt(2)
/// separation z + ln(p(other cluster) / p(cluster))` with z ~ N(0, 1): it is negligible in double precision for the
/// default separation of 16 in 64 columns or more, and not for a small one or few columns.
#[derive(Debug, Clone)]
pub struct Generated {
    config: GeneratedConfig,
    clusters: usize,
    law: Zipf<f64>,
    /// Sum of (k + 1)^-exponent over all classes.
    normaliser: f64,
    sigma: f64,
}

impl Generated {
    /// Checks the settings. Takes time in proportion to the number of classes, once, and no memory.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn new(config: GeneratedConfig) -> Result<Self, DataError> {
        let limit = u32::MAX as usize;
        for (argument, found, most) in [
            ("rows", config.rows, usize::MAX),
            ("classes", config.classes, limit),
            ("columns", config.columns, 1 << 20),
            ("cluster_size", config.cluster_size, config.classes.max(1)),
        ] {
            if !(1..=most).contains(&found) {
                return Err(DataError::argument(argument, found, format!("a number from 1 to {most}")));
            }
        }
        for (argument, found, most) in [
            ("exponent", config.exponent, 10.0),
            ("separation", config.separation, 1e3),
            ("offset", config.offset, 1e3),
        ] {
            if !(0.0..=most).contains(&found) {
                return Err(DataError::argument(argument, found, format!("a number from 0 to {most}")));
            }
        }
        let law = Zipf::new(config.classes as f64, config.exponent)
            .map_err(|error| DataError::argument("exponent", config.exponent, error.to_string()))?;
        // From the rarest on, so that the sum keeps them.
        let normaliser = (1..=config.classes).rev().map(|rank| (rank as f64).powf(-config.exponent)).sum();
        let squares = config.separation.powi(2) + config.offset.powi(2);
        let sigma = 1.0 / (1.0 + squares / config.columns as f64).sqrt();
        let clusters = config.classes.div_ceil(config.cluster_size);
        Ok(Generated { config, clusters, law, normaliser, sigma })
    }

    /// The settings.
    pub fn config(&self) -> &GeneratedConfig {
        &self.config
    }

    /// Number of clusters.
    pub fn clusters(&self) -> usize {
        self.clusters
    }

    /// The cluster of a class.
    pub fn cluster(&self, class: usize) -> usize {
        class % self.clusters
    }

    /// The classes of a cluster, the most frequent first.
    pub fn members(&self, cluster: usize) -> impl ExactSizeIterator<Item = usize> {
        (cluster..self.config.classes).step_by(self.clusters)
    }

    /// The probability of a class; 0 for one that does not exist.
    pub fn prior(&self, class: usize) -> f64 {
        if class < self.config.classes { self.log_weight(class).exp() / self.normaliser } else { 0.0 }
    }

    /// The standard deviation sigma of a feature around the centre of its class.
    pub fn noise(&self) -> f64 {
        self.sigma
    }

    /// The logarithm of what the probability of a class is in proportion to.
    fn log_weight(&self, class: usize) -> f64 {
        -self.config.exponent * (class as f64 + 1.0).ln()
    }

    /// The class that a row is drawn from.
    ///
    /// # Errors
    /// A row that does not exist.
    pub fn class(&self, index: usize) -> Result<usize, DataError> {
        DataError::check_index(index, self.config.rows)?;
        Ok(self.draw_class(&mut self.row_generator(index)))
    }

    fn row_generator(&self, index: usize) -> impl Rng {
        generator(self.config.seed, Stream::Row, self.config.part, index as u64)
    }

    fn draw_class(&self, generator: &mut impl Rng) -> usize {
        let rank = self.law.sample(generator);
        // Ranks begin with 1 and end with d.
        (rank as usize).clamp(1, self.config.classes) - 1
    }

    /// The centre of a cluster, in standard deviations of the noise.
    fn cluster_centre(&self, cluster: usize) -> Vec<f64> {
        let mut generator = generator(self.config.seed, Stream::Cluster, 0, cluster as u64);
        let scale = self.config.separation / (self.config.columns as f64).sqrt();
        let mut normal = || -> f64 { generator.sample(StandardNormal) };
        (0..self.config.columns).map(|_| scale * normal()).collect()
    }

    /// Adds the offset of a class from the centre of its cluster.
    fn add_offset(&self, class: usize, centre: &mut [f64]) {
        let step = self.config.offset / (self.config.columns as f64).sqrt();
        let signs = Signs::new(self.config.seed, class, self.config.columns);
        centre.iter_mut().zip(signs.iter()).for_each(|(value, sign)| *value += step * sign);
    }

    /// The centre mu of a class. Shape `[D]`.
    ///
    /// # Errors
    /// A class that does not exist.
    pub fn centre(&self, class: usize) -> Result<Vec<f64>, DataError> {
        if class >= self.config.classes {
            return Err(DataError::argument("class", class, format!("a class below {}", self.config.classes)));
        }
        let mut centre = self.cluster_centre(self.cluster(class));
        self.add_offset(class, &mut centre);
        centre.iter_mut().for_each(|value| *value *= self.sigma);
        Ok(centre)
    }

    /// The posterior of the classes of a cluster at some features, given that it is this cluster, in the order of
    /// [`Generated::members`].
    ///
    /// # Shapes
    /// `features`: `[D]`.
    ///
    /// # Errors
    /// Features of another number, or not finite; a cluster that does not exist.
    pub fn posterior(&self, features: &[f32], cluster: usize) -> Result<Vec<f64>, DataError> {
        let columns = self.config.columns;
        if features.len() != columns || features.iter().any(|value| !value.is_finite()) {
            let found = format!("{} values, or some that are not finite", features.len());
            return Err(DataError::argument("features", found, format!("{columns} finite values")));
        }
        if cluster >= self.clusters {
            return Err(DataError::argument("cluster", cluster, format!("a cluster below {}", self.clusters)));
        }
        Ok(self.posterior_around(&self.cluster_centre(cluster), features, cluster))
    }

    fn posterior_around(&self, centre: &[f64], features: &[f32], cluster: usize) -> Vec<f64> {
        let step = self.config.offset / (self.config.columns as f64).sqrt();
        let residual: Vec<f64> =
            features.iter().zip(centre).map(|(&value, centre)| f64::from(value) / self.sigma - centre).collect();
        // |x - m - o|^2 = |x - m|^2 - 2 <x - m, o> + |o|^2, of which only the middle term depends on the class.
        let score = |class: usize| {
            let signs = Signs::new(self.config.seed, class, self.config.columns);
            self.log_weight(class) + step * signs.dot(&residual)
        };
        let mut shares: Vec<f64> = self.members(cluster).map(score).collect();
        let most = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        shares.iter_mut().for_each(|share| *share = (*share - most).exp());
        let sum: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= sum);
        shares
    }
}

impl Source for Generated {
    fn len(&self) -> usize {
        self.config.rows
    }

    fn inputs(&self) -> Inputs {
        Inputs::Dense { columns: self.config.columns }
    }

    fn classes(&self) -> usize {
        self.config.classes
    }

    fn read(&self, index: usize, example: &mut Example) -> Result<(), DataError> {
        DataError::check_index(index, self.config.rows)?;
        example.clear();
        let mut generator = self.row_generator(index);
        let class = self.draw_class(&mut generator);
        let cluster = self.cluster(class);
        let cluster_centre = self.cluster_centre(cluster);
        let mut centre = cluster_centre.clone();
        self.add_offset(class, &mut centre);
        example.dense.extend(centre.iter().map(|centre| {
            let noise: f64 = generator.sample(StandardNormal);
            (self.sigma * (centre + noise)) as f32
        }));
        example.relevant.push(class as u32);
        if self.config.soft_classes == 0 {
            example.share_equally();
            return Ok(());
        }
        let posterior = self.posterior_around(&cluster_centre, &example.dense, cluster);
        let mut shares: Vec<(usize, f64)> = self.members(cluster).zip(posterior).collect();
        // Of equal shares the more frequent class first.
        shares.sort_by(|one, other| other.1.total_cmp(&one.1));
        shares.truncate(self.config.soft_classes);
        let sum: f64 = shares.iter().map(|(_, share)| share).sum();
        // A share that rounds to 0 is none.
        for (class, share) in shares.into_iter().filter(|(_, share)| *share > 0.0) {
            example.classes.push(class as u32);
            example.weights.push(share / sum);
        }
        Ok(())
    }

    /// The expected mass under hard labels, which is that of soft ones too up to the classes they leave out.
    fn known_class_mass(&self) -> Option<Vec<f64>> {
        Some((0..self.config.classes).map(|class| self.prior(class) * self.config.rows as f64).collect())
    }
}

#[cfg(test)]
mod tests;
