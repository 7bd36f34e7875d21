//! Layer normalisation. The input and two numbers per row are kept for the backward pass.

use burn::tensor::Tensor;

use crate::ops::graph::{Rule, attach};
use crate::ops::kernels::layer_norm::{backward, forward};
use crate::ops::memory::{read, tensor, values};

pub(in crate::ops) fn layer_norm(
    input: &Tensor<3>,
    gamma: &Tensor<1>,
    beta: &Tensor<1>,
    epsilon: f64,
) -> Option<Tensor<3>> {
    let shape = input.dims();
    let (x, g, b) = (read(input)?, read(gamma)?, read(beta)?);
    let (output, moments) = forward(values(&x), values(&g), values(&b), epsilon);
    let output = tensor(shape, output);
    let rule = Rule::new(move |upstream, needed| {
        let (by_input, by_parameters) = backward(values(&x), values(&g), &moments, values(&upstream), needed[0]);
        let mut by_parameters = by_parameters.chunks(shape[2].max(1)).map(|part| tensor([shape[2]], part.to_vec()));
        [by_input.map(|gradient| tensor(shape, gradient)), by_parameters.next(), by_parameters.next()]
    });
    let parents = [input.clone().into_dispatch(), gamma.clone().into_dispatch(), beta.clone().into_dispatch()];
    Some(attach(parents, output, rule))
}
