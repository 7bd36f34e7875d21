//! The linear layer. Input and weight are kept for the backward pass; nothing is transposed or reshaped in memory.

use burn::tensor::Tensor;

use crate::ops::graph::{PARENTS, Rule, attach};
use crate::ops::kernels::linear::{Widths, by_input, by_weight, column_sums, forward};
use crate::ops::memory::{read, tensor, values};

pub(in crate::ops) fn linear(input: &Tensor<3>, weight: &Tensor<2>, bias: Option<&Tensor<1>>) -> Option<Tensor<3>> {
    let ([pictures, length, _], [inputs, outputs]) = (input.dims(), weight.dims());
    let (x, w) = (read(input)?, read(weight)?);
    let b = match bias {
        Some(bias) => Some(read(bias)?),
        None => None,
    };
    let (widths, rows) = (Widths { inputs, outputs }, pictures * length);
    let output = forward(widths, rows, values(&x), values(&w), b.as_ref().map(values));
    let output = tensor([pictures, length, outputs], output);
    let rule = Rule::new(move |upstream, needed| {
        let mut gradients = [const { None }; PARENTS];
        let up = values(&upstream);
        if needed[0] {
            gradients[0] = Some(tensor([pictures, length, inputs], by_input(widths, rows, up, values(&w))));
        }
        if needed[1] {
            gradients[1] = Some(tensor([inputs, outputs], by_weight(widths, rows, values(&x), up)));
        }
        if needed[2] {
            gradients[2] = Some(tensor([outputs], column_sums(up, outputs)));
        }
        gradients
    });
    let (input, weight) = (input.clone().into_dispatch(), weight.clone().into_dispatch());
    Some(match bias {
        Some(bias) => attach([input, weight, bias.clone().into_dispatch()], output, rule),
        None => attach([input, weight], output, rule),
    })
}
