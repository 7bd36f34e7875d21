//! The GELU. Only the input is kept for the backward pass.

use burn::tensor::Tensor;

use crate::ops::graph::{Rule, attach};
use crate::ops::kernels::gelu::{backward, forward};
use crate::ops::memory::{read, tensor, values};

pub(in crate::ops) fn gelu<const D: usize>(input: &Tensor<D>) -> Option<Tensor<D>> {
    let x = read(input)?;
    let shape = input.shape();
    let output = tensor(shape.clone(), forward(values(&x)));
    let rule = Rule::new(move |upstream, _| [Some(tensor(shape.clone(), backward(values(&x), values(&upstream))))]);
    Some(attach([input.clone().into_dispatch()], output, rule))
}
