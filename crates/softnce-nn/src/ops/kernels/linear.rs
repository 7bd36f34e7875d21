//! The linear layer on slices: `y = x W + b` for each row.

use rayon::prelude::*;
use softnce_kernels::memory::FreshBuffer;
use softnce_kernels::product::{Threads, matrix, matrix_mut, scaled_product};
use softnce_kernels::simd::{add_to, vectorised};

/// Rows of a task.
const BLOCK: usize = 256;

/// Numbers of inputs and outputs.
#[derive(Clone, Copy)]
pub(crate) struct Widths {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

/// `input weight + bias` of so many rows.
pub(crate) fn forward(widths: Widths, rows: usize, input: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let Widths { inputs, outputs } = widths;
    let weight = matrix(weight, inputs, outputs, outputs);
    let mut output = FreshBuffer::new(rows * outputs);
    output.par_parts((BLOCK * outputs).max(1)).enumerate().for_each(|(number, output)| {
        let rows = output.len() / outputs;
        let output = match bias {
            Some(bias) => output.copy(std::iter::repeat_n(bias, rows)),
            None => output.zeroed(),
        };
        let input = matrix(&input[number * BLOCK * inputs..], rows, inputs, inputs);
        let output = matrix_mut(output, rows, outputs, outputs);
        scaled_product(output, bias.is_some(), 1.0, input, weight, Threads::Caller);
    });
    output.finish()
}

/// The gradient with respect to the input, `upstream weight^T`, of so many rows.
pub(crate) fn by_input(widths: Widths, rows: usize, upstream: &[f32], weight: &[f32]) -> Vec<f32> {
    let Widths { inputs, outputs } = widths;
    let weight = matrix(weight, inputs, outputs, outputs);
    let mut gradient = FreshBuffer::new(rows * inputs);
    gradient.par_parts((BLOCK * inputs).max(1)).enumerate().for_each(|(number, gradient)| {
        let gradient = gradient.zeroed();
        let rows = gradient.len() / inputs;
        let upstream = matrix(&upstream[number * BLOCK * outputs..], rows, outputs, outputs);
        let gradient = matrix_mut(gradient, rows, inputs, inputs);
        scaled_product(gradient, false, 1.0, upstream, weight.t(), Threads::Caller);
    });
    gradient.finish()
}

/// The gradient with respect to the weight, `input^T upstream`, of so many rows.
pub(crate) fn by_weight(widths: Widths, rows: usize, input: &[f32], upstream: &[f32]) -> Vec<f32> {
    let Widths { inputs, outputs } = widths;
    let input = matrix(input, rows, inputs, inputs);
    let upstream = matrix(upstream, rows, outputs, outputs);
    let mut gradient = vec![0.0; inputs * outputs];
    let target = matrix_mut(&mut gradient, inputs, outputs, outputs);
    scaled_product(target, false, 1.0, input.t(), upstream, Threads::Pool);
    gradient
}

/// The sum of the rows, in blocks that do not depend on the number of threads.
pub(crate) fn column_sums(rows: &[f32], columns: usize) -> Vec<f32> {
    let mut sums = vec![0.0; columns];
    if columns == 0 {
        return sums;
    }
    let block = |rows: &[f32]| {
        vectorised(
            #[inline(always)]
            || {
                let mut sums = vec![0.0; columns];
                for row in rows.chunks_exact(columns) {
                    add_to(&mut sums, row);
                }
                sums
            },
        )
    };
    let blocks: Vec<Vec<f32>> = rows.par_chunks(BLOCK * columns).map(block).collect();
    blocks.iter().for_each(|block| add_to(&mut sums, block));
    sums
}
