//! The end of a residual block. The result is kept for the backward pass; both terms have the same gradient.

use burn::tensor::Tensor;

use crate::ops::graph::{Rule, attach};
use crate::ops::kernels::add_relu::{backward, forward};
use crate::ops::memory::{read, tensor, values};

pub(in crate::ops) fn add_relu<const D: usize>(a: &Tensor<D>, b: &Tensor<D>) -> Option<Tensor<D>> {
    let shape = a.shape();
    let (x, y) = (read(a)?, read(b)?);
    let output = tensor(shape.clone(), forward(values(&x), values(&y)));
    let kept = output.clone();
    let rule = Rule::new(move |upstream, needed| {
        let gradient = tensor(shape.clone(), backward(values(&kept), values(&upstream)));
        [0, 1].map(|parent| needed[parent].then(|| gradient.clone()))
    });
    Some(attach([a.clone().into_dispatch(), b.clone().into_dispatch()], output, rule))
}
