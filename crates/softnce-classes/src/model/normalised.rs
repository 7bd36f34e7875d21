//! Rows divided by their Euclidean norms.

use ndarray::{Array1, Array2, ArrayView2, Axis};

/// Rows divided by their norms; rows of zeros stay zeros.
#[derive(Debug, Clone)]
pub(crate) struct Normalised {
    /// Shape `[n, width]`.
    pub(crate) rows: Array2<f32>,
    /// Shape `[n]`.
    norms: Array1<f32>,
}

impl Normalised {
    pub(crate) fn new(rows: ArrayView2<'_, f32>) -> Self {
        let norm = |row: ndarray::ArrayView1<'_, f32>| {
            row.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt() as f32
        };
        let norms = rows.map_axis(Axis(1), norm);
        let mut rows = rows.to_owned();
        for (mut row, &norm) in rows.outer_iter_mut().zip(&norms) {
            if norm > 0.0 {
                row.mapv_inplace(|value| value / norm);
            }
        }
        Normalised { rows, norms }
    }

    /// Takes the gradient with respect to the divided rows `u = w / |w|` to that with respect to the rows:
    /// `(g - (g . u) u) / |w|`, and 0 for rows of zeros.
    ///
    /// # Shapes
    /// `gradient`: `[n, width]`.
    pub(crate) fn backward(&self, gradient: &mut Array2<f32>) {
        for ((mut gradient, row), &norm) in gradient.outer_iter_mut().zip(self.rows.outer_iter()).zip(&self.norms) {
            if norm > 0.0 {
                let along = gradient.dot(&row);
                gradient.zip_mut_with(&row, |gradient, value| *gradient = (*gradient - along * value) / norm);
            } else {
                gradient.fill(0.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let rows = array![[3.0_f32, -4.0, 1.0], [0.0, 0.0, 0.0], [0.2, 0.1, -0.3]];
        let weights = array![[0.5_f32, -1.0, 2.0], [1.0, 1.0, 1.0], [0.3, 0.7, -0.2]];
        let value = |rows: &Array2<f32>| (&Normalised::new(rows.view()).rows * &weights).map(|&v| f64::from(v)).sum();
        let mut gradient = weights.clone();
        Normalised::new(rows.view()).backward(&mut gradient);
        for row in [0, 2] {
            for column in 0..3 {
                let step = 1e-3_f32;
                let moved = |by: f32| {
                    let mut moved = rows.clone();
                    moved[[row, column]] += by;
                    value(&moved)
                };
                let expected = (moved(step) - moved(-step)) / (2.0 * f64::from(step));
                assert!((f64::from(gradient[[row, column]]) - expected).abs() < 1e-3, "{row} {column}");
            }
        }
        assert_eq!(gradient.row(1).to_vec(), [0.0; 3]);
    }
}
