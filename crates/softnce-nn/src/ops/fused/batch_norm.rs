//! Batch normalisation: its input and a few numbers a channel are kept.

use burn::backend::Flex;
use burn::tensor::Tensor;

use crate::ops::graph::{PARENTS, Rule, attach};
use crate::ops::kernels::batch_norm::{Channel, Planes, by_input, by_parameters, forward, statistics};
use crate::ops::memory::{filled, read, values};

/// Result, mean and biased variance of each channel.
pub(in crate::ops) type Normalised = (Tensor<4>, Tensor<1>, Tensor<1>);

/// With `CUT` nothing below 0.
pub(in crate::ops) fn batch_norm<const CUT: bool>(
    input: &Tensor<4>,
    gamma: &Tensor<1>,
    beta: &Tensor<1>,
    epsilon: f64,
) -> Option<Normalised> {
    let shape = input.dims();
    let [_, channels, height, width] = shape;
    if gamma.dims() != [channels] || beta.dims() != [channels] {
        return None;
    }
    let (x, g, b) = (read(input)?, read(gamma)?, read(beta)?);
    let planes = Planes { channels, size: height * width };
    let found = statistics(planes, values(&x));
    let by_channel = Channel::each(&found, epsilon, values(&g), values(&b));
    let output = filled(shape, |output| forward::<CUT>(planes, &by_channel, values(&x), output));
    let host =
        |numbers: &[f32]| Tensor::from_primitive::<Flex>(filled([channels], |memory| memory.copy_from_slice(numbers)));
    let (mean, variance) = (host(&found.means), host(&found.variances));
    let rule = Rule::new(move |upstream, needed| {
        let mut gradients = [const { None }; PARENTS];
        let (input, upstream) = (values(&x), values(&upstream));
        let (by_gamma, by_beta) = by_parameters::<CUT>(planes, &by_channel, input, upstream);
        if needed[0] {
            gradients[0] = Some(filled(shape, |gradient| {
                by_input::<CUT>(planes, &by_channel, (&by_gamma, &by_beta), (input, upstream), gradient);
            }));
        }
        gradients[1] = Some(filled([channels], |gradient| gradient.copy_from_slice(&by_gamma)));
        gradients[2] = Some(filled([channels], |gradient| gradient.copy_from_slice(&by_beta)));
        gradients
    });
    let parents = [input.clone().into_dispatch(), gamma.clone().into_dispatch(), beta.clone().into_dispatch()];
    Some((attach(parents, output, rule), mean, variance))
}
