//! Frozen layers.

use std::collections::BTreeSet;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;

use super::*;
use crate::weights::{NamedTensor, apply, layer_of, layers, named};

/// The configurations with these layers frozen; none where there is no layer before the head.
fn frozen(freeze: impl Fn(usize) -> Freeze) -> Vec<NetworkConfig> {
    let mut frozen = Vec::new();
    for mut config in configs() {
        let count = layers(&network(&config, 1, &Device::flex()));
        let key = match &mut config {
            NetworkConfig::Linear(_) => continue,
            NetworkConfig::Mlp(config) => &mut config.freeze,
            NetworkConfig::Resnet(config) => &mut config.freeze,
            NetworkConfig::Vit(config) => &mut config.freeze,
        };
        *key = Some(freeze(count));
        if let NetworkConfig::Vit(config) = &mut config {
            config.drop_path = 0.5;
        }
        frozen.push(config);
    }
    frozen
}

/// Names of the tensors that are frozen, by their layers.
fn kept(network: &Network, freeze: Freeze) -> BTreeSet<String> {
    let names = named(network).unwrap().into_iter().map(|tensor| tensor.name);
    let is_kept = |name: &String| match freeze {
        Freeze::Body => !network.body().is_head(name),
        Freeze::Layers(count) => layer_of(network, name) < count,
    };
    names.filter(is_kept).collect()
}

/// Steps by the gradient, where there is one.
struct Descent {
    gradients: GradientsParams,
    changed: usize,
}

impl ModuleMapper for Descent {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return param };
        self.changed += 1;
        param.map(|old| Tensor::from_inner(old.without_autodiff() - gradient.without_autodiff() * 0.1).require_grad())
    }
}

fn by_name(tensors: Vec<NamedTensor>) -> std::collections::BTreeMap<String, NamedTensor> {
    tensors.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect()
}

#[test]
fn frozen_layers_stay_and_the_others_train() {
    let device = Device::flex().autodiff();
    for freeze in [|_| Freeze::Body, |_| Freeze::Layers(1), |layers| Freeze::Layers(layers - 1)] {
        for config in frozen(freeze) {
            let mut network = network(&config, 1, &device);
            let kept = kept(&network, config.freeze().unwrap());
            // Weights set afterwards are frozen, too.
            let mut tensors = by_name(named(&network).unwrap());
            tensors.values_mut().for_each(|tensor| tensor.values[0] += 0.5);
            network = apply(network, &tensors).unwrap();
            for step in 0..2 {
                let (logits, updates) = network.forward_train(pictures(4, &device), step).unwrap();
                let norms = network.running().iter().filter(|norm| !norm.frozen).count();
                assert_eq!(updates.batches.len(), norms);
                let gradients = GradientsParams::from_grads(loss(logits).backward(), &network);
                let mut descent = Descent { gradients, changed: 0 };
                network = network.map(&mut descent);
                let parameters = tensors.keys().filter(|name| !name.contains("running"));
                assert_eq!(descent.changed, parameters.filter(|name| !kept.contains(*name)).count(), "{config:?}");
                network.update_running(updates).unwrap();
            }
            let after = by_name(named(&network).unwrap());
            for (name, before) in &tensors {
                // Batch normalisation takes out a bias before it.
                let cancelled = name.ends_with(".fc1.bias") || name.ends_with(".fc2.bias");
                let same = after[name] == *before;
                assert!(same == kept.contains(name) || cancelled && !kept.contains(name), "{name} of {config:?}");
            }
        }
    }
}

#[test]
fn a_frozen_body_works_as_in_evaluation() {
    let device = Device::flex();
    for config in frozen(|_| Freeze::Body) {
        let network = network(&config, 1, &device);
        let mlp_head = network.running().iter().any(|norm| !norm.frozen);
        let evaluated = values(&network.forward(pictures(4, &device)).unwrap());
        let trained = values(&network.forward_train(pictures(4, &device), 7).unwrap().0);
        assert_eq!(distance(&evaluated, &trained) > 0.0, mlp_head, "{config:?}");
    }
}

#[test]
fn frozen_layers_are_not_counted() {
    for config in frozen(|_| Freeze::Body) {
        let whole = config.parameters(INPUT, CLASSES).unwrap();
        assert!(config.trained_parameters(INPUT, CLASSES).unwrap() < whole);
        let mut free = serde_json::to_value(&config).unwrap();
        free.as_object_mut().unwrap().remove("freeze").unwrap();
        let free: NetworkConfig = serde_json::from_value(free).unwrap();
        assert_eq!(free.trained_parameters(INPUT, CLASSES).unwrap(), whole);
        let floats = |config: &NetworkConfig| config.activation_floats(INPUT, CLASSES).unwrap();
        assert!(4 * floats(&config) < floats(&free), "{config:?}");
    }
}

#[test]
fn what_to_freeze_is_read_and_checked() {
    let read = |freeze: &str| {
        let text = format!(r#"{{"kind": "resnet", "depth": 8, "freeze": {freeze}}}"#);
        serde_json::from_str::<NetworkConfig>(&text)
    };
    assert_eq!(read("\"body\"").unwrap().freeze(), Some(Freeze::Body));
    assert_eq!(read("3").unwrap().freeze(), Some(Freeze::Layers(3)));
    let words = |freeze: &str| read(freeze).unwrap().describe(INPUT, CLASSES);
    assert_eq!(words("\"body\""), "residual network of 8 layers, all but its head frozen");
    assert_eq!(words("1"), "residual network of 8 layers, its first layer frozen");
    assert_eq!(words("3"), "residual network of 8 layers, its first 3 layers frozen");
    for wrong in ["\"head\"", "-1", "1.5", "true", "[1]"] {
        let error = read(wrong).unwrap_err().to_string();
        assert!(error.contains("expected \"body\" or a number of layers"), "{error}");
    }
    for config in frozen(Freeze::Layers).into_iter().chain(frozen(|_| Freeze::Layers(0))) {
        let error = config.check(INPUT, CLASSES).unwrap_err().to_string();
        assert!(error.starts_with("network: freeze is ") && error.contains("\"body\", or from 1 to "), "{error}");
    }
    let alone = NetworkConfig::Mlp(MlpConfig { hidden: Vec::new(), freeze: Some(Freeze::Body) });
    let error = alone.check(INPUT, CLASSES).unwrap_err().to_string();
    assert!(error.contains("no layer before its head"), "{error}");
}
