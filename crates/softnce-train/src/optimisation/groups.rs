//! The optimiser with a group for each learning rate and weight decay.

use std::collections::BTreeMap;

use burn::module::{ParamGroup, ParamId};
use burn::optim::{ModuleOptimizer, Optimizer};

use super::kinds::{adamw, sgd};
use super::{OptimizerConfig, OptimizerKind, Scaled};

/// What the optimiser has to know of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name for the optimiser.
    pub id: ParamId,
    /// Its layer, from 0 at the input.
    pub layer: usize,
    /// Whether weight decay acts on it.
    pub decays: bool,
}

/// Builds the optimiser: the rate of layer `l` of `last` is the schedule's times `layer_decay^(last - l)`
/// (Clark et al., arXiv 2003.10555; as in BEiT and MAE).
pub fn build(config: &OptimizerConfig, parameters: &[Parameter]) -> ModuleOptimizer {
    match config.kind {
        OptimizerKind::Adamw => grouped(config, parameters, adamw),
        OptimizerKind::Sgd => grouped(config, parameters, sgd),
    }
}

fn grouped<O: Optimizer>(
    config: &OptimizerConfig,
    parameters: &[Parameter],
    optimizer: fn(&OptimizerConfig, bool) -> O,
) -> ModuleOptimizer {
    let last = parameters.iter().map(|parameter| parameter.layer).max().unwrap_or(0);
    let mut groups: BTreeMap<(usize, bool), Vec<ParamId>> = BTreeMap::new();
    for parameter in parameters {
        // One group for all layers where all have the same rate: each parameter looks through the groups at each step.
        let depth = if config.layer_decay < 1.0 { last - parameter.layer } else { 0 };
        groups.entry((depth, parameter.decays)).or_default().push(parameter.id);
    }
    let scaled = |depth: usize, decays: bool| Scaled {
        optimizer: optimizer(config, decays),
        scale: config.layer_decay.powi(depth as i32),
    };
    // The first must match everything.
    groups.into_iter().fold(ModuleOptimizer::from(scaled(0, true)), |built, ((depth, decays), ids)| {
        built.with_group(ParamGroup::from_ids(ids), scaled(depth, decays), None)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use burn::module::{Module, Param};
    use burn::optim::GradientsParams;
    use burn::tensor::{Device, Tensor};

    use super::*;

    #[derive(Module, Debug)]
    struct Pair {
        first: Param<Tensor<1>>,
        last: Param<Tensor<1>>,
    }

    const IDS: [u64; 2] = [11, 12];

    fn pair(device: &Device) -> Pair {
        let parameter = |id: u64, value: f32| {
            Param::initialized(ParamId::from(id), Tensor::from_data([value, -value], device).require_grad())
        };
        Pair { first: parameter(IDS[0], 1.0), last: parameter(IDS[1], 2.0) }
    }

    fn stepped(config: &OptimizerConfig, steps: usize) -> (Vec<f32>, Vec<f32>) {
        let device = Device::flex().autodiff();
        let parameters = [
            Parameter { id: ParamId::from(IDS[0]), layer: 0, decays: false },
            Parameter { id: ParamId::from(IDS[1]), layer: 2, decays: true },
        ];
        let (mut pair, mut optimizer) = (pair(&device), build(config, &parameters));
        for _ in 0..steps {
            let loss = (pair.first.val() * pair.last.val() + pair.last.val()).sum();
            let gradients = GradientsParams::from_grads(loss.backward(), &pair);
            pair = optimizer.step(0.1, pair, gradients);
        }
        let values = |parameter: Param<Tensor<1>>| parameter.val().without_autodiff().try_to_vec_as().unwrap();
        (values(pair.first), values(pair.last))
    }

    fn close(found: &[f32], expected: &[f32]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-6), "{found:?}, {expected:?}");
    }

    // first = torch.tensor([1., -1.], requires_grad=True); last = torch.tensor([2., -2.], requires_grad=True)
    // optimizer = torch.optim.AdamW([dict(params=[first], lr=0.1 * 0.25, weight_decay=0), dict(params=[last], lr=0.1,
    //     weight_decay=0.5)], betas=(0.9, 0.99), eps=1e-8)
    // for _ in range(3): optimizer.zero_grad(); (first * last + last).sum().backward(); optimizer.step()
    #[test]
    fn adamw_with_layer_decay_and_exemptions_equals_pytorch() {
        let config = OptimizerConfig {
            layer_decay: 0.5,
            weight_decay: 0.5,
            betas: [0.9, 0.99],
            learning_rate: Some(0.1),
            ..Default::default()
        };
        let (first, last) = stepped(&config, 3);
        close(&first, &ADAMW[0]);
        close(&last, &ADAMW[1]);
    }

    // optimizer = torch.optim.SGD([dict(params=[first], lr=0.1, weight_decay=0), dict(params=[last], lr=0.1,
    //     weight_decay=0.5)], momentum=0.9, nesterov=True)
    #[test]
    fn sgd_with_momentum_equals_pytorch() {
        let config = OptimizerConfig {
            kind: OptimizerKind::Sgd,
            weight_decay: 0.5,
            nesterov: true,
            learning_rate: Some(0.1),
            ..Default::default()
        };
        let (first, last) = stepped(&config, 3);
        close(&first, &SGD[0]);
        close(&last, &SGD[1]);
    }

    const ADAMW: [[f32; 2]; 2] = [[0.925_364_9, -0.925_097_1], [1.429_615_7, -1.867_849_6]];
    const SGD: [[f32; 2]; 2] = [[-0.216_566_5, 0.487_867_4], [0.039_499_857, -1.527_367_2]];

    #[test]
    fn a_loaded_state_goes_on_as_if_never_saved() {
        let device = Device::flex().autodiff();
        let config = OptimizerConfig { learning_rate: Some(0.1), ..Default::default() };
        let parameters: Vec<Parameter> =
            IDS.iter().map(|&id| Parameter { id: ParamId::from(id), layer: 0, decays: true }).collect();
        let step = |pair: Pair, optimizer: &mut ModuleOptimizer| {
            let loss = (pair.first.val() * pair.last.val()).sum();
            let gradients = GradientsParams::from_grads(loss.backward(), &pair);
            optimizer.step(0.1, pair, gradients)
        };
        let mut optimizer = build(&config, &parameters);
        let once = step(pair(&device), &mut optimizer);
        let bytes = optimizer.into_bytes().unwrap();
        let mut loaded = build(&config, &parameters).from_bytes(bytes).unwrap();
        let (left, right) = (step(once.clone(), &mut optimizer), step(once, &mut loaded));
        let values = |pair: Pair| pair.first.val().without_autodiff().try_to_vec_as::<f32>().unwrap();
        assert_eq!(values(left), values(right));
    }
}
