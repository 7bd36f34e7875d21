//! The linear layer on slices: `y = x W + b` over rows.

use rayon::prelude::*;

use super::lanes::{add_to, vectorised};
use super::product::{Matrix, Target, Workers, multiply};

/// Rows a task works on.
const BLOCK: usize = 256;

/// Numbers of inputs and outputs.
#[derive(Clone, Copy)]
pub(crate) struct Widths {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

/// `output = input weight + bias`
pub(crate) fn forward(widths: Widths, input: &[f32], weight: &[f32], bias: Option<&[f32]>, output: &mut [f32]) {
    let Widths { inputs, outputs } = widths;
    let weight = Matrix::new(weight, inputs, outputs, outputs);
    let blocks = output.par_chunks_mut((BLOCK * outputs).max(1)).enumerate();
    blocks.for_each(|(number, output)| {
        let rows = output.len() / outputs;
        let input = Matrix::new(&input[number * BLOCK * inputs..], rows, inputs, inputs);
        let target = match bias {
            Some(bias) => {
                output.chunks_exact_mut(outputs).for_each(|row| row.copy_from_slice(bias));
                Target::adding(output, outputs)
            }
            None => Target::new(output, outputs),
        };
        multiply(target, 1.0, input, weight, Workers::One);
    });
}

/// `gradient = upstream weight^T`
pub(crate) fn by_input(widths: Widths, upstream: &[f32], weight: &[f32], gradient: &mut [f32]) {
    let Widths { inputs, outputs } = widths;
    let weight = Matrix::new(weight, inputs, outputs, outputs).transposed();
    let blocks = gradient.par_chunks_mut((BLOCK * inputs).max(1)).enumerate();
    blocks.for_each(|(number, gradient)| {
        let rows = gradient.len() / inputs;
        let upstream = Matrix::new(&upstream[number * BLOCK * outputs..], rows, outputs, outputs);
        multiply(Target::new(gradient, inputs), 1.0, upstream, weight, Workers::One);
    });
}

/// `gradient = input^T upstream`
pub(crate) fn by_weight(widths: Widths, input: &[f32], upstream: &[f32], rows: usize, gradient: &mut [f32]) {
    let Widths { inputs, outputs } = widths;
    let input = Matrix::new(input, rows, inputs, inputs).transposed();
    let upstream = Matrix::new(upstream, rows, outputs, outputs);
    multiply(Target::new(gradient, outputs), 1.0, input, upstream, Workers::All);
}

/// `sums = sum of the rows`, in blocks that the number of threads does not change.
pub(crate) fn column_sums(rows: &[f32], columns: usize, sums: &mut [f32]) {
    sums.fill(0.0);
    if columns == 0 {
        return;
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
    blocks.iter().for_each(|block| add_to(sums, block));
}
