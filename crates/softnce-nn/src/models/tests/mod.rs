//! What holds for every network.

mod building;
mod frozen;
mod training;

use burn::tensor::{Device, Tensor, TensorData};
use chacha20::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::*;

const INPUT: [usize; 3] = [3, 8, 8];
const CLASSES: usize = 5;

/// The example of every kind of network.
fn examples() -> impl Iterator<Item = NetworkConfig> {
    NetworkConfig::KINDS.into_iter().map(|kind| serde_json::from_str(kind.example).unwrap())
}

/// A few configurations of each kind, and the example of every kind.
fn configs() -> Vec<NetworkConfig> {
    let vit = VitConfig::explicit(12, 2, 3, 4);
    let resnet = ResnetConfig { width: Some(4), ..ResnetConfig::new(8) };
    // Blocks that start as their shortcuts, as steps of the size used here would diverge otherwise at depth 50.
    let form = |form, depth| ResnetConfig { form: Some(form), depth, zero_init_last: depth == 50, ..resnet.clone() };
    let varied = vec![
        NetworkConfig::Mlp(MlpConfig { hidden: vec![10, 7], ..MlpConfig::default() }),
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
        NetworkConfig::Resnet(form(ResnetForm::Imagenet, 18)),
        NetworkConfig::Resnet(form(ResnetForm::Imagenet, 50)),
        NetworkConfig::Resnet(form(ResnetForm::Small, 50)),
        NetworkConfig::Resnet(ResnetConfig { depth: 14, shortcut: Some(Shortcut::Projection), ..resnet.clone() }),
        NetworkConfig::Resnet(ResnetConfig { depth: 18, head: HeadKind::Mlp, zero_init_last: true, ..resnet }),
    ];
    varied.into_iter().chain(examples()).collect()
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
