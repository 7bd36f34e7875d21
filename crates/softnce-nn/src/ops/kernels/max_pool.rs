//! Max pooling on slices. A plane is one channel of one picture; planes lie one after another.

use rayon::prelude::*;
use softnce_kernels::memory::FreshBuffer;

/// Largest side of a window: one byte numbers the places within it.
pub(crate) const MOST: usize = 16;

/// The sizes of a pooling.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool {
    /// Height and width of an input plane.
    pub(crate) picture: (usize, usize),
    /// Side of a window, at most [`MOST`].
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

impl Pool {
    /// Height and width of a result.
    pub(crate) fn result(self) -> (usize, usize) {
        let along = |size: usize| (size + 2 * self.padding - self.kernel) / self.stride + 1;
        (along(self.picture.0), along(self.picture.1))
    }

    /// The windows of a plane, row by row.
    fn windows(self) -> impl Iterator<Item = (usize, usize)> {
        let (rows, columns) = self.result();
        (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
    }

    /// The places along an axis of this size that window `number` covers: the first, the end, and the place within the
    /// window of the first.
    fn covered(self, number: usize, size: usize) -> (usize, usize, usize) {
        let start = number * self.stride;
        let first = start.max(self.padding);
        (first - self.padding, (start + self.kernel - self.padding).min(size), first - start)
    }

    /// Place within the window of the largest value, the first of equal ones; NaN is larger than all.
    #[inline]
    fn largest(self, plane: &[f32], (row, column): (usize, usize)) -> u8 {
        let (top, bottom, above) = self.covered(row, self.picture.0);
        let (left, right, before) = self.covered(column, self.picture.1);
        let (mut largest, mut at) = (f32::NEG_INFINITY, above * self.kernel + before);
        for (row, values) in plane.chunks_exact(self.picture.1).take(bottom).skip(top).enumerate() {
            for (column, &value) in values[left..right].iter().enumerate() {
                if value > largest || value.is_nan() {
                    (largest, at) = (value, (above + row) * self.kernel + before + column);
                }
            }
        }
        at as u8
    }

    /// Position in a plane of a place within a window.
    fn position(self, (row, column): (usize, usize), at: u8) -> usize {
        let (down, right) = (usize::from(at) / self.kernel, usize::from(at) % self.kernel);
        let row = row * self.stride + down - self.padding;
        row * self.picture.1 + column * self.stride + right - self.padding
    }

    /// Number of values of a plane of the input, and of the result.
    fn steps(self) -> (usize, usize) {
        let result = self.result();
        (self.picture.0 * self.picture.1, result.0 * result.1)
    }
}

/// The largest value of each window, and its place within the window.
pub(crate) fn forward(pool: Pool, input: &[f32]) -> (Vec<f32>, Vec<u8>) {
    let (input_step, output_step) = pool.steps();
    let count = input.len() / input_step * output_step;
    let (mut output, mut places) = (FreshBuffer::new(count), FreshBuffer::new(count));
    let planes = output.par_parts(output_step).zip(places.par_parts(output_step)).zip(input.par_chunks(input_step));
    planes.for_each(|((output, places), plane)| {
        let places = places.zeroed();
        for (window, place) in pool.windows().zip(places.iter_mut()) {
            *place = pool.largest(plane, window);
        }
        output.fill(pool.windows().zip(places.iter()).map(|(window, &at)| plane[pool.position(window, at)]));
    });
    (output.finish(), places.finish())
}

/// The gradient with respect to the input: the upstream gradient of each window goes to its largest value.
pub(crate) fn backward(pool: Pool, places: &[u8], upstream: &[f32]) -> Vec<f32> {
    let (input_step, output_step) = pool.steps();
    let mut gradient = FreshBuffer::new(upstream.len() / output_step * input_step);
    let planes =
        gradient.par_parts(input_step).zip(upstream.par_chunks(output_step)).zip(places.par_chunks(output_step));
    planes.for_each(|((gradient, upstream), places)| {
        let gradient = gradient.zeroed();
        for ((window, &at), &upstream) in pool.windows().zip(places).zip(upstream) {
            gradient[pool.position(window, at)] += upstream;
        }
    });
    gradient.finish()
}
