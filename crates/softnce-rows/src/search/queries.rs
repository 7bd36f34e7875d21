//! The queries of a scan: checked, scaled, and rows brought to unit length.

use ndarray::{Array2, ArrayView2};
use softnce_kernels::simd::{sum, vectorised};

use crate::RowsError;

/// The first value that is not finite.
pub(super) fn not_finite(values: &[f32]) -> Option<usize> {
    // A product with 0 is 0 or NaN; the sum is NaN if one of them is.
    let zero = vectorised(
        #[inline(always)]
        || {
            sum(
                values,
                #[inline(always)]
                |value| value * 0.0,
            )
        },
    );
    if zero == 0.0 { None } else { values.iter().position(|value| !value.is_finite()) }
}

/// Values that must be finite and are not: where, and of which argument.
pub(super) fn finite(argument: &'static str, first_row: usize, width: usize, values: &[f32]) -> Result<(), RowsError> {
    let Some(at) = not_finite(values) else { return Ok(()) };
    let (row, column) = (first_row + at / width, at % width);
    let found = format!("{} in row {row}, column {column}", values[at]);
    Err(RowsError::argument(argument, found, "finite numbers"))
}

/// Divides a row by its Euclidean norm times `factor`; a row of zeros stays as it is.
pub(super) fn normalise(row: &mut [f32], factor: f64) {
    let norm = squares(row).sqrt() * factor;
    if norm > 0.0 {
        row.iter_mut().for_each(|value| *value = (f64::from(*value) / norm) as f32);
    }
}

/// The sum of squares. In `f64` it neither overflows nor vanishes for any row of `f32`.
pub(super) fn squares(row: &[f32]) -> f64 {
    const LANES: usize = 16;
    vectorised(
        #[inline(always)]
        || {
            let (chunks, rest) = row.as_chunks::<LANES>();
            let mut sums = [0.0; LANES];
            for chunk in chunks {
                for (sum, &value) in sums.iter_mut().zip(chunk) {
                    *sum += f64::from(value) * f64::from(value);
                }
            }
            sums.into_iter().sum::<f64>() + rest.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>()
        },
    )
}

/// The queries divided by the temperature, and by their norms if `cosine`. Shape: as `queries`.
pub(super) fn prepared(queries: ArrayView2<'_, f32>, temperature: f32, cosine: bool) -> Result<Array2<f32>, RowsError> {
    let width = queries.ncols();
    let mut prepared = queries.as_standard_layout().into_owned();
    let values = prepared.as_slice_mut().unwrap_or_default();
    finite("queries", 0, width, values)?;
    if cosine {
        values.chunks_mut(width.max(1)).for_each(|row| normalise(row, f64::from(temperature)));
    } else if temperature != 1.0 {
        values.iter_mut().for_each(|value| *value /= temperature);
    }
    Ok(prepared)
}
