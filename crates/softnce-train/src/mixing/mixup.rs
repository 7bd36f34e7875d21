//! MixUp (Zhang et al., arXiv 1710.09412): the weighted mean of two pictures.

use ndarray::{ArrayView1, ArrayViewMut1};

/// `picture <- lambda picture + (1 - lambda) other`.
pub(super) fn mix(mut picture: ArrayViewMut1<'_, f32>, other: ArrayView1<'_, f32>, lambda: f64) {
    let lambda = lambda as f32;
    picture.zip_mut_with(&other, |pixel, other| *pixel = lambda * *pixel + (1.0 - lambda) * other);
}
