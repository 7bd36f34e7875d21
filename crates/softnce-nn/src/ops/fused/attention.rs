//! Attention. The packed input and the probabilities are kept for the backward pass.

use burn::tensor::Tensor;

use crate::ops::graph::{Rule, attach};
use crate::ops::kernels::attention::{Heads, backward, forward, forward_keeping};
use crate::ops::memory::{read, tensor, tracked, values};

pub(in crate::ops) fn attention(qkv: &Tensor<3>, heads: usize) -> Option<Tensor<3>> {
    let [rows, length, width] = qkv.dims();
    let packed = read(qkv)?;
    let sizes = Heads { length, heads, size: width / (3 * heads) };
    let shape = [rows, length, width / 3];
    if !tracked(qkv) {
        let output = tensor(shape, forward(sizes, values(&packed)));
        return Some(attach([qkv.clone().into_dispatch()], output, Rule::new(|_, _| [None])));
    }
    let (output, probabilities) = forward_keeping(sizes, values(&packed));
    let rule = Rule::new(move |upstream, _| {
        let gradient = backward(sizes, values(&packed), &probabilities, values(&upstream));
        [Some(tensor([rows, length, width], gradient))]
    });
    Some(attach([qkv.clone().into_dispatch()], tensor(shape, output), rule))
}
