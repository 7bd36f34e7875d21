//! Max pooling. One byte per window is kept for the backward pass.

use burn::tensor::Tensor;

use crate::ops::graph::{Rule, attach};
use crate::ops::kernels::max_pool::{MOST, Pool, backward, forward};
use crate::ops::memory::{read, tensor, values};

pub(in crate::ops) fn max_pool2d(input: &Tensor<4>, kernel: usize, stride: usize, padding: usize) -> Option<Tensor<4>> {
    if kernel > MOST {
        return None;
    }
    let shape @ [pictures, channels, height, width] = input.dims();
    let pool = Pool { picture: (height, width), kernel, stride, padding };
    let (rows, columns) = pool.result();
    let x = read(input)?;
    let (output, places) = forward(pool, values(&x));
    let rule = Rule::new(move |upstream, _| [Some(tensor(shape, backward(pool, &places, values(&upstream))))]);
    Some(attach([input.clone().into_dispatch()], tensor([pictures, channels, rows, columns], output), rule))
}
