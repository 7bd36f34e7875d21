//! Attention: its packed input and the probabilities are kept.

use burn::tensor::Tensor;

use crate::ops::graph::{PARENTS, Rule, attach};
use crate::ops::kernels::attention::{Heads, backward, forward};
use crate::ops::memory::{filled, read, tracked, values};

pub(in crate::ops) fn attention(qkv: &Tensor<3>, heads: usize) -> Option<Tensor<3>> {
    let [rows, length, width] = qkv.dims();
    if heads == 0 || width % (3 * heads) != 0 {
        return None;
    }
    let packed = read(qkv)?;
    let sizes = Heads { length, heads, size: width / (3 * heads) };
    let shape = [rows, length, width / 3];
    if !tracked(qkv) {
        let output = filled(shape, |output| forward(sizes, values(&packed), output, None));
        return Some(attach([qkv.clone().into_dispatch()], output, Rule::new(|_, _| [const { None }; PARENTS])));
    }
    let mut output = None;
    let probabilities = filled([rows, heads, length, length], |kept| {
        output = Some(filled(shape, |output| forward(sizes, values(&packed), output, Some(kept))));
    });
    let rule = Rule::new(move |upstream, _| {
        let mut gradients = [const { None }; PARENTS];
        gradients[0] = Some(filled([rows, length, width], |gradient| {
            backward(sizes, values(&packed), values(&probabilities), values(&upstream), gradient);
        }));
        gradients
    });
    Some(attach([qkv.clone().into_dispatch()], output?, rule))
}
