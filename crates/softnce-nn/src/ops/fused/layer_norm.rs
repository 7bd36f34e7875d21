//! Layer normalisation: its input and two numbers a row are kept.

use burn::tensor::Tensor;

use crate::ops::graph::{PARENTS, Rule, attach};
use crate::ops::kernels::layer_norm::{backward, forward};
use crate::ops::memory::{filled, read, values};

pub(in crate::ops) fn layer_norm(
    input: &Tensor<3>,
    gamma: &Tensor<1>,
    beta: &Tensor<1>,
    epsilon: f64,
) -> Option<Tensor<3>> {
    let shape = input.dims();
    if gamma.dims() != [shape[2]] || beta.dims() != [shape[2]] {
        return None;
    }
    let (x, g, b) = (read(input)?, read(gamma)?, read(beta)?);
    let mut moments = Vec::new();
    let output = filled(shape, |output| moments = forward(values(&x), values(&g), values(&b), epsilon, output));
    let rule = Rule::new(move |upstream, needed| {
        let mut gradients = [const { None }; PARENTS];
        let mut by_parameters = Vec::new();
        let mut run = |gradient: Option<&mut [f32]>| {
            by_parameters = backward(values(&x), values(&g), &moments, values(&upstream), gradient);
        };
        if needed[0] {
            gradients[0] = Some(filled(shape, |gradient| run(Some(gradient))));
        } else {
            run(None);
        }
        for (number, part) in by_parameters.chunks(shape[2].max(1)).enumerate() {
            gradients[1 + number] = Some(filled([shape[2]], |gradient| gradient.copy_from_slice(part)));
        }
        gradients
    });
    let parents = [input.clone().into_dispatch(), gamma.clone().into_dispatch(), beta.clone().into_dispatch()];
    Some(attach(parents, output, rule))
}
