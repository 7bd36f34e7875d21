//! What holds for every network.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use chacha20::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::weights::{named, parameter_ids};

const INPUT: [usize; 3] = [3, 8, 8];
const CLASSES: usize = 5;

fn configs() -> Vec<NetworkConfig> {
    let vit = VitConfig::explicit(12, 2, 3, 4);
    let resnet = ResnetConfig { width: Some(4), ..ResnetConfig::new(8) };
    vec![
        NetworkConfig::Mlp(MlpConfig { hidden: vec![10, 7] }),
        NetworkConfig::Vit(VitConfig { head_std: 0.02, ..vit.clone() }),
        NetworkConfig::Vit(VitConfig {
            pool: Pool::Mean,
            qkv_bias: false,
            head: HeadKind::Mlp,
            head_width: Some(9),
            head_std: 0.02,
            mlp_ratio: 1.5,
            ..vit
        }),
        NetworkConfig::Resnet(resnet.clone()),
        NetworkConfig::Resnet(ResnetConfig { depth: 14, shortcut: Some(Shortcut::Projection), ..resnet.clone() }),
        NetworkConfig::Resnet(ResnetConfig { depth: 18, head: HeadKind::Mlp, zero_init_last: true, ..resnet }),
    ]
}

fn network(config: &NetworkConfig, seed: u64, device: &Device) -> Network {
    config.init(INPUT, CLASSES, &mut ChaCha8Rng::seed_from_u64(seed), device).unwrap()
}

fn pictures(rows: usize, device: &Device) -> Tensor<4> {
    let mut rng = ChaCha8Rng::seed_from_u64(99);
    let values: Vec<f32> = (0..rows * 192).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect();
    Tensor::from_data(TensorData::new(values, [rows, 3, 8, 8]), device)
}

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.try_to_vec_as::<f32>().unwrap()
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Mean squared distance of the logits from targets that differ from row to row.
fn loss(logits: Tensor<2>) -> Tensor<1> {
    let [rows, classes] = logits.dims();
    let targets: Vec<f32> = (0..rows * classes).map(|place| ((place * 7) % 5) as f32 / 2.0 - 1.0).collect();
    let difference = logits.clone() - Tensor::from_data(TensorData::new(targets, [rows, classes]), &logits.device());
    (difference.clone() * difference).mean()
}

#[test]
fn parameters_are_counted_without_building() {
    for config in configs() {
        let built = network(&config, 1, &Device::flex()).num_params();
        assert_eq!(config.parameters(INPUT, CLASSES).unwrap(), built, "{config:?}");
        assert!(config.activation_floats(INPUT, CLASSES).unwrap() >= 192, "{config:?}");
    }
}

/// timm 1.0.31: `sum(p.numel() for p in timm.create_model("vit_tiny_patch16_224").parameters())`; torchvision's
/// resnet18 has a stem of kernel 7 and 1,000 classes, so its count with 3 and 10; He et al. give 0.27 and 0.46 million.
#[test]
fn sizes_are_those_of_the_field() {
    let vit = |preset| NetworkConfig::Vit(VitConfig::preset(preset, 16)).parameters([3, 224, 224], 1000).unwrap();
    assert_eq!(vit(VitPreset::Tiny), 5_717_416);
    assert_eq!(vit(VitPreset::Small), 22_050_664);
    assert_eq!(vit(VitPreset::Base), 86_567_656);
    let resnet = |depth| NetworkConfig::Resnet(ResnetConfig::new(depth)).parameters([3, 32, 32], 10).unwrap();
    assert_eq!(resnet(18), 11_173_962);
    assert_eq!(resnet(20), 269_722);
    assert_eq!(resnet(32), 464_154);
}

#[test]
fn the_seed_decides_the_weights_and_the_names_decide_the_ids() {
    for config in configs() {
        let device = Device::flex();
        let (first, second) = (network(&config, 1, &device), network(&config, 1, &device.clone().autodiff()));
        assert_eq!(named(&first).unwrap(), named(&second).unwrap());
        assert_ne!(named(&first).unwrap(), named(&network(&config, 2, &device)).unwrap());

        let ids = parameter_ids(&first);
        assert_eq!(ids, parameter_ids(&second));
        // What Burn's optimisers key their state by.
        let visited = burn::module::list_param_ids(&second);
        assert_eq!(visited, ids.iter().map(|(id, _)| *id).collect::<Vec<_>>());
        let distinct: std::collections::HashSet<_> = visited.iter().collect();
        assert_eq!(distinct.len(), visited.len());
    }
}

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
        let (logits, _) = network.forward_train(pictures(4, &device), 7);
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
        let evaluated = values(&network.forward(pictures(4, &device)));
        let (trained, updates) = network.forward_train(pictures(4, &device), 7);
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
    let run = |seed| values(&network.forward_train(pictures(8, &device), seed).0);
    assert_eq!(run(1), run(1));
    assert!(distance(&run(1), &run(2)) > 1e-4);
    let evaluated = values(&network.forward(pictures(8, &device)));
    assert!(distance(&run(1), &evaluated) > 1e-4);
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
            let (logits, updates) = network.forward_train(pictures(8, &device), step);
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
        let (with, without) = (network.forward(pictures(&device)), plain.forward(pictures(&Device::flex())));
        assert!(with.is_autodiff() && !without.is_autodiff());
        assert!(distance(&values(&with), &values(&without)) < 1e-6);
        assert_eq!(named(&plain).unwrap(), changed);
    }
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
    let (_, updates) = network.forward_train(pictures(4, &device), 0);
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

#[test]
fn configurations_are_read_strictly_and_checked() {
    let read = |text: &str| serde_json::from_str::<NetworkConfig>(text);
    let tiny = read(r#"{"kind": "vit", "patch": 4, "preset": "tiny", "drop_path": 0.1}"#).unwrap();
    let expected = VitConfig { drop_path: 0.1, ..VitConfig::preset(VitPreset::Tiny, 4) };
    assert_eq!(tiny, NetworkConfig::Vit(expected));
    for config in configs() {
        assert_eq!(read(&serde_json::to_string(&config).unwrap()).unwrap(), config);
    }
    assert!(read(r#"{"kind": "vit", "patch": 4, "preset": "tiny", "dropout": 0.1}"#).is_err());
    assert!(read(r#"{"kind": "resnet"}"#).is_err());

    let vit = VitConfig::preset(VitPreset::Tiny, 4);
    let wrong = [
        (NetworkConfig::Vit(VitConfig { patch: 3, ..vit.clone() }), "patch"),
        (NetworkConfig::Vit(VitConfig { heads: Some(5), ..vit.clone() }), "heads"),
        (NetworkConfig::Vit(VitConfig { preset: None, ..vit.clone() }), "width"),
        (NetworkConfig::Vit(VitConfig { drop_path: 1.0, ..vit.clone() }), "drop_path"),
        (NetworkConfig::Vit(VitConfig { mlp_ratio: f64::NAN, ..vit }), "mlp_ratio"),
        (NetworkConfig::Resnet(ResnetConfig::new(19)), "depth"),
        (NetworkConfig::Mlp(MlpConfig { hidden: vec![0] }), "hidden"),
    ];
    for (config, name) in wrong {
        match config.check(INPUT, CLASSES).unwrap_err() {
            NetworkError::Argument { argument, .. } => assert_eq!(argument, name),
            other => panic!("{other}"),
        }
    }
    assert!(configs()[0].check([0, 8, 8], 5).is_err());
    assert!(configs()[0].check(INPUT, 0).is_err());
}
