//! Forward and backward passes.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};

use super::*;
use crate::weights::{apply, named, parameter_ids};

#[test]
fn every_parameter_has_a_gradient() {
    struct Check<'a> {
        gradients: &'a GradientsParams,
        sizes: Vec<f32>,
    }
    impl ModuleVisitor for Check<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let gradient = self.gradients.get::<D>(param.id);
            let gradient = gradient.map(|gradient| values(&gradient)).unwrap_or_default();
            assert!(gradient.iter().all(|value| value.is_finite()));
            self.sizes.push(gradient.iter().fold(0.0, |largest, value| value.abs().max(largest)));
        }
    }
    for config in configs() {
        let device = Device::flex().autodiff();
        let mut config = config;
        if let NetworkConfig::Resnet(resnet) = &mut config {
            // Behind a scale of 0 there is no gradient.
            resnet.zero_init_last = false;
        }
        let network = network(&config, 1, &device);
        let (logits, _) = network.forward_train(pictures(4, &device), 7).unwrap();
        let gradients = GradientsParams::from_grads(loss(logits).backward(), &network);
        let mut check = Check { gradients: &gradients, sizes: Vec::new() };
        network.visit(&mut check);
        for ((_, name), size) in parameter_ids(&network).iter().zip(check.sizes) {
            // Batch normalisation takes out a bias before it: rounding is all that is left of its gradient.
            let cancelled = ["head.fc1.bias", "head.fc2.bias", "fc.fc1.bias", "fc.fc2.bias"].contains(&name.as_str());
            assert!(size > 0.0 || cancelled, "{name} of {config:?}");
        }
    }
}

#[test]
fn training_and_evaluation_differ_by_batch_norm_and_drop_path_alone() {
    let device = Device::flex();
    for config in configs() {
        let network = network(&config, 1, &device);
        let evaluated = values(&network.forward(pictures(4, &device)).unwrap());
        let (trained, updates) = network.forward_train(pictures(4, &device), 7).unwrap();
        let apart = distance(&evaluated, &values(&trained));
        if updates.batches.is_empty() {
            assert_eq!(apart, 0.0, "{config:?}");
        } else {
            assert!(apart > 1e-4, "{config:?}");
        }
        assert_eq!(updates.batches.len(), network.running().len());
    }
}

#[test]
fn drop_path_follows_the_seed() {
    let device = Device::flex();
    let config = VitConfig { drop_path: 0.5, head_std: 0.02, ..VitConfig::explicit(12, 3, 3, 4) };
    let network = network(&NetworkConfig::Vit(config), 1, &device);
    let run = |seed| values(&network.forward_train(pictures(8, &device), seed).unwrap().0);
    assert_eq!(run(1), run(1));
    assert!(distance(&run(1), &run(2)) > 1e-4);
    let evaluated = values(&network.forward(pictures(8, &device)).unwrap());
    assert!(distance(&run(1), &evaluated) > 1e-4);

    // The rates rise from 0 at the first block, so that a single one drops nothing.
    let config = VitConfig { drop_path: 0.5, head_std: 0.02, ..VitConfig::explicit(12, 1, 3, 4) };
    let one = self::network(&NetworkConfig::Vit(config), 1, &device);
    let trained = values(&one.forward_train(pictures(8, &device), 1).unwrap().0);
    assert_eq!(trained, values(&one.forward(pictures(8, &device)).unwrap()));
}

#[test]
fn blocks_may_start_as_their_shortcuts() {
    let scales = |zero_init_last| {
        let config = ResnetConfig { zero_init_last, width: Some(4), ..ResnetConfig::new(8) };
        let tensors = named(&network(&NetworkConfig::Resnet(config), 1, &Device::flex())).unwrap();
        let scales = tensors.into_iter().filter(|tensor| tensor.name.ends_with("bn2.weight"));
        scales.flat_map(|tensor| tensor.values).collect::<Vec<_>>()
    };
    assert_eq!(scales(false), [1.0; 28]);
    assert_eq!(scales(true), [0.0; 28]);
}

/// One step of gradient descent.
struct Descent {
    gradients: GradientsParams,
    rate: f64,
}

impl ModuleMapper for Descent {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return param };
        let rate = self.rate;
        param.map(|old| Tensor::from_inner(old.without_autodiff() - gradient.without_autodiff() * rate).require_grad())
    }
}

#[test]
fn a_few_steps_lower_the_loss_and_leave_a_clone_alone() {
    for config in configs() {
        let device = Device::flex().autodiff();
        let mut network = network(&config, 1, &device);
        let (kept, before) = (network.clone(), named(&network).unwrap());
        let mut losses = Vec::new();
        for step in 0..8 {
            let (logits, updates) = network.forward_train(pictures(8, &device), step).unwrap();
            let value = loss(logits);
            losses.push(values(&value)[0]);
            let gradients = GradientsParams::from_grads(value.backward(), &network);
            network = network.map(&mut Descent { gradients, rate: 0.05 });
            network.update_running(updates).unwrap();
        }
        assert!(losses[7] < losses[0], "{losses:?} of {config:?}");
        assert_eq!(named(&kept).unwrap(), before, "{config:?}");
        let changed = named(&network).unwrap();
        assert!(changed.iter().zip(&before).all(|(new, old)| new.values != old.values || is_cancelled(&new.name)));

        // Evaluation without a graph gives the same.
        let plain = network.valid();
        let pictures = |device: &Device| pictures(3, device);
        let (with, without) =
            (network.forward(pictures(&device)).unwrap(), plain.forward(pictures(&Device::flex())).unwrap());
        assert!(with.is_autodiff() && !without.is_autodiff());
        assert!(distance(&values(&with), &values(&without)) < 1e-6);
        assert_eq!(named(&plain).unwrap(), changed);
    }
}

#[test]
fn another_process_goes_on_where_one_stopped() {
    let config = &configs()[3];
    let device = Device::flex().autodiff();
    let step = |network: Network, optimizer: &mut ModuleOptimizer, number| {
        let (logits, updates) = network.forward_train(pictures(4, &device), number).unwrap();
        let gradients = GradientsParams::from_grads(loss(logits).backward(), &network);
        let mut network = optimizer.step(0.01, network, gradients);
        network.update_running(updates).unwrap();
        network
    };
    let mut optimizer: ModuleOptimizer = AdamWConfig::new().init();
    let first = step(network(config, 1, &device), &mut optimizer, 0);
    let (state, weights) = (optimizer.to_record(), named(&first).unwrap());
    let straight = step(first, &mut optimizer, 1);

    // Nothing is kept but the record and the weights by name; the network is built anew from another seed.
    let weights = weights.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
    let fresh = apply(network(config, 2, &device), &weights).unwrap();
    let mut optimizer = AdamWConfig::new().init().load_record(state);
    let resumed = step(fresh, &mut optimizer, 1);
    assert_eq!(named(&resumed).unwrap(), named(&straight).unwrap());
}

/// Behind a scale that starts at 0, or before batch normalisation, the first steps may leave a tensor as it was.
fn is_cancelled(name: &str) -> bool {
    name.starts_with("layer") || name.contains("fc1.bias") || name.contains("fc2.bias")
}

#[test]
fn running_statistics_move_by_a_tenth() {
    let device = Device::flex();
    let mut network = network(&configs()[3], 1, &device);
    let copy = network.clone();
    let (_, updates) = network.forward_train(pictures(4, &device), 0).unwrap();
    let (mean, variance) = (values(&updates.batches[0].mean), values(&updates.batches[0].variance));
    assert_eq!(updates.batches[0].count, 4 * 64);
    network.update_running(updates).unwrap();
    let running = &network.running()[0];
    assert_eq!(running.name, "bn1");
    for (found, mean) in values(&running.mean).iter().zip(mean) {
        assert!((found - 0.1 * mean).abs() < 1e-6);
    }
    for (found, variance) in values(&running.variance).iter().zip(variance) {
        assert!((found - (0.9 + 0.1 * variance * 256.0 / 255.0)).abs() < 1e-6);
    }
    assert_eq!(values(&copy.running()[0].mean), [0.0; 4]);

    // Another network's are refused, and taken over by one of the same configuration.
    let mut copy = copy;
    copy.set_running(network.running()).unwrap();
    assert_eq!(values(&copy.running()[2].variance), values(&network.running()[2].variance));
    let error = copy.update_running(RunningUpdates::default()).unwrap_err();
    assert!(matches!(error, NetworkError::Running { got: 0, .. }), "{error}");
}
