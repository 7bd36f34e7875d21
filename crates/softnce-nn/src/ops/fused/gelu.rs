//! The GELU: its input alone is kept.

use burn::tensor::Tensor;

use crate::ops::graph::{PARENTS, Rule, attach};
use crate::ops::kernels::gelu::{backward, forward};
use crate::ops::memory::{filled, read, values};

pub(in crate::ops) fn gelu<const D: usize>(input: &Tensor<D>) -> Option<Tensor<D>> {
    let x = read(input)?;
    let shape = input.shape();
    let output = filled(shape.clone(), |output| forward(values(&x), output));
    let rule = Rule::new(move |upstream, _| {
        let mut gradients = [const { None }; PARENTS];
        let fill = |gradient: &mut [f32]| backward(values(&x), values(&upstream), gradient);
        gradients[0] = Some(filled(shape.clone(), fill));
        gradients
    });
    Some(attach([input.clone().into_dispatch()], output, rule))
}
