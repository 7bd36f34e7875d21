//! Noise distributions, cached between calls: computing the logarithm of each class again costs as much as a row of the
//! loss.

use std::sync::Mutex;

use softnce::{Error, NoiseDistribution};

/// The distributions used last, the newest at the end. A training run has one or two.
static KEPT: Mutex<Vec<(Vec<f64>, NoiseDistribution)>> = Mutex::new(Vec::new());
const MOST: usize = 4;

/// The distribution with these probabilities. The cached probabilities are compared entry by entry, because the memory
/// may have been written to since.
pub(crate) fn from_probabilities(probabilities: Vec<f64>) -> Result<NoiseDistribution, Error> {
    // Never wait for the lock: another thread may hold it, or held it when this process was forked. Then compute again.
    if let Ok(kept) = KEPT.try_lock()
        && let Some((_, noise)) = kept.iter().find(|(kept, _)| *kept == probabilities)
    {
        return Ok(noise.clone());
    }
    let noise = NoiseDistribution::from_probabilities(&probabilities)?;
    if let Ok(mut kept) = KEPT.try_lock() {
        if kept.len() >= MOST {
            kept.remove(0);
        }
        kept.push((probabilities, noise.clone()));
    }
    Ok(noise)
}
