//! Interpolates position embeddings to another grid.

/// Bicubic interpolation with antialiasing over a grid of vectors, as in PyTorch's `interpolate(mode="bicubic",
/// antialias=True, align_corners=False)`, which timm's `resample_abs_pos_embed` uses.
///
/// For a smaller grid the kernel (Keys, doi 10.1109/TASSP.1981.1163711, a = -1/2) is widened by the ratio.
///
/// # Shapes
/// `values` `[old rows, old columns, width]`, the result `[new rows, new columns, width]`.
pub(super) fn bicubic(values: &[f32], old: [usize; 2], new: [usize; 2], width: usize) -> Vec<f32> {
    let rows = taps(old[0], new[0]);
    let columns = taps(old[1], new[1]);
    let line = width * old[1];
    let mut result = Vec::with_capacity(new[0] * new[1] * width);
    for row in &rows {
        let across = mixed(values, row, line);
        for column in &columns {
            result.extend(mixed(&across, column, width).into_iter().map(|value| value as f32));
        }
    }
    result
}

/// The weighted sum of consecutive pieces of this length.
fn mixed<T: Copy + Into<f64>>(values: &[T], taps: &(usize, Vec<f64>), length: usize) -> Vec<f64> {
    let mut sum = vec![0.0; length];
    let pieces = values.chunks(length.max(1)).skip(taps.0);
    for (weight, piece) in taps.1.iter().zip(pieces) {
        for (sum, &value) in sum.iter_mut().zip(piece) {
            *sum += weight * value.into();
        }
    }
    sum
}

/// For each new position the first old one with a weight, and the weights from there on, which sum to 1.
fn taps(old: usize, new: usize) -> Vec<(usize, Vec<f64>)> {
    let scale = old as f64 / new as f64;
    let stretch = scale.max(1.0);
    let support = 2.0 * stretch;
    (0..new)
        .map(|place| {
            let centre = scale * (place as f64 + 0.5);
            let first = (centre - support + 0.5).max(0.0) as usize;
            let end = ((centre + support + 0.5) as usize).min(old);
            let weights: Vec<f64> = (first..end).map(|place| keys((place as f64 - centre + 0.5) / stretch)).collect();
            let total: f64 = weights.iter().sum();
            (first, weights.into_iter().map(|weight| weight / total).collect())
        })
        .collect()
}

fn keys(distance: f64) -> f64 {
    const A: f64 = -0.5;
    let x = distance.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_grid_and_constants_stay() {
        let values: Vec<f32> = (0..18).map(|value| (value as f32 * 0.7).sin()).collect();
        let same = bicubic(&values, [3, 3], [3, 3], 2);
        assert!(values.iter().zip(&same).all(|(a, b)| (a - b).abs() < 1e-6), "{same:?}");
        let constant = bicubic(&[2.5; 12], [3, 4], [5, 2], 1);
        assert_eq!(constant.len(), 10);
        assert!(constant.iter().all(|value| (value - 2.5).abs() < 1e-6));
    }
}
