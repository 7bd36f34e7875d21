//! Noise distributions, kept from call to call: taking the logarithm of each class anew costs as much as a row of the
//! loss.

use std::sync::{Mutex, PoisonError};

use softnce::{Error, NoiseDistribution};

/// The last distributions, the newest last. A training run has one or two.
static KEPT: Mutex<Vec<(Vec<f64>, NoiseDistribution)>> = Mutex::new(Vec::new());
const MOST: usize = 4;

/// The distribution with these probabilities. They are compared entry by entry, so that memory that has been written to
/// since is never taken for what it was.
pub(crate) fn from_probabilities(probabilities: Vec<f64>) -> Result<NoiseDistribution, Error> {
    let lock = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, noise)) = lock().iter().find(|(kept, _)| *kept == probabilities) {
        return Ok(noise.clone());
    }
    let noise = NoiseDistribution::from_probabilities(&probabilities)?;
    let mut kept = lock();
    if kept.len() >= MOST {
        kept.remove(0);
    }
    kept.push((probabilities, noise.clone()));
    Ok(noise)
}
