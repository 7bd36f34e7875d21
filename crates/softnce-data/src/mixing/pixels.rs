//! Mixes the pixels of a batch in place.

use super::cut::Cut;
use super::plan::{Blend, MixingPlan};

/// Mixes each row with the unmixed pixels of its partner. `pixels`: `[n, channels, height, width]`.
///
/// The partners are a permutation. The rows are mixed along its cycles: the partner of a row comes right after it and
/// is still unmixed, so only the first row of a cycle needs a copy.
pub(super) fn mix(pixels: &mut [f32], shape: [usize; 4], plan: &MixingPlan) {
    let [rows, channels, height, width] = shape;
    let length = channels * height * width;
    if !plan.mixes() || length == 0 {
        return;
    }
    let mut kept = Vec::with_capacity(length);
    let mut done = vec![false; rows];
    for start in 0..rows {
        if done[start] || plan.partners[start] == start {
            continue;
        }
        kept.clear();
        kept.extend_from_slice(&pixels[start * length..(start + 1) * length]);
        let mut row = start;
        loop {
            done[row] = true;
            let partner = plan.partners[row];
            let blend = &plan.blends[row];
            if partner == start {
                blend_row(&mut pixels[row * length..(row + 1) * length], &kept, blend, [height, width]);
                break;
            }
            let (own, other) = two_rows(pixels, row, partner, length);
            blend_row(own, other, blend, [height, width]);
            row = partner;
        }
    }
}

/// Two different rows, `own` for writing.
fn two_rows(pixels: &mut [f32], own: usize, other: usize, length: usize) -> (&mut [f32], &[f32]) {
    let (low, high) = (own.min(other), own.max(other));
    let (before, after) = pixels.split_at_mut(high * length);
    let (first, second) = (&mut before[low * length..(low + 1) * length], &mut after[..length]);
    if own < other { (first, second) } else { (second, first) }
}

fn blend_row(own: &mut [f32], other: &[f32], blend: &Blend, [height, width]: [usize; 2]) {
    match blend {
        Blend::None => {}
        Blend::MixUp(lambda) => {
            let (lambda, rest) = (*lambda as f32, (1.0 - *lambda) as f32);
            own.iter_mut().zip(other).for_each(|(own, other)| *own = lambda * *own + rest * other);
        }
        Blend::CutMix(Cut { rows, columns }) => {
            let planes = own.chunks_exact_mut(height * width).zip(other.chunks_exact(height * width));
            for (own, other) in planes {
                for row in rows.clone() {
                    let cells = row * width + columns.start..row * width + columns.end;
                    own[cells.clone()].copy_from_slice(&other[cells]);
                }
            }
        }
    }
}
