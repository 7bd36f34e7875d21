//! Classes drawn from a noise distribution, each in constant time.

use rand::{Rng, RngExt};

use crate::targets::check_classes;
use crate::{Error, NoiseDistribution};

/// Draws classes from a noise distribution, each draw in constant time whatever the number of classes d.
///
/// Built once for a noise distribution, in time O(d). It takes 8 bytes for each class beyond the distribution itself,
/// and none for uniform noise.
///
/// The table is Walker's alias table (Walker, "An efficient method for generating discrete random variables with
/// general distributions", 1977), built as in Vose, "A linear algorithm for generating random numbers with a given
/// distribution", 1991: column k belongs to class k up to a threshold, and to one other class above it.
///
/// ```
/// use chacha20::ChaCha8Rng;
/// use rand::SeedableRng;
/// use softnce::{ClassSampler, NoiseDistribution};
///
/// let noise = NoiseDistribution::from_counts(&[90, 9, 1], 0.0)?.powered(0.75)?;
/// let sampler = ClassSampler::new(&noise, 3)?;
/// let mut generator = ChaCha8Rng::seed_from_u64(0);
/// assert!(sampler.draw(&mut generator) < 3);
/// assert!((sampler.probability(2) - noise.probabilities(3)?[2]).abs() < 1e-15);
/// # Ok::<(), softnce::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ClassSampler {
    classes: usize,
    noise: NoiseDistribution,
    /// `None`: uniform. Shape `[d]`.
    columns: Option<Vec<Column>>,
}

/// A column of the table.
#[derive(Debug, Clone, Copy)]
struct Column {
    /// The share of the column that belongs to its own class, as a fraction of 2^32.
    own: u32,
    /// The class to which the rest belongs.
    other: u32,
}

impl ClassSampler {
    /// A sampler of `classes` classes.
    ///
    /// # Errors
    /// No classes, or more than 32 bits index; a noise distribution over another number of classes.
    pub fn new(noise: &NoiseDistribution, classes: usize) -> Result<Self, Error> {
        noise.check_classes(classes)?;
        check_classes(classes)?;
        let columns = noise.log_probabilities().is_some().then(|| noise.probabilities(classes)).transpose()?;
        let columns = columns.map(|probabilities| table(&probabilities.to_vec()));
        Ok(ClassSampler { classes, noise: noise.clone(), columns })
    }

    /// Number of classes d.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The noise distribution.
    pub fn noise(&self) -> &NoiseDistribution {
        &self.noise
    }

    /// The probability of a class; 0 for one that there is not.
    pub fn probability(&self, class: usize) -> f64 {
        match self.noise.log_probabilities() {
            _ if class >= self.classes => 0.0,
            Some(logs) => logs[class].exp(),
            None => 1.0 / self.classes as f64,
        }
    }

    /// Draws a class.
    pub fn draw<R: Rng + ?Sized>(&self, generator: &mut R) -> u32 {
        let column = generator.random_range(0..self.classes as u32);
        match &self.columns {
            Some(columns) => {
                let Column { own, other } = columns[column as usize];
                if generator.random::<u32>() < own { column } else { other }
            }
            None => column,
        }
    }
}

/// The columns for these probabilities, whose sum is 1.
fn table(probabilities: &[f64]) -> Vec<Column> {
    const WHOLE: f64 = (1_u64 << 32) as f64;
    let classes = probabilities.len();
    // What each class still has to be given, in columns.
    let mut left: Vec<f64> = probabilities.iter().map(|probability| probability * classes as f64).collect();
    let (mut small, mut large): (Vec<u32>, Vec<u32>) =
        (0..classes as u32).partition(|&class| left[class as usize] < 1.0);
    let mut columns: Vec<Column> = (0..classes as u32).map(|class| Column { own: u32::MAX, other: class }).collect();
    while let (Some(&poor), Some(&rich)) = (small.last(), large.last()) {
        small.pop();
        let own = left[poor as usize];
        columns[poor as usize] = Column { own: (own * WHOLE) as u32, other: rich };
        let rest = &mut left[rich as usize];
        // In this order: the sum is at least 1, so that nothing is lost to cancellation.
        *rest = (*rest + own) - 1.0;
        if *rest < 1.0 {
            large.pop();
            small.push(rich);
        }
    }
    // What remains on either side has 1 up to rounding: its column is its own.
    columns
}
