//! The convolution, and its gradients with respect to the input and the weight.

use rayon::prelude::*;
use softnce_kernels::memory::FreshBuffer;
use softnce_kernels::simd::{Instructions, add_to};

use super::geometry::{Geometry, Tap};
use super::places::{self, Places, Weights};
use super::planes::{Grid, Rows, gather, rows_of, spread};
use super::weights::{self, Dots};

/// A multiple of the lanes of every vector.
const WHOLE: usize = 16;

/// Least number of places of a task, if there are enough pictures: it reads the weights once for all of them.
const PLACES: usize = 512;

/// Parts of the batch whose weight gradients are added up. It does not depend on the number of threads.
const PARTS: usize = 16;

/// The phases that the taps read, each listed once.
fn phases(taps: &[Tap]) -> Vec<(usize, usize)> {
    let mut phases: Vec<_> = taps.iter().map(|tap| tap.phase).collect();
    phases.sort_unstable();
    phases.dedup();
    phases
}

/// Input pictures as planes: which are read, how they lie, and where each tap reads them.
struct Input {
    geometry: Geometry,
    phases: Vec<(usize, usize)>,
    grid: Grid,
    /// By input channel, then by tap.
    offsets: Vec<usize>,
}

impl Input {
    fn new(geometry: Geometry, result: (usize, usize)) -> Self {
        let taps = geometry.taps();
        let shifts: Vec<_> = taps.iter().map(|tap| tap.shift).collect();
        let grid = Grid::new(geometry.phase((0, 0)), result, &shifts);
        let phases = phases(&taps);
        let plane = |channel: usize, tap: &Tap| {
            let phase = phases.iter().position(|phase| *phase == tap.phase).unwrap_or_default();
            (channel * phases.len() + phase) * grid.len
        };
        let offsets = (0..geometry.inputs)
            .flat_map(|channel| taps.iter().map(move |tap| (channel, tap)))
            .map(|(channel, tap)| plane(channel, tap) + grid.read(tap.shift))
            .collect();
        Input { geometry, phases, grid, offsets }
    }

    /// Values of a picture's planes.
    fn step(&self) -> usize {
        self.geometry.inputs * self.phases.len() * self.grid.len
    }

    /// Writes one picture into its planes, which hold 0 outside the data.
    fn fill(&self, picture: &[f32], planes: &mut [f32]) {
        let ((height, width), stride) = (self.geometry.picture, self.geometry.stride);
        let planes = planes.chunks_exact_mut(self.grid.len * self.phases.len());
        for (picture, planes) in picture.chunks_exact(height * width).zip(planes) {
            for (&(row, column), plane) in self.phases.iter().zip(planes.chunks_exact_mut(self.grid.len)) {
                let (rows, columns) = self.geometry.phase((row, column));
                let first = (row * width + column).min(picture.len());
                let rows = Rows {
                    source: &picture[first..],
                    height: rows,
                    width: columns,
                    row_stride: stride * width,
                    step: stride,
                };
                spread(plane, (self.grid.read((0, 0)), self.grid.pitch), rows);
            }
        }
    }
}

/// `input * weight`
pub(crate) fn forward(geometry: Geometry, result: (usize, usize), input: &[f32], weight: &[f32]) -> Vec<f32> {
    let planes = Input::new(geometry, result);
    let terms = planes.offsets.len();
    let weights = Weights::new(geometry.outputs, terms, |result, term| weight[result * terms + term]);
    let (input_step, output_step) = geometry.steps(result);
    let places = planes.grid.places();
    let (group, row) = (PLACES.div_ceil(places), places.next_multiple_of(WHOLE));
    let tiles = geometry.outputs.next_multiple_of(places::TILE);
    let mut output = FreshBuffer::new(input.len() / input_step * output_step);
    let groups = output.par_parts(group * output_step).zip(input.par_chunks(group * input_step));
    groups.for_each_init(
        || (vec![0.0; group * planes.step()], vec![0.0; group * tiles * row]),
        |(room, sums), (output, input)| {
            let pictures = input.len() / input_step;
            for (picture, room) in input.chunks_exact(input_step).zip(room.chunks_exact_mut(planes.step())) {
                planes.fill(picture, room);
            }
            Instructions::widest().run(Places {
                weights: &weights,
                offsets: &planes.offsets,
                input: room,
                input_step: planes.step(),
                pictures,
                places,
                output: sums,
                row,
            });
            let sums = sums.chunks_exact(tiles * row).take(pictures);
            let planes_of_sums = sums.flat_map(|sums| sums.chunks_exact(row).take(geometry.outputs));
            output.copy(planes_of_sums.flat_map(|sums| rows_of(sums, planes.grid.pitch, result)));
        },
    );
    output.finish()
}

/// The terms of one phase of the gradient with respect to the input.
struct Phase {
    at: (usize, usize),
    weights: Weights,
    offsets: Vec<usize>,
}

/// The gradient with respect to the input: for each phase, a convolution of the upstream gradient with the taps that read
/// the phase.
pub(crate) fn by_input(geometry: Geometry, result: (usize, usize), upstream: &[f32], weight: &[f32]) -> Vec<f32> {
    let (taps, stride) = (geometry.taps(), geometry.stride);
    let back = |tap: &Tap| (-tap.shift.0, -tap.shift.1);
    let grid = Grid::new(result, geometry.phase((0, 0)), &taps.iter().map(back).collect::<Vec<_>>());
    let phase = |at: (usize, usize)| {
        let reading: Vec<usize> = (0..taps.len()).filter(|&tap| taps[tap].phase == at).collect();
        let terms: Vec<(usize, usize)> =
            (0..geometry.outputs).flat_map(|output| reading.iter().map(move |&tap| (output, tap))).collect();
        let weights = Weights::new(geometry.inputs, terms.len(), |input, term| {
            let (output, tap) = terms[term];
            weight[(output * geometry.inputs + input) * taps.len() + tap]
        });
        let offsets = terms.iter().map(|&(output, tap)| output * grid.len + grid.read(back(&taps[tap]))).collect();
        Phase { at, weights, offsets }
    };
    let phases: Vec<Phase> = phases(&taps).into_iter().map(phase).collect();

    let (input_step, output_step) = geometry.steps(result);
    let (height, width) = geometry.picture;
    let places = grid.places();
    let (group, row) = (PLACES.div_ceil(places), places.next_multiple_of(WHOLE));
    let tiles = geometry.inputs.next_multiple_of(places::TILE);
    let planes_step = geometry.outputs * grid.len;
    let mut gradient = FreshBuffer::new(upstream.len() / output_step * input_step);
    let groups = gradient.par_parts(group * input_step).zip(upstream.par_chunks(group * output_step));
    groups.for_each_init(
        || (vec![0.0; group * planes_step], vec![0.0; group * tiles * row]),
        |(room, sums), (gradient, upstream)| {
            let pictures = upstream.len() / output_step;
            for (plane, upstream) in room.chunks_exact_mut(grid.len).zip(upstream.chunks_exact(result.0 * result.1)) {
                let rows = Rows { source: upstream, height: result.0, width: result.1, row_stride: result.1, step: 1 };
                spread(plane, (grid.read((0, 0)), grid.pitch), rows);
            }
            let input = room.as_slice();
            let sum = |phase: &Phase, output: &mut [f32]| {
                Instructions::widest().run(Places {
                    weights: &phase.weights,
                    offsets: &phase.offsets,
                    input,
                    input_step: planes_step,
                    pictures,
                    places,
                    output,
                    row,
                })
            };
            if let (1, [phase]) = (stride, phases.as_slice()) {
                // One phase is the whole picture, and its rows lie one after the other.
                sum(phase, sums);
                let sums = sums.chunks_exact(tiles * row).take(pictures);
                let planes_of_sums = sums.flat_map(|sums| sums.chunks_exact(row).take(geometry.inputs));
                gradient.copy(planes_of_sums.flat_map(|sums| rows_of(sums, grid.pitch, geometry.picture)));
                return;
            }
            // A phase that no tap reads keeps the zeros.
            let gradient = gradient.zeroed();
            for phase in &phases {
                sum(phase, sums);
                let size = geometry.phase(phase.at);
                for (gradient, sums) in gradient.chunks_exact_mut(input_step).zip(sums.chunks_exact(tiles * row)) {
                    for (gradient, sums) in gradient.chunks_exact_mut(height * width).zip(sums.chunks_exact(row)) {
                        let first = (phase.at.0 * width + phase.at.1).min(gradient.len());
                        gather(sums, grid.pitch, &mut gradient[first..], size, (stride * width, stride));
                    }
                }
            }
        },
    );
    gradient.finish()
}

/// The gradient with respect to the weight, added up over fixed parts of the batch in order.
pub(crate) fn by_weight(geometry: Geometry, result: (usize, usize), input: &[f32], upstream: &[f32]) -> Vec<f32> {
    let planes = Input::new(geometry, result);
    let (input_step, output_step) = geometry.steps(result);
    let places = planes.grid.places();
    let (group, row) = (PLACES.div_ceil(places), places.next_multiple_of(WHOLE));
    let results = geometry.outputs.next_multiple_of(weights::TILE);
    let part = (input.len() / input_step).div_ceil(PARTS).next_multiple_of(group).max(group);
    let parts = input.par_chunks(part * input_step).zip(upstream.par_chunks(part * output_step));
    let parts: Vec<Vec<f32>> = parts
        .map(|(input, upstream)| {
            let mut gradient = vec![0.0; gradient_len(geometry)];
            let mut room = vec![0.0; group * planes.step()];
            let mut ups = vec![0.0; group * results * row];
            for (input, upstream) in input.chunks(group * input_step).zip(upstream.chunks(group * output_step)) {
                for (picture, room) in input.chunks_exact(input_step).zip(room.chunks_exact_mut(planes.step())) {
                    planes.fill(picture, room);
                }
                for (upstream, ups) in upstream.chunks_exact(output_step).zip(ups.chunks_exact_mut(results * row)) {
                    for (upstream, ups) in upstream.chunks_exact(result.0 * result.1).zip(ups.chunks_exact_mut(row)) {
                        let rows =
                            Rows { source: upstream, height: result.0, width: result.1, row_stride: result.1, step: 1 };
                        spread(ups, (0, planes.grid.pitch), rows);
                    }
                }
                Instructions::widest().run(Dots {
                    upstream: &ups,
                    row,
                    results,
                    input: &room,
                    input_step: planes.step(),
                    offsets: &planes.offsets,
                    pictures: input.len() / input_step,
                    sums: &mut gradient,
                });
            }
            gradient
        })
        .collect();
    let mut gradient = vec![0.0; gradient_len(geometry)];
    parts.iter().for_each(|part| add_to(&mut gradient, part));
    gradient
}

fn gradient_len(geometry: Geometry) -> usize {
    geometry.outputs * geometry.inputs * geometry.kernel.0 * geometry.kernel.1
}
