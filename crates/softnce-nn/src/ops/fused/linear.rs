//! The linear layer: its input and weight are kept, nothing is transposed or reshaped.

use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;

use crate::ops::graph::{PARENTS, Rule, attach};
use crate::ops::kernels::linear::{Widths, by_input, by_weight, column_sums, forward};
use crate::ops::memory::{filled, read, values};

pub(in crate::ops) fn linear(input: &Tensor<3>, weight: &Tensor<2>, bias: Option<&Tensor<1>>) -> Option<Tensor<3>> {
    let ([rows, length, width], [inputs, outputs]) = (input.dims(), weight.dims());
    if width != inputs || bias.is_some_and(|bias| bias.dims() != [outputs]) {
        return None;
    }
    let (x, w) = (read(input)?, read(weight)?);
    let b = match bias {
        Some(bias) => Some(read(bias)?),
        None => None,
    };
    let widths = Widths { inputs, outputs };
    let output = filled([rows, length, outputs], |output| {
        forward(widths, values(&x), values(&w), b.as_ref().map(values), output);
    });
    let rule = Rule::new(move |upstream, needed| {
        let mut gradients = [const { None }; PARENTS];
        let up = values(&upstream);
        let when = |needed: bool, gradient: &dyn Fn() -> FlexTensor| needed.then(gradient);
        gradients[0] =
            when(needed[0], &|| filled([rows, length, inputs], |gradient| by_input(widths, up, values(&w), gradient)));
        gradients[1] = when(needed[1], &|| {
            filled([inputs, outputs], |gradient| by_weight(widths, values(&x), up, rows * length, gradient))
        });
        gradients[2] = when(needed[2], &|| filled([outputs], |sums| column_sums(up, outputs, sums)));
        gradients
    });
    let (input, weight) = (input.clone().into_dispatch(), weight.clone().into_dispatch());
    Some(match bias {
        Some(bias) => attach([input, weight, bias.clone().into_dispatch()], output, rule),
        None => attach([input, weight], output, rule),
    })
}
