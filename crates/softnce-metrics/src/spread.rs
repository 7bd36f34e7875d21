//! The spread of repeated measurements.

/// Median, quartiles and range of repeated measurements, in their unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Smallest sample.
    pub min: f64,
    /// A quarter of the samples lies below.
    pub lower_quartile: f64,
    /// Half of the samples lies below.
    pub median: f64,
    /// Three quarters of the samples lie below.
    pub upper_quartile: f64,
    /// Largest sample.
    pub max: f64,
    /// Number of samples.
    pub samples: usize,
}

impl Spread {
    /// Summarises samples; `None` where there are none.
    ///
    /// # Shapes
    /// `samples`: `[samples]`, in any order.
    pub fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let at = |share| quantile(&sorted, share);
        let (lower_quartile, median, upper_quartile) = (at(0.25), at(0.5), at(0.75));
        Some(Spread { min, lower_quartile, median, upper_quartile, max, samples: sorted.len() })
    }
}

/// Between the two nearest of sorted values where it falls between them, as `numpy.quantile` has it.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_those_of_numpy() {
        // np.quantile([4, 1, 3, 2], [0, .25, .5, .75, 1])
        let spread = Spread::of(&[4.0, 1.0, 3.0, 2.0]).unwrap();
        let Spread { min, lower_quartile, median, upper_quartile, max, samples } = spread;
        assert_eq!([min, lower_quartile, median, upper_quartile, max], [1.0, 1.75, 2.5, 3.25, 4.0]);
        assert_eq!(samples, 4);
    }

    #[test]
    fn one_sample_is_everything() {
        let spread = Spread::of(&[2.0]).unwrap();
        assert_eq!([spread.min, spread.median, spread.upper_quartile, spread.max], [2.0; 4]);
        assert_eq!(Spread::of(&[]), None);
    }
}
