//! The linear layer. Input and weight are kept for the backward pass; nothing is transposed or reshaped in memory.

use burn::tensor::Tensor;

use crate::ops::graph::{Rule, attach};
use crate::ops::kernels::linear::{Widths, by_input, by_weight, column_sums, forward};
use crate::ops::memory::{read, tensor, values};

pub(in crate::ops) fn linear(input: &Tensor<3>, weight: &Tensor<2>, bias: Option<&Tensor<1>>) -> Option<Tensor<3>> {
    let ([pictures, length, _], [inputs, outputs]) = (input.dims(), weight.dims());
    let (x, w) = (read(input)?, read(weight)?);
    let b = if let Some(bias) = bias { Some(read(bias)?) } else { None };
    let (widths, rows) = (Widths { inputs, outputs }, pictures * length);
    let output = forward(widths, rows, values(&x), values(&w), b.as_ref().map(values));
    let output = tensor([pictures, length, outputs], output);
    let rule = Rule::new(move |upstream, needed| {
        let up = values(&upstream);
        let by_input = || tensor([pictures, length, inputs], by_input(widths, rows, up, values(&w)));
        let by_weight = || tensor([inputs, outputs], by_weight(widths, rows, values(&x), up));
        let by_bias = || tensor([outputs], column_sums(up, outputs));
        [needed[0].then(by_input), needed[1].then(by_weight), needed[2].then(by_bias)]
    });
    let (input, weight) = (input.clone().into_dispatch(), weight.clone().into_dispatch());
    Some(match bias {
        Some(bias) => attach([input, weight, bias.clone().into_dispatch()], output, rule),
        None => attach([input, weight], output, rule),
    })
}
