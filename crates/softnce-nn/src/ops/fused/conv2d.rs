//! The convolution. Input and weight are kept for the backward pass.

use burn::tensor::Tensor;

use crate::ops::graph::{Rule, attach};
use crate::ops::kernels::conv::{Geometry, by_input, by_weight, forward};
use crate::ops::memory::{read, tensor, values};

pub(in crate::ops) fn conv2d(
    input: &Tensor<4>,
    weight: &Tensor<4>,
    stride: usize,
    padding: usize,
) -> Option<Tensor<4>> {
    let ([pictures, inputs, height, width], [outputs, _, rows, columns]) = (input.dims(), weight.dims());
    let geometry = Geometry { inputs, outputs, picture: (height, width), kernel: (rows, columns), stride, padding };
    let result = geometry.result()?;
    let (x, w) = (read(input)?, read(weight)?);
    let output = forward(geometry, result, values(&x), values(&w));
    let output = tensor([pictures, outputs, result.0, result.1], output);
    let rule = Rule::new(move |upstream, needed| {
        let up = values(&upstream);
        let by_input = || tensor([pictures, inputs, height, width], by_input(geometry, result, up, values(&w)));
        let by_weight = || tensor([outputs, inputs, rows, columns], by_weight(geometry, result, values(&x), up));
        [needed[0].then(by_input), needed[1].then(by_weight)]
    });
    Some(attach([input.clone().into_dispatch(), weight.clone().into_dispatch()], output, rule))
}
