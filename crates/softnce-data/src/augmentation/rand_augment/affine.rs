//! Rotation, shear and translation, as PIL's `transform` with an affine map from new pixels to old ones.

use std::array::from_fn;

use super::Canvas;
use crate::augmentation::Interpolation;

/// `[a, b, c, d, e, f]`: the new pixel (x, y) is the old one at (a x + b y + c, d x + e y + f), with x and y at pixel
/// centres.
type Map = [f64; 6];

/// Rotates anticlockwise around the centre.
pub(super) fn rotation(degrees: f64, height: usize, width: usize) -> Map {
    let angle = -degrees.rem_euclid(360.0).to_radians();
    // Rounded to 15 decimals as in PIL, so that right angles are exact.
    let round = |value: f64| (value * 1e15).round() / 1e15;
    let (cosine, sine) = (round(angle.cos()), round(angle.sin()));
    let (x, y) = (width as f64 / 2.0, height as f64 / 2.0);
    let minus = round(-angle.sin());
    [cosine, sine, cosine * -x + sine * -y + x, minus, cosine, minus * -x + cosine * -y + y]
}

/// Moves each row by `factor` times its vertical position.
pub(super) fn shear_x(factor: f64) -> Map {
    [1.0, factor, 0.0, 0.0, 1.0, 0.0]
}

/// Moves each column by `factor` times its horizontal position.
pub(super) fn shear_y(factor: f64) -> Map {
    [1.0, 0.0, 0.0, factor, 1.0, 0.0]
}

/// Moves the picture left and up.
pub(super) fn translation(x: f64, y: f64) -> Map {
    [1.0, 0.0, x, 0.0, 1.0, y]
}

/// Transforms the picture. Pixels from outside have the levels of `fill`.
pub(super) fn transform(canvas: &mut Canvas<'_>, map: Map, interpolation: Interpolation, fill: &[u8]) {
    let (height, width) = (canvas.height, canvas.width);
    let channels = canvas.channels;
    canvas.redraw(|pixels, out| match (channels, interpolation) {
        (1, Interpolation::Bilinear) => draw::<1, 2>(pixels, out, [height, width], map, fill, linear),
        (1, Interpolation::Bicubic) => draw::<1, 4>(pixels, out, [height, width], map, fill, cubic),
        (_, Interpolation::Bilinear) => draw::<3, 2>(pixels, out, [height, width], map, fill, linear),
        (_, Interpolation::Bicubic) => draw::<3, 4>(pixels, out, [height, width], map, fill, cubic),
    });
}

/// `C` channels, `T` points along each axis.
fn draw<const C: usize, const T: usize>(
    pixels: &[u8],
    out: &mut [u8],
    [height, width]: [usize; 2],
    [a, b, c, d, e, f]: Map,
    fill: &[u8],
    between: impl Fn([[f64; C]; T], f64) -> [f64; C],
) {
    let inside = |value: f64, length: usize| value >= 0.0 && value < length as f64;
    let (pixels_out, _) = out.as_chunks_mut::<C>();
    let (source, _) = pixels.as_chunks::<C>();
    for (row, out) in pixels_out.chunks_exact_mut(width).enumerate() {
        for (column, out) in out.iter_mut().enumerate() {
            let (x, y) = (column as f64 + 0.5, row as f64 + 0.5);
            let (x, y) = (a * x + b * y + c, d * x + e * y + f);
            if !inside(x, width) || !inside(y, height) {
                out.iter_mut().zip(fill).for_each(|(out, level)| *out = *level);
                continue;
            }
            let (left, right) = first_point::<T>(x - 0.5);
            let (top, down) = first_point::<T>(y - 0.5);
            let fits = |first: isize, length: usize| first >= 0 && first as usize + T <= length;
            let across: [[f64; C]; T] = if fits(left, width) && fits(top, height) {
                let start = top as usize * width + left as usize;
                from_fn(|line| {
                    let points = &source[start + line * width..][..T];
                    between(from_fn(|point| points[point].map(f64::from)), right)
                })
            } else {
                // Points outside take the nearest pixel of the edge.
                let near = |first: isize, point: usize, length: usize| {
                    (first + point as isize).clamp(0, length as isize - 1) as usize
                };
                from_fn(|line| {
                    let line = &source[near(top, line, height) * width..][..width];
                    between(from_fn(|point| line[near(left, point, width)].map(f64::from)), right)
                })
            };
            // The cast clips to 0 and 255 and truncates the fraction.
            *out = between(across, down).map(|level| level as u8);
        }
    }
}

/// The first of the `T` points around a position, and the distance of the position from the point before it.
fn first_point<const T: usize>(place: f64) -> (isize, f64) {
    // Without an instruction for it, `floor` would be a function call.
    let whole = place as isize;
    let floor = if (whole as f64) > place { whole - 1 } else { whole };
    (floor - (T as isize / 2 - 1), place - floor as f64)
}

fn linear<const C: usize>([first, second]: [[f64; C]; 2], beyond: f64) -> [f64; C] {
    from_fn(|channel| first[channel] + (second[channel] - first[channel]) * beyond)
}

/// The cubic with a = -1, as in PIL's `transform` (its `resize` has a = -0.5).
fn cubic<const C: usize>(points: [[f64; C]; 4], beyond: f64) -> [f64; C] {
    from_fn(|channel| {
        let [v1, v2, v3, v4] = points.map(|point| point[channel]);
        let linear = v3 - v1;
        let square = 2.0 * (v1 - v2) + v3 - v4;
        let cube = -v1 + v2 - v3 + v4;
        v2 + beyond * (linear + beyond * (square + beyond * cube))
    })
}
