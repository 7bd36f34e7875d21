//! Class-wise calibration: is a class given 20 % right in 20 % of the cases, whichever class it is?
//!
//! The class-wise expected calibration error (Kull et al. 2019, "Beyond temperature scaling", section 2; the static
//! calibration error of Nixon et al. 2019) looks at the whole posterior, not only at its largest entry:
//!
//! ```text
//! cwECE = 1/d sum over classes k, bins b of (n_kb / n) |share of class k in the bin - mean p_k in the bin|
//! ```

use crate::binning::bin_of;
use crate::calibration::CalibrationError;
use crate::moments;

/// The bins of equal width of every class, as counts and moments: 32 bytes a bin, whatever the number of examples.
#[derive(Debug, Clone)]
pub(crate) struct ClassWise {
    bins: usize,
    cells: Vec<Cell>,
    examples: usize,
}

/// One bin of one class.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    count: u64,
    right: u64,
    /// Sum over the examples of the probability of the bin's rarer outcome: that of the class in the lower half of
    /// the scale, that of the others in the upper, so that no digits are lost near 1.
    minor: f64,
    /// Sum of its squares.
    minor_squares: f64,
}

impl ClassWise {
    /// Nothing seen yet; `classes >= 1`, `bins >= 1`.
    pub(crate) fn new(classes: usize, bins: usize) -> Self {
        Self { bins, cells: vec![Cell::default(); classes * bins], examples: 0 }
    }

    /// Adds a posterior (length: classes) and the class that was right.
    pub(crate) fn push(&mut self, posterior: &[f64], label: usize) {
        self.examples += 1;
        for ((class, &probability), cells) in posterior.iter().enumerate().zip(self.cells.chunks_exact_mut(self.bins)) {
            let bin = bin_of(probability, self.bins);
            let minor = if in_upper_half(bin, self.bins) { 1.0 - probability } else { probability };
            let cell = &mut cells[bin];
            cell.count += 1;
            cell.right += u64::from(class == label);
            cell.minor += minor;
            cell.minor_squares += minor * minor;
        }
    }

    /// The error over all classes and bins, and what a perfectly calibrated model of the same posteriors would show.
    pub(crate) fn finish(&self) -> CalibrationError {
        let (mut gap, mut deviation) = (0.0, 0.0);
        for (index, cell) in self.cells.iter().enumerate().filter(|(_, cell)| cell.count > 0) {
            let (count, right) = (cell.count as f64, cell.right as f64);
            let minor_right = if in_upper_half(index % self.bins, self.bins) { count - right } else { right };
            gap += (minor_right - cell.minor).abs();
            deviation += moments::expected_deviation(cell.count, cell.minor, cell.minor_squares);
        }
        let total = (self.cells.len() / self.bins) as f64 * self.examples.max(1) as f64;
        CalibrationError { error: gap / total, calibrated_reference: deviation / total }
    }
}

fn in_upper_half(bin: usize, bins: usize) -> bool {
    2 * bin + 1 > bins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrated_reference::expected_deviation;

    fn close(value: f64, expected: f64, tolerance: f64) {
        assert!((value - expected).abs() <= tolerance * expected.abs(), "{value} is not {expected}");
    }

    /// Posteriors over four classes, more and less sure.
    fn posteriors(examples: usize) -> Vec<[f64; 4]> {
        (0..examples)
            .map(|row| {
                let scores = [0, 1, 2, 3].map(|class| (((row * 31 + class * 17) % 23) as f64 / 4.0).exp());
                scores.map(|score| score / scores.iter().sum::<f64>())
            })
            .collect()
    }

    #[test]
    fn matches_values_worked_by_hand() {
        // p = np.array([[.9, .1], [.8, .2], [.3, .7]]); y = np.array([0, 1, 1]); bins (0, .5], (.5, 1]
        // class 0: abs((1 - .9) + (0 - .8)) = .7 above, abs(0 - .3) = .3 below
        // class 1: abs((0 - .1) + (1 - .2)) = .7 below, abs(1 - .7) = .3 above -> (.7 + .3 + .7 + .3) / (2 * 3)
        let mut classes = ClassWise::new(2, 2);
        for (posterior, label) in [([0.9, 0.1], 0), ([0.8, 0.2], 1), ([0.3, 0.7], 1)] {
            classes.push(&posterior, label);
        }
        close(classes.finish().error, 1.0 / 3.0, 1e-14);
    }

    #[test]
    fn equals_the_definition_class_by_class() {
        for bins in [1, 2, 7, 15] {
            let rows = posteriors(300);
            let mut classes = ClassWise::new(4, bins);
            rows.iter().enumerate().for_each(|(row, posterior)| classes.push(posterior, row % 4));
            let (mut gap, mut deviation) = (0.0, 0.0);
            for class in 0..4 {
                for bin in 0..bins {
                    let (low, high) = (bin as f64 / bins as f64, (bin + 1) as f64 / bins as f64);
                    let inside = |p: f64| p > low && p <= high;
                    let members: Vec<(usize, f64)> = rows.iter().map(|row| row[class]).enumerate().collect();
                    let members: Vec<(usize, f64)> = members.into_iter().filter(|(_, p)| inside(*p)).collect();
                    let right = members.iter().filter(|(row, _)| row % 4 == class).count() as f64;
                    let values: Vec<f64> = members.iter().map(|(_, p)| *p).collect();
                    gap += (right - values.iter().sum::<f64>()).abs();
                    deviation += expected_deviation(&values);
                }
            }
            let result = classes.finish();
            close(result.error, gap / 1200.0, 1e-12);
            // The reference is worked from two moments of each bin.
            close(result.calibrated_reference, deviation / 1200.0, if bins == 1 { 0.03 } else { 0.005 });
        }
    }

    #[test]
    fn certainty_is_calibrated_where_it_is_right() {
        let mut classes = ClassWise::new(3, 15);
        (0..6).for_each(|row| classes.push(&[0, 1, 2].map(|class| f64::from(u8::from(class == row % 3))), row % 3));
        assert_eq!(classes.finish(), CalibrationError { error: 0.0, calibrated_reference: 0.0 });
        classes.push(&[1.0, 0.0, 0.0], 1);
        // Two of the three classes are one off, in 7 examples.
        close(classes.finish().error, 2.0 / 21.0, 1e-14);
    }
}
