//! The convolution: its input and weight are kept.

use burn::tensor::Tensor;

use crate::ops::graph::{PARENTS, Rule, attach};
use crate::ops::kernels::conv::{Geometry, by_input, by_weight, forward};
use crate::ops::memory::{filled, read, values};

pub(in crate::ops) fn conv2d(
    input: &Tensor<4>,
    weight: &Tensor<4>,
    stride: usize,
    padding: usize,
) -> Option<Tensor<4>> {
    let ([pictures, inputs, height, width], [outputs, taken, rows, columns]) = (input.dims(), weight.dims());
    let geometry = Geometry { inputs, outputs, picture: (height, width), kernel: (rows, columns), stride, padding };
    let result = geometry.result()?;
    if taken != inputs || inputs == 0 || outputs == 0 {
        return None;
    }
    let (x, w) = (read(input)?, read(weight)?);
    let output = filled([pictures, outputs, result.0, result.1], |output| {
        forward(geometry, result, values(&x), values(&w), output);
    });
    let rule = Rule::new(move |upstream, needed| {
        let mut gradients = [const { None }; PARENTS];
        let up = values(&upstream);
        if needed[0] {
            gradients[0] = Some(filled([pictures, inputs, height, width], |gradient| {
                by_input(geometry, result, up, values(&w), gradient);
            }));
        }
        if needed[1] {
            gradients[1] = Some(filled([outputs, inputs, rows, columns], |gradient| {
                by_weight(geometry, result, values(&x), up, gradient);
            }));
        }
        gradients
    });
    Some(attach([input.clone().into_dispatch(), weight.clone().into_dispatch()], output, rule))
}
