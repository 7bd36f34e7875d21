//! Batch normalisation. The input and a few numbers per channel are kept for the backward pass.

use burn::backend::Flex;
use burn::tensor::Tensor;

use crate::ops::graph::{Rule, attach};
use crate::ops::kernels::batch_norm::{Channel, Planes, by_input, by_parameters, forward, statistics};
use crate::ops::memory::{read, tensor, values};
use crate::ops::normalised::Normalised;

/// With `CUT`, values below 0 become 0.
pub(in crate::ops) fn batch_norm<const CUT: bool>(
    input: &Tensor<4>,
    gamma: &Tensor<1>,
    beta: &Tensor<1>,
    epsilon: f64,
) -> Option<Normalised> {
    let shape = input.dims();
    let [_, channels, height, width] = shape;
    let (x, g, b) = (read(input)?, read(gamma)?, read(beta)?);
    let planes = Planes { channels, size: height * width };
    let found = statistics(planes, values(&x));
    let by_channel = Channel::each(&found, epsilon, values(&g), values(&b));
    let output = tensor(shape, forward::<CUT>(planes, &by_channel, values(&x)));
    let by_channels = |numbers: Vec<f32>| Tensor::from_primitive::<Flex>(tensor([channels], numbers));
    let (mean, variance) = (by_channels(found.means), by_channels(found.variances));
    let rule = Rule::new(move |upstream, needed| {
        let (input, upstream) = (values(&x), values(&upstream));
        let (by_gamma, by_beta) = by_parameters::<CUT>(planes, &by_channel, input, upstream);
        let by_input = needed[0].then(|| {
            let gradient = by_input::<CUT>(planes, &by_channel, (&by_gamma, &by_beta), (input, upstream));
            tensor(shape, gradient)
        });
        [by_input, Some(tensor([channels], by_gamma)), Some(tensor([channels], by_beta))]
    });
    let parents = [input.clone().into_dispatch(), gamma.clone().into_dispatch(), beta.clone().into_dispatch()];
    Some((attach(parents, output, rule), mean, variance))
}
